/** What requests may hold. Every field has a limit, and what is not named here is refused. */
import { z } from 'zod';
import type { AccountKind } from '../domain/account.ts';
import { AMOUNT_MAX } from '../domain/amount.ts';
import { isChargeable as canCharge, parseCurrency, type Currency } from '../domain/currency.ts';
import { PLATFORM_KINDS, parseId, type Id, type ItemId } from '../domain/ids.ts';
import type { Asked } from '../domain/cut.ts';
import { parseInstant } from '../domain/instant.ts';
import { micros, toMs } from '../domain/time.ts';
import type { Page, Range, Span } from '../storage/pages.ts';
import { PAYMENT_STATUSES, type PaymentStatus } from '../domain/payment.ts';

interface Rule {
  readonly path: string[];
  readonly message: string;
  readonly when: (payload: { readonly issues: readonly unknown[] }) => boolean;
}

/**
 * How a rule over several fields fails, for `refine`. It runs only where each of them was understood: zod would else hand
 * it what they were before, of whatever type.
 */
export const rule = (field: string, message: string): Rule => ({
  path: [field],
  message,
  when: ({ issues }) => issues.length === 0,
});

/** Postgres stores no NUL, and half a surrogate pair is no character. */
export const text = (max: number): z.ZodType<string, string> =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'It holds a character that is not text.');

/** The documents say the form of a text that is checked in words of our own. */
const like = (schema: z.ZodString, pattern: string): z.ZodString => schema.meta({ pattern });

/** What may be left out, or be null, which is the same. */
export const optional = <T>(schema: z.ZodType<T>): z.ZodType<T | null> =>
  schema.nullish().transform((value) => value ?? null);

export const id = <P extends string>(prefix: P): z.ZodType<Id<P>, string> =>
  like(z.string(), `^${prefix}_[0-9a-f]{32}$`).transform((value, ctx): Id<P> => {
    const parsed = parseId(prefix, value);
    if (parsed) return parsed;
    ctx.addIssue({ code: 'custom', message: `It is not an id of the form ${prefix}_ and 32 hexadecimal digits.` });
    return z.NEVER;
  });

/** Items are named by people: `item_` and up to 64 letters, digits and underscores. */
export const itemId: z.ZodType<ItemId, string> = z
  .string()
  .regex(/^item_[A-Za-z0-9_]{1,64}$/, 'It is not an id of the form item_ and up to 64 letters and digits.')
  .transform((value) => value as ItemId);

/** A positive integer in minor units, as a JSON number or as digits; at most 12 of them, which is Stripe's own limit. */
export const amount: z.ZodType<bigint, number | string> = z
  .union(
    [
      z.number().meta({ type: 'integer', minimum: 1, maximum: Number(AMOUNT_MAX) }),
      like(z.string().max(20), '^[1-9][0-9]{0,11}$'),
    ],
    'It must be a positive integer in minor units.',
  )
  .transform((value, ctx): bigint => {
    const digits = String(value);
    if (/^[1-9][0-9]{0,11}$/.test(digits)) return BigInt(digits);
    ctx.addIssue({ code: 'custom', message: `It must be a positive integer in minor units, at most ${AMOUNT_MAX}.` });
    return z.NEVER;
  })
  .describe('In minor units: 19.99 usd is 1999.');

export const currency: z.ZodType<Currency, string> = like(z.string().max(10), '^[a-z]{3}$')
  .transform((value, ctx): Currency => {
    const parsed = parseCurrency(value);
    if (parsed) return parsed;
    ctx.addIssue({
      code: 'custom',
      message: 'It must be a lower-case ISO 4217 code of a currency that cards are charged in.',
    });
    return z.NEVER;
  })
  .describe('An ISO 4217 code in lower case.');

/** An amount that a card can be charged, in its currency. */
export const isChargeable = ({ amount: charged, currency: of }: { amount: bigint; currency: Currency }): boolean =>
  canCharge(charged, of);

const metadataKey = text(40).refine(
  (key) => !/[[\]]/.test(key) && key !== '__proto__',
  'A key may not hold square brackets.',
);
const metadataValue = z
  .string()
  .max(500)
  .refine((value) => !value.includes('\0') && value.isWellFormed(), 'It holds a character that is not text.');

/** Stripe's limits: 50 keys of 40 characters, values of 500. */
export const metadata: z.ZodType<Record<string, string>> = z
  .custom<Record<string, string>>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
    message: 'It must be an object of texts.',
    abort: true,
  })
  // Counted before any is looked at: each that is wrong would cost as much as ten that are right.
  .refine((entries) => Object.keys(entries).length <= 50, { message: 'At most 50 keys.', abort: true })
  .meta({ type: 'object', maxProperties: 50, additionalProperties: { type: 'string', maxLength: 500 } })
  .pipe(z.record(metadataKey, metadataValue));

/** A change of metadata: of each key by itself, and one that is null or empty goes; null clears all of it. */
export const metadataUpdate: z.ZodType<Record<string, string | null> | null> = z
  .custom<Record<string, string | null> | null>((value) => typeof value === 'object' && !Array.isArray(value), {
    message: 'It must be an object of texts.',
    abort: true,
  })
  .refine((entries) => Object.keys(entries ?? {}).length <= 50, { message: 'At most 50 keys.', abort: true })
  .meta({
    type: ['object', 'null'],
    maxProperties: 50,
    additionalProperties: { type: ['string', 'null'], maxLength: 500 },
  })
  .pipe(z.record(metadataKey, metadataValue.nullable()).nullable());

/** Where a customer comes back to: a web page, without credentials; what has a space in it is none. */
export const returnUrl: z.ZodType<string, string> = text(2048).refine((value) => {
  const url = /[\s\p{Cc}]/u.test(value) ? null : URL.parse(value);
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && !url.username && !url.password;
}, 'It must be an http or https URL.');

/** Stripe's ids of payment methods, as Stripe.js gives them. */
export const paymentMethod: z.ZodType<string, string> = z
  .string()
  .regex(/^(?:pm|card|src)_[A-Za-z0-9_]{1,100}$/, 'It must be a payment method of Stripe, such as pm_card_visa.');

/** Stripe's ids of confirmation tokens: https://docs.stripe.com/api/confirmation_tokens */
export const confirmationToken: z.ZodType<string, string> = z
  .string()
  .regex(/^ctoken_[A-Za-z0-9_]{1,100}$/, 'It must be a confirmation token of Stripe.js, ctoken_….');

const decimal = (max: RegExp, what: string): z.ZodType<string, string> => z.string().regex(max, what);

/** Up to 15 digits before the point and 12 behind it. Text comes first, being what most send. */
const quantity: z.ZodType<string | number, string | number> = z.union([
  decimal(
    /^(?:0|[1-9][0-9]{0,14})(?:\.[0-9]{1,12})?$/,
    'It must be a decimal of up to 15 digits, and 12 behind the point.',
  ),
  z.int().min(0),
]);
export const unitPrice: z.ZodType<string, string> = decimal(
  /^(?:0|[1-9][0-9]{0,11})(?:\.[0-9]{1,12})?$/,
  'It must be a decimal in minor units, of up to 12 digits, and 12 behind the point.',
);

export const usageItems: z.ZodType<{ quantity: string | number; unit_price: string }[], unknown> = z
  .array(z.strictObject({ quantity, unit_price: unitPrice }))
  .min(1)
  .max(1000);

/** A day of the calendar. */
export const date: z.ZodType<string, string> = z.iso.date('It must be a day that there is, such as 2026-03-31.');

interface PageFields<P extends string> {
  readonly limit: z.ZodType<number, string | undefined>;
  readonly starting_after: z.ZodType<Id<P> | undefined, string | undefined>;
  readonly ending_before: z.ZodType<Id<P> | undefined, string | undefined>;
}

/** The fields of a page in a query string, which holds text alone. */
export const page = <P extends string>(prefix: P): PageFields<P> => ({
  limit: z
    .string()
    .regex(/^(?:[1-9][0-9]?|100)$/, 'It must be from 1 to 100.')
    .transform(Number)
    .default(10)
    .describe('From 1 to 100; 10 where it is left out.'),
  starting_after: id(prefix).optional().describe('The page that follows this one.'),
  ending_before: id(prefix).optional().describe('The page that ends before this one.'),
});

const moments = z.string().min(1).max(40);
const zone = z
  .string()
  .min(1)
  .max(64)
  .optional()
  .describe('An IANA name, such as Europe/Berlin; UTC where none is given.');

/** What `cut.ts` reads: it takes the time of day, and the zone. */
export const asOf: Record<'as_of' | 'tz', z.ZodType<string | undefined, string | undefined>> = {
  as_of: moments
    .optional()
    .describe('An RFC 3339 instant, which is included; or a day: everything before the start of the next day in tz.'),
  tz: zone,
};
export const span: Record<'from' | 'to' | 'tz', z.ZodType<string | undefined, string | undefined>> = {
  from: moments.optional().describe('An RFC 3339 instant, or the start of a day in tz: included.'),
  to: moments
    .optional()
    .describe(
      'An RFC 3339 instant, or the start of a day in tz: not included, so that November ends with `2026-12-01`; now where it is left out.',
    ),
  tz: zone,
};

/** From a query string's names to what was asked. */
export const toAsked = (query: { readonly [Name in 'as_of' | 'from' | 'to' | 'tz']?: string | undefined }): Asked => ({
  asOf: query.as_of,
  from: query.from,
  to: query.to,
  tz: query.tz,
});

/** A merchant's own name for something: it may name any number of things. */
export const reference: z.ZodType<string, string> = text(255);

/** When something was made: seconds since 1970, as Stripe takes it, or an RFC 3339 instant, to the millisecond that is shown. */
const instant: z.ZodType<Instant, string> = like(
  z.string().max(40),
  '^(?:[0-9]{1,10}|[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9:.]+(?:[Zz]|[+ -][0-9]{2}:[0-9]{2}))$',
).transform((given, ctx): Instant => {
  if (/^[0-9]{1,10}$/.test(given)) return { ms: Number(given) * 1000, lastsMs: 1000 };
  const at = parseInstant(given);
  if (at !== undefined && at >= 0n) return { ms: toMs(at), lastsMs: 1 };
  ctx.addIssue({
    code: 'custom',
    message:
      'It must be seconds since 1970, or an instant such as 2026-01-31T00:00:00Z: a day alone does not say where it begins.',
  });
  return z.NEVER;
});

/** A second or a millisecond, whichever was named: what was made within it was made then. */
interface Instant {
  readonly ms: number;
  readonly lastsMs: number;
}

/** How a query string compares: `created[gte]`. */
type Compared<Name extends string, T> = { readonly [How in 'gte' | 'gt' | 'lte' | 'lt' as `${Name}[${How}]`]: T };
type Compares<Name extends string, T> = Compared<Name, z.ZodType<T | undefined, string | undefined>>;
type CreatedQuery = Partial<Compared<'created', Instant | undefined>>;

const moment = instant
  .optional()
  .describe('Seconds since 1970, or an RFC 3339 instant such as `2026-11-30T00:00:00Z`; a day alone is refused.');
export const created: Compares<'created', Instant> = {
  'created[gte]': moment,
  'created[gt]': moment,
  'created[lte]': moment,
  'created[lt]': moment,
};

/** The latest of what begins it, and the earliest of what ends it. */
const toSpan = (query: CreatedQuery): Span => {
  const begins = [query['created[gte]']?.ms, endOf(query['created[gt]'])].filter((ms) => ms !== undefined);
  const ends = [endOf(query['created[lte]']), query['created[lt]']?.ms].filter((ms) => ms !== undefined);
  return {
    ...(begins.length > 0 ? { from: micros(Math.max(...begins)) } : {}),
    ...(ends.length > 0 ? { before: micros(Math.min(...ends)) } : {}),
  };
};
const endOf = (instant: Instant | undefined): number | undefined => instant && instant.ms + instant.lastsMs;

type AmountQuery = Partial<Compared<'amount', bigint | undefined>> & { readonly amount?: bigint | undefined };

/** Amounts in a query string: digits. */
const amountText: z.ZodType<bigint, string> = like(z.string().max(12), '^(?:0|[1-9][0-9]{0,11})$').transform(
  (digits, ctx): bigint => {
    if (/^(?:0|[1-9][0-9]{0,11})$/.test(digits)) return BigInt(digits);
    ctx.addIssue({ code: 'custom', message: 'It must be an integer in minor units.' });
    return z.NEVER;
  },
);

export const amounts: Compares<'amount', bigint> & {
  readonly amount: z.ZodType<bigint | undefined, string | undefined>;
} = {
  amount: amountText.optional(),
  'amount[gte]': amountText.optional(),
  'amount[gt]': amountText.optional(),
  'amount[lte]': amountText.optional(),
  'amount[lt]': amountText.optional(),
};

/** All of them, both ends within it. */
export const toRange = (query: AmountQuery): Range => {
  const { amount: same } = query;
  const above = query['amount[gt]'];
  const below = query['amount[lt]'];
  const least = [same, query['amount[gte]'], above === undefined ? above : above + 1n].filter((n) => n !== undefined);
  const most = [same, query['amount[lte]'], below === undefined ? below : below - 1n].filter((n) => n !== undefined);
  return {
    ...(least.length > 0 ? { least: least.reduce((a, b) => (a > b ? a : b)) } : {}),
    ...(most.length > 0 ? { most: most.reduce((a, b) => (a < b ? a : b)) } : {}),
  };
};

/** Stripe's own ids. */
export const stripeId = (prefix: string): z.ZodType<string, string> =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[A-Za-z0-9_]{1,100}$`), `It is not an id of Stripe's of the form ${prefix}_….`);

interface StripePageFields {
  readonly limit: z.ZodType<number, string | undefined>;
  readonly starting_after: z.ZodType<string | undefined, string | undefined>;
  readonly ending_before: z.ZodType<string | undefined, string | undefined>;
}
export const stripePage = (prefix: string): StripePageFields => ({
  ...page('tr'),
  starting_after: stripeId(prefix).optional(),
  ending_before: stripeId(prefix).optional(),
});

/** A page lies behind one id or before another, not both: with the rule `ONE_DIRECTION`. */
export const isOneDirection = (query: { starting_after?: unknown; ending_before?: unknown }): boolean =>
  query.starting_after === undefined || query.ending_before === undefined;

export const ONE_DIRECTION: Rule = rule('ending_before', 'It cannot stand beside starting_after.');

interface PageQuery<Id> extends CreatedQuery {
  readonly limit: number;
  readonly starting_after: Id | undefined;
  readonly ending_before: Id | undefined;
}

/** From a query string's names to a page's. */
export const toPage = <Id>({ limit, starting_after, ending_before, ...rest }: PageQuery<Id>): Page<Id> => ({
  limit,
  startingAfter: starting_after,
  endingBefore: ending_before,
  created: toSpan(rest),
});

export const accountKind: z.ZodType<AccountKind, string> = z.enum(['wallet', ...PLATFORM_KINDS]);

/** One, or several with commas. */
export const paymentStatuses: z.ZodType<PaymentStatus[], string> = like(
  z.string().max(200),
  `^(?:${PAYMENT_STATUSES.join('|')})(?:,(?:${PAYMENT_STATUSES.join('|')}))*$`,
)
  .transform((text, ctx): PaymentStatus[] => {
    const named = new Set(text.split(','));
    const statuses = PAYMENT_STATUSES.filter((status) => named.has(status));
    if (statuses.length === named.size) return statuses;
    ctx.addIssue({ code: 'custom', message: `It may be some of ${PAYMENT_STATUSES.join(', ')}, with commas.` });
    return z.NEVER;
  })
  .describe(`One or several of these, with commas: ${PAYMENT_STATUSES.join(', ')}.`);

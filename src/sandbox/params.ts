import { err, ok, type Result } from 'neverthrow';
import qs from 'qs';
import { z } from 'zod';
import { badParam, type Failure, leftOutParam, leftOutValue, missingParam, unknownParam } from './failure.ts';
import { isLeftOut } from './stripe-names.ts';

/** Twelve digits, which no currency takes more of; most take eight: see `checkAmount`. */
const AMOUNT_MAX = 999_999_999_999;
/** Stripe's limits of `metadata`. */
const METADATA_KEYS_MAX = 50;
const METADATA_KEY_CHARS_MAX = 40;
const METADATA_VALUE_CHARS_MAX = 500;
/** Stripe's limit of any text that has no narrower one. */
const TEXT_CHARS_MAX = 5000;

/** A form with its nesting undone, `metadata[a]=b` as `{metadata: {a: 'b'}}`: every leaf is text. */
export type Form = Record<string, unknown>;

/** Undoes form encoding: of a body or of a query. */
export const parseForm = (text: string): Result<Form, Failure> => {
  try {
    return ok(
      qs.parse(text, {
        // Objects without a prototype, so that `metadata[constructor]` is a key like any other.
        plainObjects: true,
        // Nothing that Stripe takes nests deeper, is longer or has more parts: more is an attack or a mistake.
        depth: 5,
        strictDepth: true,
        parameterLimit: 1000,
        arrayLimit: 100,
        throwOnLimitExceeded: true,
      }),
    );
  } catch (cause) {
    return err(badParam(`Invalid request: ${cause instanceof Error ? cause.message : 'the form cannot be read'}`));
  }
};

/**
 * Reads a form by a route's schema; the first thing wrong becomes Stripe's own error for it. What is in `leftOut` is
 * known to Stripe, a name or `name=value`, and refused by that name.
 */
export const readForm = <T>(schema: z.ZodType<T>, form: Form, leftOut: readonly string[] = []): Result<T, Failure> => {
  const read = schema.safeParse(form);
  return read.success ? ok(read.data) : err(explain(wrongIn(read.error)[0], form, leftOut));
};

/** All that is wrong: of what may have one of several forms, by the form that it comes nearest to. */
export const wrongIn = (error: z.core.$ZodError): z.core.$ZodIssue[] => error.issues.flatMap(nearest);

const nearest = (issue: z.core.$ZodIssue): z.core.$ZodIssue[] => {
  if (issue.code !== 'invalid_union') return [issue];
  const forms = issue.errors.map((inner) =>
    inner.flatMap(nearest).map((one) => ({ ...one, path: [...issue.path, ...one.path] })),
  );
  return forms.toSorted((a, b) => nearness(b) - nearness(a))[0] ?? [issue];
};

/** The deeper the mistake, the nearer the form; a wrong value is further off than anything else that may be wrong. */
const nearness = ([first]: readonly z.core.$ZodIssue[]): number =>
  first === undefined ? 0 : first.path.length * 2 + (first.code === 'invalid_value' ? 0 : 1);

/** As Stripe writes it: `payment_method_data[billing_details][name]`. */
export const paramName = (path: readonly PropertyKey[]): string =>
  path.map((key, depth) => (depth === 0 ? String(key) : `[${String(key)}]`)).join('');

/** A value of a parameter as it stands in a list of what is left out: that of a list's member is the list's. */
export const namedValue = (path: readonly PropertyKey[], value: string): string =>
  `${paramName(path.filter((key) => typeof key === 'string'))}=${value}`;

const explain = (issue: z.core.$ZodIssue | undefined, form: Form, leftOut: readonly string[]): Failure => {
  if (issue === undefined) return badParam('Invalid request.');
  if (issue.code === 'unrecognized_keys') {
    const path = [...issue.path, issue.keys[0] ?? ''];
    const known = paramName(path.filter((key) => typeof key === 'string'));
    return isLeftOut(leftOut, known) ? leftOutParam(paramName(path)) : unknownParam(paramName(path));
  }
  const param = paramName(issue.path);
  let given: unknown = form;
  for (const key of issue.path)
    given = typeof given === 'object' && given !== null ? Reflect.get(given, key) : undefined;
  if (given === undefined) return missingParam(param);
  if (issue.code === 'custom') return badParam(issue.message, param, codeOf(issue.params));
  if (issue.code === 'invalid_value') {
    return typeof given === 'string' && isLeftOut(leftOut, namedValue(issue.path, given))
      ? leftOutValue(param, given)
      : badParam(`Invalid ${param}: must be one of ${issue.values.map(String).join(', ')}`, param);
  }
  return issue.code === 'invalid_type'
    ? badParam(`Invalid ${issue.expected}: ${JSON.stringify(given).slice(0, 100)}`, param)
    : badParam(`Invalid ${param}: ${issue.message}`, param);
};

const codeOf = (params: Record<string, unknown> | undefined): string | undefined =>
  typeof params?.['code'] === 'string' ? params['code'] : undefined;

export const isForm = (value: unknown): value is Form =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const wrong = (context: z.RefinementCtx, message: string, code?: string): never => {
  context.addIssue({ code: 'custom', message, ...(code === undefined ? {} : { params: { code } }) });
  return z.NEVER;
};

const WHOLE = /^-?\d{1,18}$/;

export const integer: z.ZodType<number> = z.string().transform((text, context) => {
  if (!WHOLE.test(text)) return wrong(context, `Invalid integer: ${text.slice(0, 100)}`, 'parameter_invalid_integer');
  return Number(text);
});

/** Minor units. Stripe's minimum of a charge is left out: it depends on the currency and on the day's rates. */
export const amount: z.ZodType<number> = integer.transform((value, context) => {
  if (value < 1) return wrong(context, 'This value must be greater than or equal to 1.', 'parameter_invalid_integer');
  if (value > AMOUNT_MAX) return wrong(context, 'Amount must be no more than $999,999.99', 'amount_too_large');
  return value;
});

/** Minor units, of which the operation says how few are too few. */
export const nonNegativeAmount: z.ZodType<number> = integer.transform((value, context) =>
  value < 0 ? wrong(context, 'Invalid non-negative integer', 'parameter_invalid_integer') : value,
);

export const flag: z.ZodType<boolean> = z.string().transform((text, context) => {
  if (text !== 'true' && text !== 'false') return wrong(context, `Invalid boolean: ${text.slice(0, 100)}`);
  return text === 'true';
});

export const text: z.ZodType<string> = z.string().transform((value, context) => {
  if (value === '') {
    return wrong(
      context,
      'You passed an empty string. We assume empty values are an attempt to unset a field; however this field cannot ' +
        'be unset. You should remove it from your request or supply a non-empty value.',
      'parameter_invalid_empty',
    );
  }
  return limited(value, context);
});

/** Text that an empty value takes away. */
export const clearableText: z.ZodType<string | null> = z
  .string()
  .transform((value, context) => (value === '' ? null : limited(value, context)));

const limited = (value: string, context: z.RefinementCtx): string =>
  value.length > TEXT_CHARS_MAX
    ? wrong(context, `Invalid string: must be at most ${TEXT_CHARS_MAX} characters`, 'parameter_invalid_string_length')
    : value;

/** An address of somebody's, which an empty value takes away. */
export const email: z.ZodType<string | null> = clearableText.transform((value, context) =>
  value === null || /^[^\s@]+@[^\s@]+$/.test(value)
    ? value
    : wrong(context, `Invalid email address: ${value.slice(0, 100)}`, 'email_invalid'),
);

/** Stripe's limit of what stands on a card's statement. */
const DESCRIPTOR_CHARS_MAX = 22;

/** What stands on the cardholder's statement; an empty value takes it away. */
export const descriptor: z.ZodType<string | null> = clearableText.transform((value, context) => {
  if (value === null) return null;
  if (value.length > DESCRIPTOR_CHARS_MAX) {
    return wrong(context, `The statement descriptor must be at most ${DESCRIPTOR_CHARS_MAX} characters.`);
  }
  return /[<>\\'"*]/.test(value)
    ? wrong(context, 'The statement descriptor must not contain any of < > \\ \' " *.')
    : value;
});

/** The currencies that the runtime's ISO 4217 table knows, in Stripe's lower case. */
const CURRENCIES: ReadonlySet<string> = new Set(Intl.supportedValuesOf('currency').map((code) => code.toLowerCase()));

export const currency: z.ZodType<string> = z.string().transform((given, context) => {
  const code = given.toLowerCase();
  if (!CURRENCIES.has(code)) return wrong(context, `Invalid currency: ${code.slice(0, 20)}.`);
  return code;
});

export const url: z.ZodType<string> = text.transform((given, context) => {
  const scheme = URL.parse(given)?.protocol;
  if (scheme !== 'http:' && scheme !== 'https:') return wrong(context, 'Not a valid URL', 'url_invalid');
  return given;
});

/** `''` takes all metadata away, a key with an empty value that key alone. */
export const metadata: z.ZodType<Record<string, string> | null> = z
  .union([z.literal(''), z.record(z.string(), z.string())])
  .transform((given, context) => {
    if (given === '') return null;
    const entries = Object.entries(given);
    if (entries.length > METADATA_KEYS_MAX) return wrong(context, 'Metadata can have up to 50 keys.');
    for (const [key, value] of entries) {
      if (key.length > METADATA_KEY_CHARS_MAX) {
        return wrong(context, `Metadata keys can have up to 40 characters: ${key.slice(0, 40)}…`);
      }
      if (value.length > METADATA_VALUE_CHARS_MAX) {
        return wrong(
          context,
          `Metadata values can have up to 500 characters, but you passed in a value that is ${value.length} characters.`,
        );
      }
    }
    return given;
  });

/** What `metadata` becomes when `change` is asked of it. */
export const mergeMetadata = (
  held: Record<string, string>,
  change: Record<string, string> | null | undefined,
): Record<string, string> =>
  change === null ? {} : Object.fromEntries(Object.entries({ ...held, ...change }).filter(([, value]) => value !== ''));

export interface CreatedFilter {
  readonly gt?: number | undefined;
  readonly gte?: number | undefined;
  readonly lt?: number | undefined;
  readonly lte?: number | undefined;
}

export const timeFilter: z.ZodType<CreatedFilter> = z.union([
  integer.transform((at) => ({ gte: at, lte: at })),
  z.strictObject({
    gt: integer.optional(),
    gte: integer.optional(),
    lt: integer.optional(),
    lte: integer.optional(),
  }),
]);

/** Up to 20 paths; how deep one may go is for the expansion to say. */
export const expand: z.ZodType<string[]> = z.array(z.string().max(200)).max(20);

/** How many objects a page may hold. */
const LIMIT_MIN = 1;
const LIMIT_MAX = 100;

/** What every list takes, to be spread into a route's schema. */
export const pageParams: {
  limit: z.ZodOptional<z.ZodType<number>>;
  starting_after: z.ZodOptional<z.ZodType<string>>;
  ending_before: z.ZodOptional<z.ZodType<string>>;
  created: z.ZodOptional<z.ZodType<CreatedFilter>>;
} = {
  // Stripe takes any number, and answers as many as it may.
  limit: integer.transform((value) => Math.min(Math.max(value, LIMIT_MIN), LIMIT_MAX)).optional(),
  starting_after: text.optional(),
  ending_before: text.optional(),
  created: timeFilter.optional(),
};

/** What every search takes. */
export const searchParams: {
  query: z.ZodType<string>;
  limit: z.ZodOptional<z.ZodType<number>>;
  page: z.ZodOptional<z.ZodType<string>>;
} = { query: text, limit: pageParams.limit, page: text.optional() };

export interface Page {
  readonly limit?: number | undefined;
  readonly starting_after?: string | undefined;
  readonly ending_before?: string | undefined;
  readonly created?: CreatedFilter | undefined;
}

/** Parts of forms that several routes take. */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { z } from 'zod';
import { testTokenName } from '../cards.ts';
import { badParam, type Failure } from '../failure.ts';
import { clearableText, email, flag, metadata, paramName, text, url } from '../params.ts';
import type { CardOptions } from '../attempt.ts';
import type { CustomerParams } from '../customers.ts';
import type { Billing, MethodParams } from '../payment-methods.ts';
import type { Scope } from '../scope.ts';
import { OTHER_METHODS } from '../stripe-names.ts';

/** A field that an empty value clears. */
export const cleared = <T>(type: z.ZodType<T>): z.ZodType<T | null> =>
  z.union([z.literal('').transform(() => null), type]);

const part = clearableText.optional().transform((given) => given ?? null);

const address: z.ZodType<Stripe.Address> = z.strictObject({
  ...{ city: part, country: part, line1: part, line2: part, postal_code: part, state: part },
});

export const clearableAddress: z.ZodType<Stripe.Address | null> = cleared(address);

export const billing: z.ZodType<Billing> = z.strictObject({
  name: clearableText.optional(),
  email: email.optional(),
  phone: clearableText.optional(),
  address: clearableAddress.optional(),
});

const orNull = text.optional().transform((given) => given ?? null);

export const shipping: z.ZodType<Required<Stripe.PaymentIntent.Shipping> | null> = cleared(
  z.strictObject({ name: text, phone: orNull, carrier: orNull, tracking_number: orNull, address }),
);

export const customerShipping: z.ZodType<CustomerParams['shipping'] & (object | null)> = cleared(
  z.strictObject({ name: text, phone: clearableText.optional(), address }),
);

/** A card is named by one of Stripe's test tokens; a number is refused, as Stripe refuses it, and not repeated. */
export const cardToken: z.ZodType<string> = z
  .looseObject({ token: z.string().optional() })
  .transform((given, context) => {
    const name = given.token === undefined ? undefined : testTokenName(given.token);
    if (name !== undefined) return name;
    if (given.token !== undefined) {
      context.addIssue({
        code: 'custom',
        path: ['token'],
        message: `No such token: '${given.token.slice(0, 100)}'`,
        params: { code: 'resource_missing' },
      });
      return z.NEVER;
    }
    context.addIssue({
      code: 'custom',
      message:
        'Sending credit card numbers directly to the Stripe API is generally unsafe. We suggest you use test tokens ' +
        'that map to the test card you are using, see https://stripe.com/docs/testing.',
    });
    return z.NEVER;
  });

export const redisplay: z.ZodType<Stripe.PaymentMethod.AllowRedisplay> = z.enum(['always', 'limited', 'unspecified']);

/** What a new payment method is made of. */
export const methodShape: {
  type: z.ZodType<'card'>;
  card: z.ZodType<string>;
  billing_details: z.ZodOptional<z.ZodType<Billing>>;
  allow_redisplay: z.ZodOptional<z.ZodType<Stripe.PaymentMethod.AllowRedisplay>>;
  metadata: z.ZodOptional<z.ZodType<Record<string, string> | null>>;
  radar_options: z.ZodOptional<z.ZodType<object>>;
} = {
  type: z.enum(['card']),
  card: cardToken,
  billing_details: billing.optional(),
  allow_redisplay: redisplay.optional(),
  metadata: metadata.optional(),
  radar_options: z.strictObject({ session: text.optional() }).optional(),
};

export const methodParamsOf = (given: {
  readonly card: string;
  readonly billing_details?: Billing | undefined;
  readonly allow_redisplay?: Stripe.PaymentMethod.AllowRedisplay | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
}): MethodParams => ({
  cardName: given.card,
  billing: given.billing_details,
  allowRedisplay: given.allow_redisplay,
  metadata: given.metadata,
});

export const methodData: z.ZodType<MethodParams> = z.strictObject(methodShape).transform(methodParamsOf);

/** A kind of payment methods of Stripe's, to look for. */
export const methodType: z.ZodType<string> = text.refine((type) => type === 'card' || OTHER_METHODS.has(type), {
  error: ({ path = [] }) => `Invalid ${paramName(path)}: must be one of the types of payment methods`,
});

/** The kinds of payment methods that can be saved; a list may also name what the sandbox has not, which then never pays. */
export const savedTypes: z.ZodType<('card' | 'link')[]> = z.array(z.enum(['card', 'link'])).min(1);
/** Those that can pay. */
export const methodTypes: z.ZodType<('card' | 'link' | 'sepa_debit')[]> = z
  .array(z.enum(['card', 'link', 'sepa_debit']))
  .min(1);
export const excludedTypes: z.ZodType<string[] | null> = cleared(z.array(text));

export const challengeWish: z.ZodType<'any' | 'automatic' | 'challenge'> = z.enum(['automatic', 'any', 'challenge']);
const ifAvailable = z.enum(['if_available', 'never']).optional();
const usage = z
  .enum(['', 'none', 'off_session', 'on_session'])
  .transform((given) => (given === '' || given === 'none' ? null : given));

/** Of the card's options those that say something without a terminal, an instalment plan or a mandate. */
export const methodOptions: z.ZodType<{ card?: CardOptions | undefined }> = z.strictObject({
  card: z
    .strictObject({
      capture_method: z.enum(['', 'manual']).optional(),
      moto: flag.optional(),
      network: text.optional(),
      request_extended_authorization: ifAvailable,
      request_incremental_authorization: ifAvailable,
      request_multicapture: ifAvailable,
      request_overcapture: ifAvailable,
      request_three_d_secure: challengeWish.optional(),
      require_cvc_recollection: flag.optional(),
      setup_future_usage: usage.optional(),
    })
    .optional(),
});

export const futureUsage: z.ZodType<'off_session' | 'on_session' | null> = z
  .enum(['', 'off_session', 'on_session'])
  .transform((given) => (given === '' ? null : given));

export const automaticMethods: z.ZodType<{
  enabled: boolean;
  allow_redirects?: 'always' | 'never' | undefined;
}> = z.strictObject({
  enabled: flag,
  allow_redirects: z.enum(['always', 'never']).optional(),
});

/** Consent to later charges; of a card it is the consent that its saving gives, and Stripe keeps no mandate either. */
const mandateData: z.ZodType<object | null> = cleared(
  z.strictObject({
    customer_acceptance: z.strictObject({
      type: z.enum(['online', 'offline']),
      accepted_at: text.optional(),
      online: z.strictObject({ ip_address: text.optional(), user_agent: text.optional() }).optional(),
      offline: z.strictObject({}).optional(),
    }),
  }),
);

/** What every confirmation takes, of a payment or of a setup. */
export const confirmation: {
  client_secret: z.ZodOptional<z.ZodType<string>>;
  confirmation_token: z.ZodOptional<z.ZodType<string>>;
  mandate_data: z.ZodOptional<z.ZodType<object | null>>;
  payment_method: z.ZodOptional<z.ZodType<string>>;
  payment_method_data: z.ZodOptional<z.ZodType<MethodParams>>;
  return_url: z.ZodOptional<z.ZodType<string>>;
  use_stripe_sdk: z.ZodOptional<z.ZodType<boolean>>;
} = {
  client_secret: text.optional(),
  confirmation_token: text.optional(),
  mandate_data: mandateData.optional(),
  payment_method: text.optional(),
  payment_method_data: methodData.optional(),
  return_url: url.optional(),
  use_stripe_sdk: flag.optional(),
};

type Given = { readonly [Field in 'payment_method' | 'confirmation_token']?: string | undefined } & {
  readonly payment_method_data?: MethodParams | undefined;
};

/** What pays is named in one way: a method, the data of a new one, or a confirmation token. */
export const withMethod = <T extends Given>(
  input: T,
): Result<Omit<T, 'payment_method_data'> & { methodData?: MethodParams | undefined }, Failure> => {
  const { payment_method_data: data, ...rest } = input;
  const given = (['confirmation_token', 'payment_method', 'payment_method_data'] as const).filter(
    (name) => input[name] !== undefined,
  );
  return given.length > 1
    ? err(badParam(`You may only specify one of these parameters: ${given.join(', ')}.`))
    : ok({ ...rest, methodData: data });
};

/** The first version that no longer takes `payment_method_types`: https://docs.stripe.com/changelog/endive. */
const WITHOUT_METHOD_TYPES = '2026-09-30';

/** Older versions name the types that an intent may be paid with; from endive on Stripe refuses the list. */
export const olderMethodTypes = (scope: Scope, given: readonly string[] | undefined): Result<undefined, Failure> =>
  given === undefined || scope.version < WITHOUT_METHOD_TYPES
    ? ok(undefined)
    : err(
        badParam(
          '`payment_method_types` is no longer supported as of API version 2026-09-30.endive. Use dynamic payment ' +
            'methods, or `allowed_payment_method_types` or `excluded_payment_method_types` to narrow them.',
          'payment_method_types',
          'payment_method_types_no_longer_supported',
        ),
      );

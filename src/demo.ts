/** Where neither database nor Stripe is real: a demo merchant, so that a newcomer can charge a card at once, and webhooks. */
import { okAsync, ResultAsync } from 'neverthrow';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import { parseCurrency } from './domain/currency.ts';
import { idOf, type CustomerId, type ItemId, type MerchantId } from './domain/ids.ts';
import { ROLES } from './domain/principal.ts';
import type { PaymentError } from './error.ts';
import { DEMO_KEYS } from './http/authenticate.ts';
import type { ServerOptions } from './server.ts';
import type { Keys } from './storage/keys.ts';

/** Version 7 UUIDs like any other, with nothing in them. */
const MERCHANT: MerchantId = idOf('mer', '00000000000070008000000000000000');
const DEMO_CUSTOMER: CustomerId = idOf('cus', '00000000000070008000000000100000');
const ITEM = 'item_demo' as ItemId;

/** Where the demo keys are open: answers the demo customer's id. Errors: why it could not be made, in one line. */
export const seedIfDemo = (
  { demoKeys }: Pick<Config, 'demoKeys'>,
  keys: Keys,
  ctx: Needs,
): ResultAsync<string | undefined, string> =>
  demoKeys ? seed(keys, ctx).mapErr(({ message }) => `the demo could not be seeded: ${message}`) : okAsync(undefined);

/** The checkout to try: its shop is the demo merchant's, and where there is none it pays what another has made. */
export const checkoutOf = (
  { demoKeys, stripe }: Pick<Config, 'demoKeys' | 'stripe'>,
  sandboxUrl: string | undefined,
): NonNullable<ServerOptions['checkout']> => ({
  page: {
    key: demoKeys ? DEMO_KEYS.publishable : undefined,
    stripeKey: stripe.publishableKey,
    sandboxUrl: stripe.kind === 'sandbox' ? sandboxUrl : undefined,
  },
  customer: demoKeys ? DEMO_CUSTOMER : undefined,
});

/** A sandbox is told where to send its webhooks; what it could not be told is read from its list. */
export const registerWebhook = (
  { stripeEvents, log }: Pick<Context, 'stripeEvents' | 'log'>,
  apiUrl: string,
  onSecret: (secret: string) => void = () => undefined,
): Promise<void> =>
  stripeEvents.register(`${apiUrl}/webhooks/stripe`).match(
    (secret) => {
      if (secret === undefined) return;
      stripeEvents.accept(secret);
      onSecret(secret);
    },
    (error) => log.debug({ err: error.cause }, 'this endpoint takes no webhooks: its list of events is read'),
  );

type Needs = Pick<Context, 'commit' | 'reads' | 'clock'>;

/** Makes what is not there yet. Errors: `database_unavailable`. */
const seed = (keys: Keys, ctx: Needs): ResultAsync<string, PaymentError> =>
  keys
    .seedMerchant(MERCHANT, 'Demo')
    .andThen(() => ResultAsync.combine(ROLES.map((role) => keys.seedKey(MERCHANT, role, DEMO_KEYS[role]))))
    .andThen(() =>
      ctx.reads
        .customer(MERCHANT, DEMO_CUSTOMER)
        .map(() => undefined)
        .orElse(() => seedCustomer(ctx)),
    )
    .andThen(() =>
      ctx.reads
        .item(MERCHANT, ITEM)
        .map(() => undefined)
        .orElse(() => seedItem(ctx)),
    )
    .map(() => DEMO_CUSTOMER);

const seedCustomer = (ctx: Pick<Context, 'commit' | 'clock'>): ResultAsync<undefined, PaymentError> =>
  ctx
    .commit({
      merchant: MERCHANT,
      customer: {
        merchant: MERCHANT,
        id: DEMO_CUSTOMER,
        name: 'Demo customer',
        email: null,
        metadata: {},
        erasedAt: null,
        createdAt: ctx.clock.now(),
      },
    })
    .map(() => undefined);

const seedItem = (ctx: Pick<Context, 'commit'>): ResultAsync<undefined, PaymentError> => {
  const currency = parseCurrency('usd');
  if (!currency) return ctx.commit({ merchant: MERCHANT }).map(() => undefined);
  const item = { merchant: MERCHANT, id: ITEM, name: 'widget', unitPrice: '199', currency };
  return ctx.commit({ merchant: MERCHANT, item }).map(() => undefined);
};

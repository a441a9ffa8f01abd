/** The demo merchant: where neither database nor Stripe is real, so that a newcomer can charge a card at once. */
import { ResultAsync } from 'neverthrow';
import type { Context } from './context.ts';
import { parseCurrency } from './domain/currency.ts';
import { idOf, type CustomerId, type ItemId, type MerchantId } from './domain/ids.ts';
import { ROLES } from './domain/principal.ts';
import type { PaymentError } from './error.ts';
import { DEMO_KEYS } from './http/authenticate.ts';
import type { Keys } from './storage/keys.ts';

/** Version 7 UUIDs like any other, with nothing in them. */
const MERCHANT: MerchantId = idOf('mer', '00000000000070008000000000000000');
const CUSTOMER: CustomerId = idOf('cus', '00000000000070008000000000100000');
const ITEM = 'item_demo' as ItemId;

/** Makes what is not there yet. Answers the demo customer's id. Errors: `database_unavailable`. */
export const seedDemo = (keys: Keys, ctx: Context): ResultAsync<string, PaymentError> =>
  keys
    .seedMerchant(MERCHANT, 'Demo')
    .andThen(() => ResultAsync.combine(ROLES.map((role) => keys.seedKey(MERCHANT, role, DEMO_KEYS[role]))))
    .andThen(() =>
      ctx.reads
        .customer(MERCHANT, CUSTOMER)
        .map(() => undefined)
        .orElse(() => seedCustomer(ctx)),
    )
    .andThen(() =>
      ctx.reads
        .item(MERCHANT, ITEM)
        .map(() => undefined)
        .orElse(() => seedItem(ctx)),
    )
    .map(() => CUSTOMER);

const seedCustomer = (ctx: Context): ResultAsync<undefined, PaymentError> =>
  ctx
    .commit({
      merchant: MERCHANT,
      customer: {
        merchant: MERCHANT,
        id: CUSTOMER,
        name: 'Demo customer',
        email: null,
        metadata: {},
        createdAt: ctx.clock.now(),
      },
    })
    .map(() => undefined);

const seedItem = (ctx: Context): ResultAsync<undefined, PaymentError> => {
  const currency = parseCurrency('usd');
  if (!currency) return ctx.commit({ merchant: MERCHANT }).map(() => undefined);
  const item = { merchant: MERCHANT, id: ITEM, name: 'widget', unitPrice: '199', currency };
  return ctx.commit({ merchant: MERCHANT, item }).map(() => undefined);
};

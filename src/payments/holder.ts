/**
 * A customer at Stripe for one of ours, made when he is first needed, and once: he is asked for under a key that follows
 * from ours, which is written down before. Later than Stripe remembers a key, he is looked for first.
 */
import { err, ok, okAsync, safeTry, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { CustomerId, MerchantId } from '../domain/ids.ts';
import type { CommitCode, StripeError } from '../domain/refusals.ts';
import type { Holder } from '../domain/saved.ts';
import { toMs } from '../domain/time.ts';
import { paymentError, withDetail, type PaymentError } from '../error.ts';

/** Stripe forgets a key after 24 hours; an hour less is allowed for clocks and calls. */
const KEY_KEPT_MS = 23 * 3600 * 1000;

export type HolderError = PaymentError<'customer_not_found' | 'provider_refused' | CommitCode> | StripeError;
type Needs = Pick<Context, 'commit' | 'saved' | 'vault' | 'clock'>;

/** One is made at a time: who needs the same customer meanwhile shares it. By merchant too: nobody else's he may be. */
const underWay = new Map<string, ResultAsync<string, HolderError>>();

/** Stripe's id of the customer. Errors: those, with `outcome: none`: nothing was charged, and nothing kept. */
export const stripeCustomerOf = (
  ctx: Needs,
  merchant: MerchantId,
  customer: CustomerId,
): ResultAsync<string, HolderError> =>
  ctx.saved.holder(merchant, customer).andThen((known): ResultAsync<string, HolderError> => {
    if (known?.stripeId) return okAsync(known.stripeId);
    const whose = merchant + customer;
    const shared = underWay.get(whose);
    if (shared) return shared;
    const making = make(ctx, merchant, customer, known).mapErr((error) => withDetail(error, { outcome: 'none' }));
    underWay.set(whose, making);
    void making.then(() => underWay.delete(whose));
    return making;
  });

const make = (
  ctx: Needs,
  merchant: MerchantId,
  customer: CustomerId,
  known: Holder | undefined,
): ResultAsync<string, HolderError> =>
  safeTry(async function* () {
    const holder = known ?? (yield* ask(ctx, { merchant, customer, tries: 0 }));
    if (holder.stripeId !== null) return ok(holder.stripeId);
    const isForgotten = toMs(ctx.clock.now()) - toMs(holder.askedAt) > KEY_KEPT_MS;
    if (!isForgotten) return send(ctx, holder);
    const found = yield* ctx.vault.findCustomer(customer, holder.askedAt, ctx.clock.now());
    return found === null ? send(ctx, yield* ask(ctx, holder)) : hold(ctx, holder, found);
  });

const send = (ctx: Needs, holder: Holder): ResultAsync<string, HolderError> =>
  safeTry(async function* () {
    const { merchant, customer, tries, askedAt } = holder;
    const sent = await ctx.vault.makeCustomer(merchant, customer, `${customer}-${tries}`);
    if (sent.isErr() && sent.error.mustLook) {
      // Under that key Stripe has nothing else to say: whoever comes next asks under another.
      const found = yield* ctx.vault.findCustomer(customer, askedAt, ctx.clock.now());
      if (found !== null) return hold(ctx, holder, found);
      yield* ask(ctx, holder);
    }
    const { found, refusal } = yield* sent;
    return refusal === null
      ? hold(ctx, holder, found)
      : err(paymentError('provider_refused', { message: refusal.message }));
  });

/** Writes down that Stripe is asked, once more than so many times: unless somebody else has been quicker. */
const ask = (
  ctx: Needs,
  { merchant, customer, tries }: Pick<Holder, 'merchant' | 'customer' | 'tries'>,
): ResultAsync<Holder, HolderError> =>
  ctx
    .commit({ merchant, saved: { kind: 'ask', customer, tries }, refusals: ['customer_not_found'] })
    .andThen((applied) => holderIn(applied.kind === 'done' ? applied.effect.holder : null));

/** The first to say so: the others take what he has. */
const hold = (
  ctx: Needs,
  { merchant, customer }: Pick<Holder, 'merchant' | 'customer'>,
  stripeId: string,
): ResultAsync<string, HolderError> =>
  ctx
    .commit({ merchant, saved: { kind: 'hold', customer, stripeId }, refusals: [] })
    .andThen((applied) => holderIn(applied.kind === 'done' ? applied.effect.holder : null))
    .map((holder) => holder.stripeId ?? stripeId);

const holderIn = (holder: Holder | null) =>
  holder === null
    ? err(paymentError('internal', { cause: new Error('a customer at Stripe was written, and is not there') }))
    : ok(holder);

/**
 * Payouts: what Stripe sends to the bank is split by the balance transactions that it was made of, and each merchant's
 * share is posted by a change of its own. All merchants share one Stripe account, so no payout is any one's alone.
 */
import { errAsync, ok, okAsync, ResultAsync, safeTry } from 'neverthrow';
import type { Context } from '../context.ts';
import { ON_ITS_WAY, type PayoutStatus } from '../domain/balance.ts';
import { parseCurrency, type Currency } from '../domain/currency.ts';
import { plusMs } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { OpenPayout, Share } from '../storage/balance.ts';
import type { FoundPayout, LinePage } from '../stripe/balance.ts';
import { keep } from './balance.ts';

/** Payouts at once: there are a few a day. */
const PAYOUTS_MAX = 2;
/** Pages of a payout's list in one round, so that one of a million transactions lets the others pass. */
const PAGES_MAX = 20;
/** How long a payout belongs to who reads it, from each page on. */
const PAYOUT_LEASE_MS = 30_000;

/** A round: splits payouts of which Stripe has told. Errors: `database_unavailable`: they could not be looked for. */
export const splitPayouts = (ctx: Context): ResultAsync<'done' | 'more', PaymentError> =>
  ctx.balances.takePayouts(ctx.clock.now(), PAYOUTS_MAX).map(async (taken) => {
    await Promise.all(taken.map((payout) => splitAndLog(ctx, payout)));
    return taken.length === PAYOUTS_MAX ? 'more' : 'done';
  });

/** A payout that could not be split so often, some two hours long, is for a person; it is tried on all the same. */
const TRIES_MAX = 8;

const splitAndLog = (ctx: Context, payout: OpenPayout): Promise<void> =>
  split(ctx, payout)
    .orElse((error) =>
      (payout.tries < TRIES_MAX
        ? okAsync(undefined)
        : differs(ctx, payout.id, null, null, `It could not be split: ${error.code}, ${error.message}`)
      ).andThen(() => errAsync(error)),
    )
    .match(
      (outcome) => ctx.log.info({ payout: payout.id, outcome }, 'a payout was looked at'),
      ({ code, cause }) => ctx.log.warn({ payout: payout.id, code, err: cause }, 'a payout waits to be split'),
    );

const differs = (
  ctx: Pick<Context, 'contradictions' | 'clock'>,
  payout: string,
  amount: bigint | null,
  currency: string | null,
  detail: string,
): ResultAsync<void, PaymentError> =>
  ctx.contradictions
    .open(
      [{ merchant: null, kind: 'payout_differs', payment: null, subject: payout, amount, currency, detail }],
      ctx.clock.now(),
    )
    .map(() => undefined);

/** Errors: `provider_unavailable`, `database_unavailable`: it is due again after a while. */
const split = (ctx: Context, payout: OpenPayout): ResultAsync<string, PaymentError> =>
  safeTry(async function* () {
    const found = yield* ctx.stripeBalance.payout(payout.id);
    const currency = parseCurrency(found.currency);
    if (found.status === ON_ITS_WAY) return finish(ctx, payout, ON_ITS_WAY);
    if (found.isListed === 'never' || currency === undefined) {
      const merchant = found.merchant ?? (currency && (yield* ctx.balances.onlyMerchant(currency)));
      if (!merchant || currency === undefined) return cannotBeSplit(ctx, payout, found);
      yield* ctx.contradictions.settle('payout_differs', payout.id, 'It is known whose it was.', ctx.clock.now());
      yield* postShare(ctx, payout.id, currency, found, found.status, { merchant, amount: found.amount });
      return finish(ctx, payout, found.status);
    }
    if (found.isListed === 'not yet') return ok('not listed yet');
    if (!payout.listed) {
      const listed = yield* list(ctx, payout);
      if (listed !== 'listed') return ok(listed);
    }
    yield* compare(ctx, payout.id, currency, found.amount);
    yield* postShares(ctx, payout.id, currency, found);
    return finish(ctx, payout, found.status);
  });

/** Made by hand: Stripe does not say whose money it was. Its tag may, or that there is but one merchant; else a person has to. */
const cannotBeSplit = (
  ctx: Pick<Context, 'balances' | 'contradictions' | 'clock' | 'log'>,
  payout: OpenPayout,
  found: FoundPayout,
): ResultAsync<string, PaymentError> => {
  ctx.log.warn({ payout: payout.id }, 'a payout was made by hand: Stripe cannot tell whose money it was');
  const told =
    found.status === 'failed'
      ? ctx.contradictions.settle('payout_differs', payout.id, 'It has come back.', ctx.clock.now())
      : differs(
          ctx,
          payout.id,
          found.amount,
          found.currency,
          `It was made by hand, and none of it is posted to \`bank\`: Stripe does not say whose money it was. Say so at Stripe, by its metadata \`quittance_merchant\`.`,
        );
  return told.andThen(() => finish(ctx, payout, 'cannot be split'));
};

/** The bank gets what Stripe paid out; where that is another sum than what is known of it, somebody has to find out why. */
const compare = (
  ctx: Pick<Context, 'balances' | 'contradictions' | 'clock'>,
  payout: string,
  currency: Currency,
  amount: bigint,
): ResultAsync<void, PaymentError> =>
  ctx.balances
    .sumOfShares(payout, currency)
    .andThen((sum) =>
      sum === amount
        ? ctx.contradictions.settle('payout_differs', payout, 'Its transactions are known.', ctx.clock.now())
        : differs(
            ctx,
            payout,
            amount - sum,
            currency,
            `It paid out ${amount}, and ${sum} are known of it: the rest is of no payment here.`,
          ),
    );

const finish = (
  ctx: Pick<Context, 'balances'>,
  payout: OpenPayout,
  outcome: string,
): ResultAsync<string, PaymentError> => ctx.balances.finishPayout(payout, outcome).map(() => outcome);

/** Reads a payout's list, and notes of each transaction that it was paid out by it. */
const list = (ctx: Context, { id, after: begun }: OpenPayout): ResultAsync<'listed' | 'not listed yet', PaymentError> =>
  safeTry(async function* () {
    let after = begun;
    for (let pages = 1; pages <= PAGES_MAX; pages++) {
      const page: LinePage = yield* ctx.stripeBalance.paidBy(id, after);
      for (const { cause } of page.lines) if (cause.about === 'returned payout') yield* payAgain(ctx, cause.payout, id);
      const named = yield* keep(ctx, page.lines, id);
      after = page.lines.at(-1)?.id ?? after;
      const now = ctx.clock.now();
      const due = pages === PAGES_MAX ? now : plusMs(now, PAYOUT_LEASE_MS);
      yield* ctx.balances.turnPayout(id, named, after, !page.hasMore, due);
      if (!page.hasMore) return ok('listed' as const);
    }
    return ok('not listed yet' as const);
  });

/** What a payout brought back is part of the next, as it was split. Errors: `contention`, where it is not split yet. */
const payAgain = (
  ctx: Pick<Context, 'balances' | 'clock'>,
  returned: string,
  next: string,
): ResultAsync<void, PaymentError> =>
  ctx.balances
    .returnTo(returned, next)
    .andThen((isSplit) =>
      isSplit
        ? okAsync(undefined)
        : ctx.balances
            .note(returned, ctx.clock.now())
            .andThen(() =>
              errAsync(paymentError('contention', { message: `The payout ${returned}, which came back, is first.` })),
            ),
    );

/** Some hundred at a time: a payout may be of any number of merchants. */
const postShares = (
  ctx: Pick<Context, 'commit' | 'balances'>,
  payout: string,
  currency: Currency,
  found: FoundPayout,
): ResultAsync<void, PaymentError> =>
  safeTry(async function* () {
    const { status } = found;
    if (status === ON_ITS_WAY) return ok(undefined);
    for (let last: Share | undefined; ;) {
      const shares: Share[] = yield* ctx.balances.shares(payout, currency, last?.merchant ?? null);
      const changes = shares.map((share) => postShare(ctx, payout, currency, found, status, share));
      yield* ResultAsync.combine(changes);
      last = shares.at(-1);
      if (!last) return ok(undefined);
    }
  });

const postShare = (
  ctx: Pick<Context, 'commit'>,
  payout: string,
  currency: Currency,
  { createdAt }: FoundPayout,
  status: PayoutStatus,
  { merchant, amount }: Share,
): ResultAsync<unknown, PaymentError> =>
  ctx.commit({ merchant, payout: { merchant, payout, currency, amount, status, createdAt } });

/**
 * Stripe's fees, and what else changes its balance: each balance transaction is posted by a change of its own.
 *
 * A charge's balance transaction may be made long after the charge was answered, so no request waits for it. They are
 * read from Stripe's list, span by span of time, in the background: at 200,000 charges a minute that is 34 calls a second,
 * of 100 transactions each, where asking for each by itself would be 3,400, and Stripe takes a hundred. Nor does a list
 * need webhooks: they only have it read sooner. Each span is read once more, hours later, for what was made late; and
 * what even that should miss is posted when it is paid out.
 */
import { okAsync, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Contradiction } from '../domain/contradiction.ts';
import { parseCurrency } from '../domain/currency.ts';
import { plusMs } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { Named } from '../storage/balance.ts';
import type { BalanceLine } from '../stripe/balance.ts';
import { applyDispute, applyIntent, applyRefund } from './facts.ts';
import type { Rounds } from './rounds.ts';
import { startWindows } from './windows.ts';

/** While webhooks tell of money that moves, a span is opened as often as this: as long as one call is spent on it. */
const SPAN_MS = 2_000;
/** Until then a span has reached what was told of, though Stripe's clock be some seconds ahead of ours. */
const EXPECT_FOR_MS = 20_000;
/** Without any, for webhooks that never came. */
const QUIET_SPAN_MS = 30_000;
/** Stripe makes some transactions within the hour after their charge, and our clock and Stripe's may differ by minutes. */
const READ_AGAIN_MS = 2 * 3600 * 1000;
export interface BalanceReader extends Rounds {
  /** Stripe has told of something: money may have moved. */
  readonly expect: () => void;
}

/** Reads Stripe's balance, and posts what is new. */
export const startBalance = (ctx: Context): BalanceReader => {
  // At the start, for what happened while nobody was here.
  let toldAt = ctx.clock.now();
  const rounds = startWindows(ctx, {
    name: "Stripe's balance",
    windows: ctx.balances.windows,
    spanMs: () => (ctx.clock.now() < plusMs(toldAt, EXPECT_FOR_MS) ? SPAN_MS : QUIET_SPAN_MS),
    againMs: [READ_AGAIN_MS],
    readPage: ({ from, to, after }) =>
      ctx.stripeBalance
        .madeIn(from, to, after)
        .andThen(({ lines, hasMore }) =>
          keep(ctx, lines, null).map(() => ({ last: lines.at(-1)?.id ?? null, hasMore })),
        ),
  });
  return { ...rounds, expect: () => (toldAt = ctx.clock.now()) };
};

/**
 * Posts what is not known yet of these lines, and keeps those that are of no payment here. Answers the lines that are of
 * payments. Errors: `database_unavailable` and its like; what was posted by then stays, and is known the next time.
 */
export const keep = (
  ctx: Context,
  lines: readonly BalanceLine[],
  payout: string | null,
): ResultAsync<Named[], PaymentError> => {
  const named = lines.flatMap(({ id, cause }) => (cause.about === 'payment' ? [{ id, ...cause.of }] : []));
  return ctx.balances.lookUp(named).andThen(({ known, strange, payments }) => {
    const isNew = ({ id }: BalanceLine): boolean => !known.has(id) && !strange.has(id);
    // What it is of comes first: its money may be all that was ever heard of it.
    const changes = lines
      .filter(isNew)
      .map((line) => applyCause(ctx, line, payments.get(line.id)).andThen(() => ResultAsync.combine(post(ctx, line))));
    const unknown = lines.filter(
      ({ id, cause, currency }) =>
        cause.about === 'unknown' ||
        (cause.about === 'payment' && (strange.has(id) || parseCurrency(currency) === undefined)),
    );
    return ResultAsync.combine(changes)
      .andThen(() => ctx.contradictions.open(orphansOf(unknown), ctx.clock.now()))
      .andThen(() => ctx.balances.keepUnknown(unknown, payout, ctx.clock.now()))
      .map((fresh) => {
        for (const line of unknown) if (fresh.includes(line.id)) logUnknown(ctx, line);
        return named.filter(({ id }) => !strange.has(id));
      });
  });
};

const post = (ctx: Context, line: BalanceLine): ResultAsync<unknown, PaymentError>[] => {
  const { id, kind, source, gross, fee, createdAt, cause } = line;
  const currency = parseCurrency(line.currency);
  if (cause.about !== 'payment' || source === null || currency === undefined) return [];
  const { of, charged, chargedCurrency } = cause;
  const { merchant, payment } = of;
  return [
    ctx.commit({
      merchant,
      balance: { merchant, id, payment, kind, source, gross, fee, currency, charged, chargedCurrency, createdAt },
    }),
  ];
};

/** What a line is of, where the books do not have it yet: whatever was believed, this is money. */
const applyCause = (
  ctx: Context,
  { cause }: BalanceLine,
  payment: { readonly intent: string | null; readonly captured: bigint } | undefined,
): ResultAsync<unknown, PaymentError> => {
  if (cause.about !== 'payment') return okAsync('');
  const { of, by, charged } = cause;
  switch (by.kind) {
    case 'refund':
      return applyRefund(ctx, of, by.found);
    case 'dispute':
      return applyDispute(ctx, of, by.found);
    case 'charge':
      if (by.intent === null || (payment?.intent === by.intent && payment.captured >= charged)) return okAsync('');
      return ctx.stripeEvents
        .intent(by.intent)
        .andThen((found) => (found ? applyIntent(ctx, found) : okAsync('unknown object')));
  }
};

/** Tagged as ours, and of no payment here: somebody paid for what the database does not know. */
const orphansOf = (lines: readonly BalanceLine[]): Contradiction[] =>
  lines.flatMap(({ cause, gross, currency }) =>
    cause.about === 'payment' && cause.by.kind === 'charge' && cause.by.intent !== null
      ? [
          {
            merchant: cause.of.merchant,
            kind: 'orphan_intent',
            payment: null,
            subject: cause.by.intent,
            amount: gross,
            currency,
            detail: `It was charged for ${cause.of.payment}.`,
          },
        ]
      : [],
  );

/** Somebody should know whose it is: it changes what Stripe pays out, and no account here. */
const logUnknown = (ctx: Context, { id, kind, source, gross, fee, currency }: BalanceLine): void =>
  ctx.log.warn(
    { balance_transaction: id, kind, source, gross: String(gross), fee: String(fee), currency },
    "a transaction of Stripe's balance is of no payment here: it is kept, and posted nowhere",
  );

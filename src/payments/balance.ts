/**
 * Stripe's fees, and what else changes its balance: each balance transaction is posted by a change of its own.
 *
 * A charge's balance transaction may be made long after the charge was answered, so no request waits for it. They are
 * read from Stripe's list, span by span of time, in the background: at 200,000 charges a minute that is 34 calls a second,
 * of 100 transactions each, where asking for each by itself would be 3,400, and Stripe takes a hundred. Nor does a list
 * need webhooks: they only have it read sooner. Each span is read once more, hours later, for what was made late; and
 * what even that should miss is posted when it is paid out.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { err, ok, okAsync, ResultAsync, safeTry, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Contradiction } from '../domain/contradiction.ts';
import { parseCurrency } from '../domain/currency.ts';
import { plusMs, type Clock } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { Found, LookedUp, Named } from '../storage/balance.ts';
import type { BalanceLine, LineFact } from '../stripe/balance.ts';
import { applyDispute, applyIntent, applyRefund, applyReturn } from './facts.ts';
import { readWindows } from './windows.ts';

/** While webhooks tell of money that moves, a span is opened as often as this: as long as one call is spent on it. */
const SPAN_MS = 2_000;
/** Until then a span has reached what was told of, though Stripe's clock be some seconds ahead of ours. */
const EXPECT_FOR_MS = 20_000;
/** Without any, for webhooks that never came. */
const QUIET_SPAN_MS = 30_000;
/** Stripe makes some transactions within the hour after their charge, and our clock and Stripe's may differ by minutes. */
const READ_AGAIN_MS = 2 * 3600 * 1000;

export interface BalanceReader {
  /** Stripe has told of something: money may have moved. */
  readonly expect: () => void;
  /** A round: reads Stripe's balance, and posts what is new. Errors: `database_unavailable`. */
  readonly read: (ctx: Context) => ResultAsync<'done' | 'more', PaymentError>;
}

export const createBalanceReader = (clock: Clock): BalanceReader => {
  // At the start, for what happened while nobody was here.
  let toldAt = clock.now();
  return {
    expect: () => (toldAt = clock.now()),
    read: (ctx) =>
      readWindows(ctx, {
        name: "Stripe's balance",
        windows: ctx.balances.windows,
        spanMs: () => (clock.now() < plusMs(toldAt, EXPECT_FOR_MS) ? SPAN_MS : QUIET_SPAN_MS),
        againMs: [READ_AGAIN_MS],
        readPage: ({ from, to, after }) =>
          ctx.stripeBalance
            .madeIn(from, to, after)
            .andThen(({ lines, hasMore }) =>
              keep(ctx, lines, null).map(() => ({ last: lines.at(-1)?.id ?? null, hasMore })),
            ),
      }),
  };
};

/**
 * Posts what is not known yet of these lines, and keeps those that are of no payment here, or of a charge that is not
 * believed. Answers the lines that are of payments. One that cannot be posted holds up no other: it is kept, and told to a
 * person. Errors: `provider_unavailable`, `database_unavailable`; what was posted by then stays, and is known the next time.
 */
export const keep = (
  ctx: Context,
  lines: readonly BalanceLine[],
  payout: string | null,
): ResultAsync<Named[], PaymentError> =>
  safeTry(async function* () {
    // Of what is not paid yet nothing is posted; it is read again when it is, or has failed, and when it is paid out.
    const told = payout === null ? lines.filter((line) => !isPending(line)) : lines;
    const before: LookedUp = yield* ctx.balances.lookUp(namedIn(told));
    const ours = told.flatMap((line) => ownedBy(line, before.get(line.id)) ?? []);
    const fresh = ours.filter(({ id }) => before.get(id)?.known !== true);
    // What it is of comes first: its money may be all that was ever heard of it.
    const applied: Tried[] = yield* eachAlone(ctx, fresh, (line) => applyCause(ctx, line, before.get(line.id)));
    const after: LookedUp = yield* ctx.balances.lookUp(namedIn(fresh));
    const believed = applied.filter(({ line, error }) => !error && after.get(line.id)?.believed === true);
    const posted: Tried[] = yield* eachAlone(
      ctx,
      believed.map(({ line }) => line),
      (line) => post(ctx, line),
    );
    const failed = [...applied, ...posted].filter(({ error }) => error !== null);
    const done = posted.filter(({ error, line }) => !error && parseCurrency(line.currency) !== undefined);
    for (const { line } of done)
      if (before.get(line.id)?.told === true) {
        yield* ctx.contradictions.settle('line_not_posted', line.id, 'It was posted.', ctx.clock.now());
        yield* ctx.balances.forgetUnknown(line.id);
      }

    const paid = new Set([...ours.filter((line) => !fresh.includes(line)), ...done.map(({ line }) => line)]);
    const isOurs = new Set([...paid].map(({ id }) => id));
    const unknown = told.filter(({ id, cause }) => !isOurs.has(id) && ['unknown', 'payment'].includes(cause.about));
    const orphans = unknown.filter(({ id }) => before.get(id)?.owner === null);
    yield* ctx.contradictions.open([...orphansOf(orphans), ...failed.map(poisonOf)], ctx.clock.now());
    const isNew: string[] = yield* ctx.balances.keepUnknown(unknown, payout, ctx.clock.now());
    for (const line of unknown) if (isNew.includes(line.id)) logUnknown(ctx, line);
    return ok(namedIn([...paid]));
  });

/**
 * The same with all lines of a charge, whose fate is known now. Answers how many there are. Errors: as `keep`.
 */
export const keepLinesOf = (ctx: Context, charge: string): ResultAsync<number, PaymentError> =>
  ctx.stripeBalance.ofCharge(charge).andThen(({ lines }) => keep(ctx, lines, null).map(() => lines.length));

const isPending = ({ cause }: BalanceLine): boolean =>
  cause.about === 'payment' && cause.by.kind === 'charge' && cause.by.isPending;

/** These lines, as they name themselves. */
const namedIn = (lines: readonly BalanceLine[]): Named[] =>
  lines.flatMap(({ id, cause }) =>
    cause.about === 'payment' ? [{ id, ...cause.of, intent: intentOf(cause.by) }] : [],
  );

const intentOf = (by: LineFact): string | null =>
  by.kind === 'charge' || by.kind === 'return' ? by.intent : by.found.intent;

/** A line, of the payment that it is of here: its tags may be of an earlier life of the request that it was paid by. */
const ownedBy = (line: BalanceLine, found: Found | undefined): BalanceLine | null =>
  line.cause.about === 'payment' && found?.owner ? { ...line, cause: { ...line.cause, of: found.owner } } : null;

/** A line, and why nothing came of it. */
interface Tried {
  readonly line: BalanceLine;
  readonly error: PaymentError | null;
}

/** How often a line is tried before it is a person's; others may be at the same payment. */
const LINE_TRIES_MAX = 4;
const LINE_WAIT_MS = 100;
/** What is no fault of the line: all wait until it is over. */
const OUTAGES: ReadonlySet<string> = new Set(['provider_unavailable', 'database_unavailable', 'overloaded']);

/** Does that for each line. Errors: that Stripe or the database is away. */
const eachAlone = (
  ctx: Pick<Context, 'log'>,
  lines: readonly BalanceLine[],
  work: (line: BalanceLine) => ResultAsync<unknown, PaymentError>,
): ResultAsync<Tried[], PaymentError> => {
  const tryOne = async (line: BalanceLine): Promise<Result<Tried, PaymentError>> => {
    for (let tries = 1; ; tries++) {
      const done = await work(line);
      if (done.isOk()) return ok({ line, error: null });
      const { error } = done;
      if (OUTAGES.has(error.code)) return err(error);
      if (tries < LINE_TRIES_MAX) await sleep(LINE_WAIT_MS * tries);
      else {
        ctx.log.error({ balance_transaction: line.id, code: error.code, err: error.cause }, 'a line cannot be posted');
        return ok({ line, error });
      }
    }
  };
  return ResultAsync.combine(lines.map((line) => new ResultAsync(tryOne(line))));
};

const poisonOf = ({ line: { id, kind, gross, currency, cause }, error }: Tried): Contradiction => ({
  merchant: cause.about === 'payment' ? cause.of.merchant : null,
  kind: 'line_not_posted',
  payment: cause.about === 'payment' ? cause.of.payment : null,
  subject: id,
  amount: gross,
  currency,
  detail: `${kind}: ${error?.code ?? ''}, ${error?.message ?? ''}`,
});

const post = (ctx: Context, line: BalanceLine): ResultAsync<unknown, PaymentError> => {
  const { id, kind, source, gross, fee, createdAt, cause } = line;
  const currency = parseCurrency(line.currency);
  if (cause.about !== 'payment' || source === null || currency === undefined) return okAsync('');
  const { of, charged, chargedCurrency, by } = cause;
  const { merchant, payment } = of;
  const balance = { merchant, id, payment, kind, source, gross, fee, currency, charged, chargedCurrency, createdAt };
  return by.kind === 'return' && by.intent !== null
    ? // What it takes back may be of a line that was pending when it was read.
      applyReturn(ctx, balance, by.intent, by).andThen(() => keepLinesOf(ctx, by.charge))
    : ctx.commit({ merchant, balance });
};

/** What a line is of, where the books do not have it yet: whatever was believed, this is money. */
const applyCause = (
  ctx: Context,
  { cause }: BalanceLine,
  found: Found | undefined,
): ResultAsync<unknown, PaymentError> => {
  if (cause.about !== 'payment') return okAsync('');
  const { of, by } = cause;
  switch (by.kind) {
    case 'refund':
      return applyRefund(ctx, of, by.found);
    case 'dispute':
      return applyDispute(ctx, of, by.found);
    case 'return':
      return by.intent === null || (found?.intent === by.intent && found.captured > 0n)
        ? okAsync('')
        : applyIntent(ctx, of, by.intent);
    case 'charge': {
      // All that was captured of it, by however many captures: a line is of one of them.
      const isThere = found !== undefined && found.intent === by.intent && found.captured >= by.captured;
      return by.intent === null || isThere ? okAsync('') : applyIntent(ctx, of, by.intent);
    }
  }
};

/** Tagged as ours, and of no payment here: somebody paid for what the database does not know. */
const orphansOf = (lines: readonly BalanceLine[]): Contradiction[] =>
  lines.flatMap(({ cause }) =>
    cause.about === 'payment' && cause.by.kind === 'charge' && cause.by.intent !== null
      ? [
          {
            merchant: cause.of.merchant,
            kind: 'orphan_intent',
            payment: null,
            subject: cause.by.intent,
            amount: cause.charged,
            currency: cause.chargedCurrency,
            detail: `Its tag is ${cause.of.payment}, which is not here.`,
          },
        ]
      : [],
  );

/** Somebody should know whose it is: it changes what Stripe pays out, and no account here. */
const logUnknown = (ctx: Pick<Context, 'log'>, { id, kind, source, gross, fee, currency }: BalanceLine): void =>
  ctx.log.warn(
    { balance_transaction: id, kind, source, gross: String(gross), fee: String(fee), currency },
    "a transaction of Stripe's balance is of no payment here: it is kept, and posted nowhere",
  );

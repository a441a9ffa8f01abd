/** What the books prove of themselves, and the periods of them that are closed. */
import { err, ok, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { cutOf, instantText } from '../domain/cut.ts';
import type { MerchantId } from '../domain/ids.ts';
import { micros } from '../domain/time.ts';
import { CHECK_NAMES } from '../domain/proof.ts';
import type { StorageError } from '../domain/refusals.ts';
import type { PeriodsView, PeriodView, ProofView } from '../domain/ledger-views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Period } from '../storage/periods.ts';
import type { KeptProof } from '../storage/proof.ts';

/** The last proof, as the job that makes them has kept it, and the last seal. Errors: `database_unavailable`. */
export const readProof = (
  ctx: Pick<Context, 'proofs' | 'periods'>,
  merchant: MerchantId,
): ResultAsync<ProofView, StorageError> => readProving(ctx, merchant).map(({ proof }) => proof);

/** The same, and when another was asked for, where that has not ended. Errors: `database_unavailable`. */
export const readProving = (
  { proofs, periods }: Pick<Context, 'proofs' | 'periods'>,
  merchant: MerchantId,
): ResultAsync<{ readonly proof: ProofView; readonly askedAt: string | null }, StorageError> =>
  ResultAsync.combine([proofs.read(merchant), periods.lastSeal(merchant)]).map(
    ([{ whole, since, askedAt }, sealed]) => {
      const parts = [whole, since].flatMap((part) => part ?? []);
      return {
        askedAt: askedAt === null ? null : instantText(askedAt),
        proof: {
          object: 'proof',
          holds: whole && parts.every(({ checks }) => checks.every(({ findings }) => findings.length === 0)),
          whole: whole && partView(whole),
          since: since && partView(since),
          sealed: sealed && { sequence: sealed.sequence.toString(), hash: sealed.hash, to: instantText(sealed.to) },
        },
      };
    },
  );

const partView = ({ provedAt, provedTo, checks }: KeptProof): NonNullable<ProofView['whole']> => ({
  proved_at: instantText(provedAt),
  proved_to: instantText(provedTo),
  checks: checks.map(({ check, counted, findings }) => ({
    ...{ check, promise: CHECK_NAMES[check], counted, holds: findings.length === 0, findings },
  })),
});

/** Has all of a merchant's books proven within seconds, and longer where there are millions. Errors: `database_unavailable`. */
export const askForProof = (
  { proofs, clock }: Pick<Context, 'proofs' | 'clock'>,
  merchant: MerchantId,
): ResultAsync<void, StorageError> => proofs.ask(merchant, clock.now());

/** Newest first; the first is open. Errors: `database_unavailable`. */
export const listPeriods = (
  { periods }: Pick<Context, 'periods'>,
  merchant: MerchantId,
): ResultAsync<PeriodsView, StorageError> =>
  ResultAsync.combine([periods.list(merchant), periods.publicKey()]).map(([all, publicKey]) => {
    const [last] = all;
    const open: PeriodView = {
      ...{ object: 'period', number: (last?.number ?? 0) + 1, state: 'open' },
      ...{ begins: last ? instantText(last.ends) : null, ends: null, last_day: null, tz: null, file: null },
    };
    return {
      ...{ object: 'list', url: '/v1/ledger/periods', has_more: false, public_key: publicKey },
      data: [open, ...all.map((period, at) => periodView(period, beginOf(all[at + 1])))],
    };
  });

const beginOf = (before: Period | undefined): string | null => (before ? instantText(before.ends) : null);

const periodView = ({ number, state, ends, lastDay, tz, file }: Period, begins: string | null): PeriodView => ({
  ...{ object: 'period', number, state, begins },
  ...{ ends: instantText(ends), last_day: lastDay, tz, file },
});

/** One that is closing or closed. Errors: `route_not_found`, `database_unavailable`. */
export const readPeriod = (
  { periods }: Pick<Context, 'periods'>,
  merchant: MerchantId,
  number: number,
): ResultAsync<PeriodView, StorageError | PaymentError<'route_not_found'>> =>
  periods.find(merchant, number).andThen((period) => {
    if (!period) return err(paymentError('route_not_found', { message: 'There is no such period.' }));
    return ok(periodView(period, period.file?.begins ?? null));
  });

/**
 * A year with a digit too few is read as the beginning of 1970, and what closes there is not undone: no day of that year
 * ends within its first half day.
 */
const FIRST_END = micros(12 * 3600 * 1000);

/**
 * Closes the open period with that day: at once it is `closing`, and `closed` within seconds. Errors: `invalid_request`
 * for a day that has not ended, or that a period has already; `database_unavailable`.
 */
export const closePeriod = (
  { periods, clock }: Pick<Context, 'periods' | 'clock'>,
  merchant: MerchantId,
  { ends, tz }: { readonly ends: string; readonly tz?: string | undefined },
): ResultAsync<PeriodView, StorageError | PaymentError<'invalid_request'>> => {
  const now = clock.now();
  const refused = (message: string): PaymentError<'invalid_request'> =>
    paymentError('invalid_request', { param: 'ends', message: `ends: ${message}` });
  return cutOf({ asOf: ends, tz }, now)
    .mapErr((error) => (error.param === 'as_of' ? refused('It is no day of the past.') : error))
    .andThen((cut) => (cut.before > now ? err(refused('That day has not ended.')) : ok(cut)))
    .andThen((cut) => (cut.before < FIRST_END ? err(refused('It is before 1970: nothing was posted then.')) : ok(cut)))
    .asyncAndThen((cut) => periods.ask(merchant, cut, ends, now))
    .andThen((period) =>
      period ? ok(periodView(period, null)) : err(refused('A period that ends there, or later, is there already.')),
    );
};

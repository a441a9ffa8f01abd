/** What the books prove of themselves, and the periods of them that are closed. */
import { err, ok, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { cutOf, instantText } from '../domain/cut.ts';
import type { MerchantId } from '../domain/ids.ts';
import { CHECK_NAMES } from '../domain/proof.ts';
import type { StorageError } from '../domain/refusals.ts';
import type { PeriodsView, PeriodView, ProofView } from '../domain/ledger-views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Period } from '../storage/periods.ts';
import type { KeptProof } from '../storage/proof.ts';

/** The last proof, as the job that makes them has kept it, and the last seal. Errors: `database_unavailable`. */
export const readProof = (
  { proofs, periods }: Pick<Context, 'proofs' | 'periods'>,
  merchant: MerchantId,
): ResultAsync<ProofView, StorageError> =>
  ResultAsync.combine([proofs.read(merchant), periods.lastSeal(merchant)]).map(([{ whole, since }, sealed]) => {
    const parts = [whole, since].flatMap((part) => part ?? []);
    return {
      object: 'proof',
      holds: whole && parts.every(({ checks }) => checks.every(({ findings }) => findings.length === 0)),
      whole: whole && partView(whole),
      since: since && partView(since),
      sealed: sealed && { sequence: sealed.sequence.toString(), hash: sealed.hash, to: instantText(sealed.to) },
    };
  });

const partView = ({ provedAt, provedTo, checks }: KeptProof): NonNullable<ProofView['whole']> => ({
  proved_at: instantText(provedAt),
  proved_to: instantText(provedTo),
  checks: checks.map(({ check, counted, findings }) => ({
    ...{ check, promise: CHECK_NAMES[check], counted, holds: findings.length === 0, findings },
  })),
});

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
      data: [open, ...all.map((period, at) => periodView(period, all[at + 1]))],
    };
  });

const periodView = ({ number, state, ends, lastDay, tz, file }: Period, before: Period | undefined): PeriodView => ({
  ...{ object: 'period', number, state, begins: before ? instantText(before.ends) : null },
  ...{ ends: instantText(ends), last_day: lastDay, tz, file },
});

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
    .asyncAndThen((cut) => periods.ask(merchant, cut, ends, now))
    .andThen((period) =>
      period
        ? ok(periodView(period, undefined))
        : err(refused('A period that ends there, or later, is there already.')),
    );
};

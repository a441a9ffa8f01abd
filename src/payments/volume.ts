/** `GET /v1/volume`: what was charged, day by day, and why the rest was declined. */
import { err, ok, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { instantText, spanOf, type Asked } from '../domain/cut.ts';
import type { MerchantId } from '../domain/ids.ts';
import type { StorageError } from '../domain/refusals.ts';
import { later, micros, plusMs } from '../domain/time.ts';
import type { VolumeView } from '../domain/ledger-views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { VolumeLine } from '../storage/volume.ts';

const DAY_MS = 24 * 3600 * 1000;
/** A month, to the day. */
const USUAL_DAYS = 30;
/** A year and a day: each payment of it is looked at. */
const DAYS_MAX = 367;
/** Nothing was made before. */
const BEGINNING = micros(0);

/** The last thirty days where no `from` is named. Errors: `invalid_request` with `param`, `database_unavailable`. */
export const readVolume = (
  { volumes, clock }: Pick<Context, 'volumes' | 'clock'>,
  merchant: MerchantId,
  asked: Asked,
): ResultAsync<VolumeView, StorageError | PaymentError<'invalid_request'>> =>
  spanOf(asked, clock.now())
    .andThen(({ from, before, tz }) => {
      const since = from ?? later(plusMs(before, -USUAL_DAYS * DAY_MS), BEGINNING);
      if (before - since <= BigInt(DAYS_MAX * DAY_MS) * 1000n) return ok({ from: since, before, tz });
      return err(paymentError('invalid_request', { param: 'from', message: `from: A year at the most is shown.` }));
    })
    .asyncAndThen((span) =>
      ResultAsync.combine([volumes.byDay(merchant, span), volumes.declines(merchant, span)] as const).map(
        ([lines, declines]): VolumeView => ({
          object: 'volume',
          from: instantText(span.from),
          to: instantText(span.before),
          tz: span.tz,
          currencies: [...Map.groupBy(lines, ({ currency }) => currency)].map(([currency, own]) => ({
            currency,
            ...sumOf(own),
            days: own.map((line) => ({ day: line.day, ...sumOf([line]) })),
          })),
          declines: declines.map(({ code, declineCode, payments }) => ({
            code,
            decline_code: declineCode,
            payments: Number(payments),
          })),
        }),
      ),
    );

const sumOf = (lines: readonly VolumeLine[]): { payments: number; succeeded: number; captured: string } => {
  const sum = (of: (line: VolumeLine) => bigint): bigint => lines.reduce((all, line) => all + of(line), 0n);
  return {
    payments: Number(sum(({ payments }) => payments)),
    succeeded: Number(sum(({ succeeded }) => succeeded)),
    captured: sum(({ captured }) => captured).toString(),
  };
};

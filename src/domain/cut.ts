/**
 * When a reader means: an instant, a day in a zone, or a span of either. Everything is cut at one clock, which is when a
 * transfer was posted; both legs of a transfer have the same, so that at any cut the books balance.
 */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import { parseInstant } from './instant.ts';
import { later, micros, plusMicros, plusMs, toIso, toIsoMicros, toMs, type Micros } from './time.ts';

/** As it was asked: RFC 3339, a day, or a local time of a zone; and the zone, where one is named. */
export interface Asked {
  readonly asOf?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly tz?: string | undefined;
}

/** Everything that was posted before `before`: of an instant that is named, the next microsecond. */
export interface Cut {
  readonly before: Micros;
  /** IANA's name, or UTC. */
  readonly tz: string;
}

/** From `from`, which is in it, to `before`, which is not. */
export interface Span extends Cut {
  /** Null: from the beginning. */
  readonly from: Micros | null;
}

type Refused = PaymentError<'invalid_request'>;

/** A caller's clock may be ahead by this much. */
const AHEAD_MS = 1_000;

/** The instant that a cut includes at last. */
export const asOfText = ({ before }: Cut): string => instantText(plusMicros(before, -1n));

/** To the millisecond, or to the microsecond where that says more. */
export const instantText = (at: Micros): string => (at % 1000n === 0n ? toIso(at) : toIsoMicros(at));

/** Now, where nothing is asked. Errors: `invalid_request`, whose `param` is `as_of` or `tz`. */
export const cutOf = ({ asOf, tz }: Asked, now: Micros): Result<Cut, Refused> =>
  zoneOf(tz).andThen((zone) => {
    if (asOf === undefined) return ok({ before: plusMicros(now, 1n), tz: zone });
    return read('as_of', asOf, tz === undefined ? undefined : zone).andThen((found) => {
      const before = found.kind === 'day' ? dayStart(found.day.add({ days: 1 }), zone) : plusMicros(found.at, 1n);
      return inPast('as_of', found.kind === 'day' ? dayStart(found.day, zone) : found.at, now).map(() => ({
        before: earlier(before, plusMs(now, AHEAD_MS)),
        tz: zone,
      }));
    });
  });

/**
 * A day is its start, in `from` and in `to` alike: March is from 1 March to 1 April, and the day that has begun ends now.
 * Errors: `invalid_request`, whose `param` is `from`, `to` or `tz`.
 */
export const spanOf = ({ from, to, tz }: Asked, now: Micros): Result<Span, Refused> =>
  zoneOf(tz).andThen((zone) => {
    const given = tz === undefined ? undefined : zone;
    const startOf = (param: string, text: string): Result<Micros, Refused> =>
      read(param, text, given).map((found) => (found.kind === 'day' ? dayStart(found.day, zone) : found.at));
    const started: Result<Micros | null, Refused> =
      from === undefined ? ok(null) : startOf('from', from).andThen((at) => inPast('from', at, now));
    return started.andThen((start) => {
      if (to === undefined) return ok({ from: start, before: plusMicros(now, 1n), tz: zone });
      return endOf(to, given, zone, now).andThen((end) =>
        start !== null && start > end
          ? err(refusal('from', 'It is after `to`.'))
          : ok({ from: start, before: end, tz: zone }),
      );
    });
  });

const endOf = (to: string, given: string | undefined, zone: string, now: Micros): Result<Micros, Refused> =>
  read('to', to, given).andThen((found) => {
    if (found.kind === 'instant') return inPast('to', found.at, now);
    // The end of a day that has begun is as far as that day has come.
    return inPast('to', dayStart(found.day.subtract({ days: 1 }), zone), now).map(() =>
      earlier(dayStart(found.day, zone), plusMicros(now, 1n)),
    );
  });

/** Nothing was posted before 1970, and what was asked for is read as then. */
const FIRST = micros(0);

const earlier = (a: Micros, b: Micros): Micros => (a < b ? a : b);

const inPast = (param: string, at: Micros, now: Micros): Result<Micros, Refused> =>
  at > plusMs(now, AHEAD_MS) ? err(refusal(param, 'It lies in the future.')) : ok(at);

const refusal = (param: string, message: string): Refused =>
  paymentError('invalid_request', { param, message: `${param}: ${message}` });

// ---- zones ---------------------------------------------------------------------------------------------------------

/** By Node's own data of them. Offsets are none: a zone has more than one in a year. */
const ZONE = /^[A-Za-z][A-Za-z0-9_+-]*(?:\/[A-Za-z0-9_+-]+){0,2}$/;
const ZONE_LENGTH_MAX = 64;

/** UTC, where none is named. Errors: `invalid_request`, whose `param` is `tz`. */
export const zoneOf = (tz: string | undefined): Result<string, Refused> => {
  if (tz === undefined) return ok('UTC');
  if (tz.length > ZONE_LENGTH_MAX || !ZONE.test(tz)) return err(noZone);
  return orRefused(() => Temporal.Instant.fromEpochMilliseconds(0).toZonedDateTimeISO(tz).timeZoneId, noZone);
};
const noZone = refusal('tz', 'It is no IANA name of a time zone, such as Europe/Berlin.');

/** Temporal says by throwing that a text is none. */
const orRefused = <T>(make: () => T, refused: Refused): Result<T, Refused> => {
  try {
    return ok(make());
  } catch {
    return err(refused);
  }
};

/** The first instant of a day: an hour later where a clock change skips midnight. */
const dayStart = (day: Temporal.PlainDate, zone: string): Micros =>
  later(micros(day.toZonedDateTime({ timeZone: zone }).epochMilliseconds), plusMicros(FIRST, 1n));

/** The instant with which a day of a zone begins. Errors: `invalid_request`, where it is no day. */
export const dayBegins = (text: string, zone: string): Result<string, Refused> =>
  DAY.test(text) ? orRefused(() => toIso(dayStart(Temporal.PlainDate.from(text), zone)), noDay) : err(noDay);
const noDay = refusal('created', 'It is no day.');

// ---- instants ------------------------------------------------------------------------------------------------------

type Found =
  { readonly kind: 'day'; readonly day: Temporal.PlainDate } | { readonly kind: 'instant'; readonly at: Micros };

const DAY = /^\d{4}-\d{2}-\d{2}$/;
/** To the millisecond. */
const LOCAL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?$/i;
const read = (param: string, text: string, zone: string | undefined): Result<Found, Refused> => {
  const malformed = refusal(
    param,
    'It is neither an RFC 3339 instant, such as 2026-03-31T12:00:00Z, nor a day, such as 2026-03-31.',
  );
  if (DAY.test(text)) return orRefused(() => ({ kind: 'day', day: Temporal.PlainDate.from(text) }) as const, malformed);
  const at = parseInstant(text);
  if (at !== undefined) return ok({ kind: 'instant', at: later(at, FIRST) });
  if (!LOCAL.test(text)) return err(malformed);
  if (zone === undefined) return err(refusal(param, 'It has no offset: add Z, or name a zone in tz.'));
  return orRefused(() => Temporal.PlainDateTime.from(text), malformed).andThen((local) => once(param, local, zone));
};

/** A local time that a clock change skips is none, and one that it repeats is two. */
const once = (param: string, local: Temporal.PlainDateTime, zone: string): Result<Found, Refused> => {
  const first = local.toZonedDateTime(zone, { disambiguation: 'earlier' });
  const last = local.toZonedDateTime(zone, { disambiguation: 'later' });
  if (first.equals(last)) return ok({ kind: 'instant', at: later(micros(first.epochMilliseconds), FIRST) });
  const isSkipped = !first.toPlainDateTime().equals(local);
  return err(
    refusal(
      param,
      isSkipped
        ? `There is no such time in ${zone}: clocks go forward over it.`
        : `There are two such times in ${zone}, since clocks go back over it: say which by its offset, ${first.offset} or ${last.offset}.`,
    ),
  );
};

/**
 * What a file of that span, or as of its end, is called: `trial-balance_2026-03-31_Europe-Berlin`. A day where one is meant,
 * whether it is told by its first microsecond or by its last.
 */
export const nameOfSpan = (
  what: string,
  { from, to, tz }: { readonly from: string | null; readonly to: string; readonly tz: string },
): string => {
  const moment = (iso: string): string => {
    const local = Temporal.Instant.from(iso).toZonedDateTimeISO(tz).toPlainDateTime();
    const text = local.toString({ smallestUnit: 'microsecond' });
    return /T(?:00:00:00\.0|23:59:59\.9{6})/.test(text) ? text.slice(0, 10) : text.slice(0, 19).replaceAll(':', '-');
  };
  return [what, ...(from === null ? [] : [moment(from)]), moment(to), tz.replaceAll('/', '-')].join('_');
};

/** Offsets change on a quarter of an hour, and are looked up once for each. */
const QUARTER = 900_000_000n;

/** How instants are written in a zone, `2026-03-31T12:00:00.000000+02:00`, for many that follow each other. */
export const createZoneText = (zone: string): ((at: Micros) => string) => {
  let quarter: bigint | undefined;
  let offset = '';
  let offsetNanos = 0;
  return (at) => {
    if (at / QUARTER !== quarter) {
      quarter = at / QUARTER;
      const there = Temporal.Instant.fromEpochMilliseconds(toMs(at)).toZonedDateTimeISO(zone);
      offset = there.offset;
      offsetNanos = there.offsetNanoseconds;
    }
    const local = plusMicros(at, BigInt(Math.trunc(offsetNanos / 1000)));
    return toIsoMicros(local).slice(0, -1) + offset;
  };
};

import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { asOfText, cutOf, instantText, spanOf, type Asked } from '../../src/domain/cut.ts';
import { parseInstant } from '../../src/domain/instant.ts';
import { micros, plusMicros, plusMs, toMs, type Micros } from '../../src/domain/time.ts';

const now = parseInstant('2026-11-29T12:00:00Z')!;
const HOUR_MS = 3_600_000;

const before = (asked: Asked, at: Micros = now): string =>
  cutOf(asked, at).match(
    ({ before: cut }) => instantText(cut),
    ({ param, message }) => `${param}: ${message}`,
  );
const refused = (asked: Asked): string | undefined =>
  cutOf(asked, now).match(
    () => undefined,
    ({ param }) => param,
  );
const span = (asked: Asked): string =>
  spanOf(asked, now).match(
    ({ from, before: end }) => `${from === null ? '' : instantText(from)} ${instantText(end)}`,
    ({ param, message }) => `${param}: ${message}`,
  );

describe('an instant', () => {
  it.each([
    ['2026-03-31T12:00:00Z', '2026-03-31T12:00:00.000001Z'],
    ['2026-03-31t12:00:00.5z', '2026-03-31T12:00:00.500001Z'],
    ['2026-03-31T12:00:00+02:00', '2026-03-31T10:00:00.000001Z'],
    ['2026-03-31T12:00:00 02:00', '2026-03-31T10:00:00.000001Z'],
    ['2026-03-31T12:00:00.123456789-11:30', '2026-03-31T23:30:00.123457Z'],
    ['0001-01-01T00:00:00Z', '1970-01-01T00:00:00.000001Z'],
  ])('%s is included', (asOf, text) => expect(before({ asOf })).toBe(text));

  it('that is named in a reply is the same when it is asked for', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, now), (at) => {
        const cut = { before: plusMicros(at as Micros, 1n), tz: 'UTC' };
        expect(cutOf({ asOf: asOfText(cut) }, now)._unsafeUnwrap()).toEqual(cut);
      }),
    );
  });

  it.each([
    '',
    'now',
    'yesterday',
    '2026',
    '2026-3-31',
    '2026-02-30',
    '2026-13-01',
    '2026-03-31T25:00:00Z',
    '2026-03-31T12:00:00',
    '2026-03-31T12:00:00+25:00',
    '2026-03-31T12:00:00[Europe/Berlin]',
    '2026-03-31T12:00Z',
    '+002026-03-31',
    '1774958400',
    '2026-03-31T12:00:00Z ',
    '20260331',
    '2026-W14-2',
    '2026-090',
  ])('%j is none', (asOf) => expect(refused({ asOf })).toBe('as_of'));

  it('in the future is refused, but for a second of skew', () => {
    expect(refused({ asOf: instantText(plusMs(now, 1_000)) })).toBeUndefined();
    expect(refused({ asOf: instantText(plusMicros(plusMs(now, 1_000), 1n)) })).toBe('as_of');
    expect(before({ asOf: '2026-11-30' })).toBe('as_of: as_of: It lies in the future.');
  });
});

describe('a day', () => {
  it.each([
    ['2026-03-31', undefined, '2026-04-01T00:00:00.000Z'],
    ['2026-03-31', 'Europe/Berlin', '2026-03-31T22:00:00.000Z'],
    ['2026-03-31', 'America/New_York', '2026-04-01T04:00:00.000Z'],
    ['2026-03-31', 'Asia/Kathmandu', '2026-03-31T18:15:00.000Z'],
    ['2024-02-29', 'UTC', '2024-03-01T00:00:00.000Z'],
    // Midnight is skipped: the next day begins at one o'clock.
    ['2018-11-03', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
    // Samoa had no 30 December 2011.
    ['2011-12-29', 'Pacific/Apia', '2011-12-30T10:00:00.000Z'],
    ['2025-12-31', 'Europe/London', '2026-01-01T00:00:00.000Z'],
  ])('%s in %s is everything before %s', (asOf, tz, text) => expect(before({ asOf, tz })).toBe(text));

  it.each([
    ['2026-03-29', 'Europe/Berlin', 23],
    ['2026-10-25', 'Europe/Berlin', 25],
    ['2026-03-08', 'America/New_York', 23],
    ['2026-04-05', 'Australia/Lord_Howe', 24.5],
    ['2026-06-01', 'Europe/Berlin', 24],
  ])('%s in %s has %d hours', (day, tz, hours) => {
    const next = Temporal.PlainDate.from(day).add({ days: 1 }).toString();
    const { from, before: end } = spanOf({ from: day, to: next, tz }, now)._unsafeUnwrap();
    expect((toMs(end) - toMs(from!)) / HOUR_MS).toBe(hours);
    expect(cutOf({ asOf: day, tz }, now)._unsafeUnwrap().before).toBe(end);
  });

  it('that has begun is as far as it has come', () => {
    expect(before({ asOf: '2026-11-29' })).toBe('2026-11-29T12:00:01.000Z');
    expect(refused({ asOf: '2026-11-30', tz: 'Pacific/Kiritimati' })).toBeUndefined();
    expect(refused({ asOf: '2026-11-29', tz: 'Pacific/Pago_Pago' })).toBeUndefined();
  });

  it('ends where the next begins, in every zone', () => {
    const days = fc.date({ min: new Date('1970-01-02'), max: new Date('2026-11-20'), noInvalidDate: true });
    const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
    fc.assert(
      fc.property(days, zones, (date, tz) => {
        const day = Temporal.PlainDate.from(date.toISOString().slice(0, 10));
        const cut = cutOf({ asOf: day.toString(), tz }, now)._unsafeUnwrap().before;
        const local = (at: Micros): string =>
          Temporal.Instant.fromEpochMilliseconds(toMs(at)).toZonedDateTimeISO(tz).toPlainDate().toString();
        // The last millisecond of it is not yet the next day, whose first is the cut itself.
        expect(local(cut) > day.toString()).toBe(true);
        expect(local(micros(toMs(cut) - 1)) <= day.toString()).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a local time of a zone', () => {
  it('is one where the zone has it once', () => {
    expect(before({ asOf: '2026-03-31T12:00', tz: 'Europe/Berlin' })).toBe('2026-03-31T10:00:00.000001Z');
    expect(before({ asOf: '2026-03-31T12:00:30.250', tz: 'UTC' })).toBe('2026-03-31T12:00:30.250001Z');
  });

  it('is refused where a clock change skips it', () => {
    expect(before({ asOf: '2026-03-29T02:30:00', tz: 'Europe/Berlin' })).toMatch(
      /^as_of: .*no such time in Europe\/Berlin/,
    );
  });

  it('is refused where a clock change repeats it, and the words say what to add', () => {
    expect(before({ asOf: '2026-10-25T02:30:00', tz: 'Europe/Berlin' })).toMatch(/^as_of: .*\+02:00 or \+01:00/);
  });

  it('is refused where no zone is named', () => {
    expect(before({ asOf: '2026-03-31T12:00:00' })).toMatch(/^as_of: .*no offset/);
  });
});

describe('a zone', () => {
  it.each([
    'Europe/Atlantis',
    '+02:00',
    'UTC+2',
    '',
    'Europe/Berlin ',
    '../etc/passwd',
    'x'.repeat(65),
    'Z',
    "'; drop",
  ])('%j is none', (tz) => expect(refused({ tz })).toBe('tz'));
  it.each(['UTC', 'Europe/Berlin', 'America/Argentina/Buenos_Aires', 'Etc/GMT+5', 'europe/berlin'])('%s is one', (tz) =>
    expect(refused({ tz })).toBeUndefined(),
  );
});

describe('a span', () => {
  it.each([
    [{}, ' 2026-11-29T12:00:00.000001Z'],
    [{ from: '2026-03-01', to: '2026-04-01' }, '2026-03-01T00:00:00.000Z 2026-04-01T00:00:00.000Z'],
    [
      { from: '2026-03-01', to: '2026-04-01', tz: 'Europe/Berlin' },
      '2026-02-28T23:00:00.000Z 2026-03-31T22:00:00.000Z',
    ],
    [{ from: '2026-03-01T00:00:00Z', to: '2026-03-01T00:00:00Z' }, '2026-03-01T00:00:00.000Z 2026-03-01T00:00:00.000Z'],
    [{ from: '2026-11-01', to: '2026-11-30' }, '2026-11-01T00:00:00.000Z 2026-11-29T12:00:00.000001Z'],
  ])('%j is half-open', (asked, text) => expect(span(asked)).toBe(text));

  it.each([
    [{ from: '2026-04-01', to: '2026-03-01' }, 'from'],
    [{ from: '2026-12-01' }, 'from'],
    [{ to: '2026-12-01' }, 'to'],
    [{ to: 'now' }, 'to'],
    [{ from: '31.03.2026' }, 'from'],
    [{ from: '2026-03-01', tz: 'Nowhere' }, 'tz'],
  ])('%j is refused for its %s', (asked, param) => expect(span(asked)).toMatch(new RegExp(`^${param}:`)));
});

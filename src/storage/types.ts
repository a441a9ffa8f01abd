/** How Postgres' types are read: bigint as BigInt, an instant as microseconds since 1970, a date as its text. */
import pg from 'pg';
import type { Micros } from '../domain/time.ts';

const INT8 = 20;
const TIMESTAMPTZ = 1184;
const DATE = 1082;

// pg's own parsers answer `any`; the rows that they make are typed where they are read.
/* eslint-disable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-enum-assignment */
export const getTypeParser = ((oid: number, format?: 'text' | 'binary') => {
  if (format !== 'binary' && oid === INT8) return BigInt;
  if (format !== 'binary' && oid === TIMESTAMPTZ) return parseTimestamp;
  // A day is none of this machine's, as pg would have it.
  if (format !== 'binary' && oid === DATE) return String;
  return pg.types.getTypeParser(oid, format);
}) as typeof pg.types.getTypeParser;
/* eslint-enable @typescript-eslint/no-unsafe-return, @typescript-eslint/no-unsafe-enum-assignment */

/**
 * `2026-01-01 00:00:00.123456+00`, as Postgres writes it with DateStyle ISO; fewer decimals where the last are zero. The
 * offset is that of the session's time zone, which may have minutes and seconds. Throws at anything else: an instant is
 * never guessed.
 */
export const parseTimestamp = (text: string): Micros => {
  const at = (from: number, to: number): number => Number(text.slice(from, to));
  const seconds = Date.UTC(at(0, 4), at(5, 7) - 1, at(8, 10), at(11, 13), at(14, 16), at(17, 19));
  const sign = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
  // NaN where it is written in any other style.
  if (Number.isNaN(seconds) || text[4] !== '-' || sign < 19) throw new TypeError(`not an instant: ${text}`);
  const decimals = text[19] === '.' ? text.slice(20, sign).padEnd(6, '0') : '0';
  const offset = text.slice(sign);
  const offsetMs = offset === '+00' ? 0 : offsetMsOf(offset);
  return (BigInt(seconds - offsetMs) * 1000n + BigInt(decimals)) as Micros;
};

/** Of `+05:30` or `-03`. */
const offsetMsOf = (offset: string): number => {
  const [hours = 0, minutes = 0, seconds = 0] = offset.slice(1).split(':').map(Number);
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return offset.startsWith('-') ? -ms : ms;
};

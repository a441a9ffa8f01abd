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
  const sign = Math.max(text.lastIndexOf('+'), text.lastIndexOf('-'));
  const isTime = sign >= 19 && text[13] === ':' && text[16] === ':';
  const ms = dayMs(text.slice(0, 11)) + (digits(text, 11) * 3600 + digits(text, 14) * 60 + digits(text, 17)) * 1000;
  // NaN where it is written in any other style.
  if (!isTime || Number.isNaN(ms)) throw new TypeError(`not an instant: ${text}`);
  const micros = text[19] === '.' ? Number(text.slice(20, sign).padEnd(6, '0')) : 0;
  const offset = text.slice(sign);
  // Whole numbers until the year 2255.
  return BigInt((offset === '+00' ? ms : ms - offsetMsOf(offset)) * 1000 + micros) as Micros;
};

/** Most rows of an answer are of one day. */
let lastDay = '';
let lastDayMs = NaN;
/** Of `2026-01-01 `; NaN where it is none. */
const dayMs = (day: string): number => {
  if (day !== lastDay) {
    const isDay = day[4] === '-' && day[7] === '-' && day[10] === ' ';
    lastDayMs = isDay ? Date.UTC(Number(day.slice(0, 4)), Number(day.slice(5, 7)) - 1, Number(day.slice(8, 10))) : NaN;
    lastDay = day;
  }
  return lastDayMs;
};

/** Two of them, as a number. */
const digits = (text: string, at: number): number => (text.charCodeAt(at) - ZERO) * 10 + text.charCodeAt(at + 1) - ZERO;
const ZERO = '0'.charCodeAt(0);

/** Of `+05:30` or `-03`. */
const offsetMsOf = (offset: string): number => {
  const [hours = 0, minutes = 0, seconds = 0] = offset.slice(1).split(':').map(Number);
  const ms = ((hours * 60 + minutes) * 60 + seconds) * 1000;
  return offset.startsWith('-') ? -ms : ms;
};

/** What narrows every list, and pages of it. */
import { sql, type RawBuilder } from 'kysely';
import { uuidFrom } from '../domain/ids.ts';
import type { Micros } from '../domain/time.ts';

/** A page of a list, newest first, before or after the row of an id. One before it ends at the horizon. */
export interface Page<Id> {
  readonly limit: number;
  readonly startingAfter: Id | undefined;
  readonly endingBefore: Id | undefined;
  /** When what is listed was made. */
  readonly created?: Span;
}

/** From then on, and before then: to the millisecond. */
export interface Span {
  readonly from?: Micros;
  readonly before?: Micros;
}

/** Both ends are within it. */
export interface Range {
  readonly least?: bigint;
  readonly most?: bigint;
}

export interface PageOf<T> {
  readonly data: readonly T[];
  readonly hasMore: boolean;
}

/** One row more than the page was asked for, to know whether there is more; a page before an id was read upwards. */
export const pageOf = <T>(rows: readonly T[], { limit, endingBefore }: Page<unknown>): PageOf<T> => {
  const data = rows.slice(0, limit);
  return { data: endingBefore ? data.reverse() : data, hasMore: rows.length > limit };
};

/** An id says when it was made: what was made in a span is a range of the list's own index, and costs none. */
export const madeWithin = ({ from, before }: Span = {}): RawBuilder<boolean> =>
  sql<boolean>`id >= ${uuidFrom(from ?? BEGINNING)}::uuid and id < ${before === undefined ? LAST : uuidFrom(before)}::uuid`;
const BEGINNING = 0n as Micros;
const LAST = 'f'.repeat(32);

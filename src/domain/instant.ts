/** Instants, as callers write them. */
import type { Micros } from './time.ts';

/** A plus that was not escaped has become a space on its way. */
const INSTANT = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d{1,9})?)(Z|[+ -]\d{2}:\d{2})$/i;

/** An RFC 3339 instant, of any offset, if it is one. What is finer than a microsecond is cut off. */
export const parseInstant = (text: string): Micros | undefined => {
  const [, local, offset = ''] = INSTANT.exec(text) ?? [];
  if (local === undefined) return undefined;
  try {
    return microsOf(Temporal.Instant.from(local + offset.replace(' ', '+')));
  } catch {
    // There is no such day, or no such hour.
    return undefined;
  }
};

const microsOf = ({ epochNanoseconds: nanos }: Temporal.Instant): Micros =>
  ((nanos - (((nanos % 1000n) + 1000n) % 1000n)) / 1000n) as Micros;

/** Reads one of Stripe's lists in the background, span by span of time, so that all of it is read whoever restarts. */
import { err, ok, safeTry, ResultAsync, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import { plusMs, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { Opened, Window, Windows } from '../storage/windows.ts';

/** A page of a list: its last id, where it has any. */
export interface PageRead {
  readonly last: string | null;
  readonly hasMore: boolean;
}

export interface WindowedList {
  /** For a person: "Stripe's balance". */
  readonly name: string;
  readonly windows: Windows;
  /** How long a span is, at least, by the time it is opened. */
  readonly spanMs: () => number;
  /** How long after its end a span is read; as soon as Stripe lists all of it, where it is not given. */
  readonly afterMs?: number;
  /** How long after each time that all of a span was read it is read again. */
  readonly againMs: readonly number[];
  /** Reads a page of a span, and does what is to be done about it. It may be read twice. */
  readonly readPage: (window: Window) => ResultAsync<PageRead, PaymentError>;
}

/** What Stripe lists is there a moment after its time, and that has whole seconds. */
const LISTED_AFTER_MS = 1_500;
/** How many spans are read at once: at 0.2 s for each page of 100, 4,000 objects a second. */
const SPANS_MAX = 8;
/** Pages of a span in one round: what is left of it waits for the others' turn. */
const PAGES_MAX = 20;
/** How long a span belongs to who reads it, from each page on. */
const SPAN_LEASE_MS = 30_000;

/** By then a span is read, though a page of it failed once or twice; later, somebody should know. */
const LATE_MS = 120_000;

/**
 * A round: opens a span where one is due, and reads what is due. Errors: `database_unavailable`: what is, is not known; and
 * why nothing could be read of what is late (our key may not: https://docs.stripe.com/keys/restricted-api-keys).
 */
export const readWindows = (
  ctx: Pick<Context, 'clock' | 'log'>,
  list: WindowedList,
): ResultAsync<'done' | 'more', PaymentError> => {
  const now = ctx.clock.now();
  return list.windows
    .open(plusMs(now, -(list.afterMs ?? LISTED_AFTER_MS)), list.spanMs())
    .andThen((opened) =>
      list.windows.take(now, plusMs(now, SPAN_LEASE_MS), SPANS_MAX).map((windows) => ({ ...opened, windows })),
    )
    .andThen((taken) => new ResultAsync(readTaken(ctx, list, now, taken)));
};

interface Taken extends Opened {
  readonly windows: readonly Window[];
}

const readTaken = async (
  ctx: Pick<Context, 'clock' | 'log'>,
  list: WindowedList,
  now: Micros,
  { isBehind, unread, windows }: Taken,
): Promise<Result<'done' | 'more', PaymentError>> => {
  const read = await Promise.all(windows.map((window) => readWindow(ctx, list, window)));
  const isMore = isBehind || windows.length === SPANS_MAX || read.some((result) => result.unwrapOr('done') === 'more');
  for (const result of read)
    if (result.isErr())
      ctx.log.warn({ err: result.error.cause, code: result.error.code }, `a span of ${list.name} waits to be read`);
  const isLate = (end: Micros | null): boolean => end !== null && end < plusMs(now, -LATE_MS);
  const isProgress = ({ to, reads }: Window, nth: number): boolean =>
    reads === 0 && isLate(to) && read[nth]?.isOk() === true;
  if (isLate(unread) && !windows.some(isProgress))
    return read.find((result) => result.isErr()) ?? err(waits(list.name));
  return ok(isMore && read.every((result) => result.isOk()) ? 'more' : 'done');
};

const waits = (name: string): PaymentError =>
  paymentError('provider_unavailable', { message: `A span of ${name} waits to be read, and has for minutes.` });

/** Errors: `provider_unavailable`, `database_unavailable`: its lease runs out, and it is gone on with. */
const readWindow = (
  ctx: Pick<Context, 'clock'>,
  { windows, againMs, readPage }: WindowedList,
  window: Window,
): ResultAsync<'more' | 'done', PaymentError> =>
  safeTry(async function* () {
    let { after } = window;
    for (let pages = 1; ; pages++) {
      const page: PageRead = yield* readPage({ ...window, after });
      after = page.last;
      const now = ctx.clock.now();
      if (!page.hasMore || after === null) {
        const again = againMs[window.reads];
        yield* windows.close(window, again === undefined ? null : plusMs(now, again));
        return ok('done' as const);
      }
      yield* windows.turnPage(window, after, pages === PAGES_MAX ? now : plusMs(now, SPAN_LEASE_MS));
      if (pages === PAGES_MAX) return ok('more' as const);
    }
  });

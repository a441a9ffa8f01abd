/** Reads one of Stripe's lists in the background, span by span of time, so that all of it is read whoever restarts. */
import { ok, safeTry, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { plusMs } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { Window, Windows } from '../storage/windows.ts';

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

/** A round: opens a span where one is due, and reads what is due. Errors: `database_unavailable`: what is, is not known. */
export const readWindows = (
  ctx: Pick<Context, 'clock' | 'log'>,
  list: WindowedList,
): ResultAsync<'done' | 'more', PaymentError> => {
  const now = ctx.clock.now();
  return list.windows
    .open(plusMs(now, -(list.afterMs ?? LISTED_AFTER_MS)), list.spanMs())
    .andThen((isBehind) =>
      list.windows.take(now, plusMs(now, SPAN_LEASE_MS), SPANS_MAX).map((windows) => ({ isBehind, windows })),
    )
    .map(async ({ isBehind, windows }) => {
      const read = await Promise.all(windows.map((window) => readWindow(ctx, list, window)));
      const isMore =
        isBehind || windows.length === SPANS_MAX || read.some((result) => result.unwrapOr('done') === 'more');
      for (const result of read)
        if (result.isErr())
          ctx.log.warn({ err: result.error.cause, code: result.error.code }, `a span of ${list.name} waits to be read`);
      return isMore && read.every((result) => result.isOk()) ? 'more' : 'done';
    });
};

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

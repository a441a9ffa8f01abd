/** Work that is done again and again in the background, one round after the other. */

export interface Rounds {
  /** Has the next round begin now. */
  readonly wake: () => void;
  /** How long ago the last round ended, in milliseconds; before there was one, how long ago the first began. */
  readonly ageMs: () => number;
  /** Ends after the round that is under way. */
  readonly stop: () => Promise<void>;
}

/**
 * Begins at once, and then `everyMs` after each round's end, give or take a quarter, so that several instances do not
 * march in step. A round that answers `more` is followed by the next without a pause. What a round throws is told to `onThrown`,
 * and the next begins as after any other.
 */
export const startRounds = (
  round: () => Promise<'more' | 'done'>,
  everyMs: number,
  onThrown: (error: unknown) => void,
): Rounds => {
  let stopped = false;
  let woken = false;
  let endedAt = performance.now();
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  // Asked anew after each round: both change while it runs.
  const isOver = (): boolean => stopped;
  const isWoken = (): boolean => woken;

  const run = async (): Promise<void> => {
    woken = false;
    const more = await round().catch((error: unknown) => {
      onThrown(error);
      return 'done' as const;
    });
    endedAt = performance.now();
    running = undefined;
    if (isOver()) return;
    const atOnce = more === 'more' || isWoken();
    timer = setTimeout(begin, atOnce ? 0 : everyMs * (0.75 + Math.random() / 2));
  };
  const begin = (): void => {
    running = run();
  };
  begin();

  return {
    ageMs: () => performance.now() - endedAt,
    wake: () => {
      woken = true;
      if (running || stopped) return;
      clearTimeout(timer);
      begin();
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
};

import { setTimeout as sleep } from 'node:timers/promises';

/** Again and again until it is ended. */
export const repeat = (once: () => Promise<unknown>, everyMs: number): (() => Promise<void>) => {
  let over = false;
  const isOver = (): boolean => over;
  const running = (async () => {
    while (!isOver()) {
      await once().catch(() => undefined);
      await sleep(everyMs);
    }
  })();
  return async () => {
    over = true;
    await running;
  };
};

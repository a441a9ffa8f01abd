import { setImmediate as turn } from 'node:timers/promises';

/** Less than a test has, so that the one that waits in vain says for what. */
const LIMIT_MS = 20_000;

/** Asks again and again until it is so. */
export const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + LIMIT_MS;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`It never came to be: ${String(isSo)}`);
    await turn();
  }
};

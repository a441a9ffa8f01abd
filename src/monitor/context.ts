/** Whose work the main thread is doing: one small object that follows a request through everything it awaits. */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Work {
  /** The template of a route, or `job:name`: never a path, which a client could make grow without bound. */
  route: string;
  readonly method?: string;
  readonly requestId?: string;
}

/**
 * The number of callbacks that the event loop has begun. A stack that is taken from another thread reads it through the
 * prototype of the work, on the main thread, and so tells whether it still is the callback that was asked about.
 */
let turnNow = (): number => 0;
const prototype = {
  get turn(): number {
    return turnNow();
  },
};

export const storage: AsyncLocalStorage<Work> = new AsyncLocalStorage();

export const tellTurnFrom = (read: () => number): void => {
  turnNow = read;
};

/** Runs a request's handlers: what stalls in them, or in what they await, is named by `work.route` as it is then. */
export const runWork = <T>(work: Work, run: (work: Work) => T): T => {
  const followed = { __proto__: prototype, ...work } as Work;
  return storage.run(followed, run, followed);
};

/** Runs work that belongs to no request: a sweeper, a webhook's delivery, a lane of commits. */
export const runJob = <T>(name: string, run: () => T): T => runWork({ route: `job:${name}` }, run);

/** Names the route of the request under way, once it is known. */
export const nameRoute = (route: string): void => {
  const work = storage.getStore();
  if (work) work.route = route;
};

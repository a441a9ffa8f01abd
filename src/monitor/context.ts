/** Whose work the main thread is doing: one small object that follows a request through everything it awaits. */
import { AsyncLocalStorage } from 'node:async_hooks';

export interface Work {
  /** The template of a route, or `job:name`: never a path, which a client could make grow without bound. */
  route: string;
  readonly method?: string;
  readonly requestId?: string;
}

/** A request. It began at this `performance.now()`, which is not asked twice. */
export interface RequestWork extends Work {
  readonly startedAt: number;
}

/**
 * The number of turns that the event loop has begun. A stack that is taken from another thread reads it through the
 * prototype of the work, on the main thread, and so tells whether it still is the turn that was asked about.
 */
let turnNow = (): number => 0;
/** Tells that another turn begins, at this `performance.now()`. */
let beginTurn: (now: number) => void = () => undefined;
class Followed implements Work {
  route: string;
  readonly method?: string;
  readonly requestId?: string;
  constructor({ route, method, requestId }: Work) {
    this.route = route;
    if (method !== undefined) this.method = method;
    if (requestId !== undefined) this.requestId = requestId;
  }
}
// Enumerable, as a getter of a class is not: who takes the stack lists what there is.
Object.defineProperty(Followed.prototype, 'turn', { get: () => turnNow(), enumerable: true });

export const workStorage: AsyncLocalStorage<Work> = new AsyncLocalStorage();

export const followTurns = (read: () => number, begin: (now: number) => void): void => {
  turnNow = read;
  beginTurn = begin;
};

/**
 * Runs a request's handlers: what stalls in them, or in what they await, is named by `work.route` as it is then. What is
 * left of the callback that brought it belongs to it too. To be called in such a callback alone: for all else, `runJob`.
 */
export const runWork = <T>(work: RequestWork, run: (work: Work) => T): T => {
  beginTurn(work.startedAt);
  const followed = new Followed(work);
  // `run` would make a second context, to go back to what was; at the end of a callback Node does that by itself.
  workStorage.enterWith(followed);
  return run(followed);
};

/** Runs work that belongs to no request: a sweeper, a webhook's delivery, a lane of commits. */
export const runJob = <T>(name: string, run: () => T): T => {
  beginTurn(performance.now());
  // `workStorage.run` would leave a context behind that says nothing, and each request on what was opened in it would copy it.
  return AsyncLocalStorage.snapshot()(() => {
    workStorage.enterWith(new Followed({ route: `job:${name}` }));
    return run();
  });
};

/** Names the route of the request under way, once it is known. */
export const nameRoute = (route: string): void => {
  const work = workStorage.getStore();
  if (work) work.route = route;
};

/** Whether what runs now is done for a request, and not for a job. */
export const isRequest = (): boolean => workStorage.getStore()?.requestId !== undefined;

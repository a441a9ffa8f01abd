/**
 * Places for large bodies. Each principal has a few, and keeps one from the head of a request until its reply is taken;
 * whoever finds none waits at its head, and nothing more of it is read. So what they hold is bounded before they are read,
 * and those whose end never comes crowd out nobody but others of the same caller.
 */
import type { ServerResponse } from 'node:http';

/** Of one principal, 4 MB: a batch of the database holds no more bulks, so that more at once would not be faster. */
const AT_ONCE_MAX = 16;
/** Each has brought as much as 64 KB with its head. */
const WAITING_MAX = 64;
/** A body is a few packets that come at once: one that has not come for so long makes room for who waits. */
const PATIENCE_MS = 1_000;

export interface Place {
  /** All of the body is here: from now on it makes room for nobody. */
  readonly hasCome: () => void;
}

export interface Places {
  /**
   * Resolves when there is a place, which is given back when the reply is taken, or its caller has hung up; to undefined
   * where too many came after it. `giveWay` is called where the body does not come, and others wait.
   */
  readonly take: (principal: string, response: ServerResponse, giveWay: () => void) => Promise<Place | undefined>;
}

interface Holder {
  readonly since: number;
  readonly giveWay: () => void;
}

interface Waiter {
  readonly begin: () => void;
  readonly turnAway: () => void;
}

class Shelf {
  /** Whose bodies are on their way, in the order in which they began. */
  readonly coming = new Set<Holder>();
  /** Whose bodies are here, and are not answered. */
  readonly whole = new Set<Holder>();
  /** The latest is let in first, and the first is turned away for one more: he is the likeliest to wait for nothing. */
  waiting: Waiter[] = [];
  timer: NodeJS.Timeout | undefined = undefined;
}

export const createPlaces = (): Places => {
  const shelves = new Map<string, Shelf>();

  const isFull = ({ coming, whole }: Shelf): boolean => coming.size + whole.size >= AT_ONCE_MAX;

  const letIn = (principal: string, shelf: Shelf): void => {
    while (!isFull(shelf) && shelf.waiting.length > 0) shelf.waiting.pop()?.begin();
    if (shelf.waiting.length > 0) watch(principal, shelf);
    else if (shelf.coming.size + shelf.whole.size === 0) shelves.delete(principal);
  };

  /** While someone waits, the oldest of those that do not come makes room, as soon as it is old enough. */
  const watch = (principal: string, shelf: Shelf): void => {
    const [oldest] = shelf.coming;
    if (shelf.timer || !oldest) return;
    const age = performance.now() - oldest.since;
    shelf.timer = setTimeout(
      () => {
        shelf.timer = undefined;
        if (shelf.waiting.length > 0 && shelf.coming.delete(oldest)) oldest.giveWay();
        letIn(principal, shelf);
      },
      Math.max(1, PATIENCE_MS - age),
    );
  };

  const hold = (principal: string, shelf: Shelf, response: ServerResponse, giveWay: () => void): Place => {
    const holder: Holder = { since: performance.now(), giveWay };
    shelf.coming.add(holder);
    response.once('close', () => {
      if (shelf.coming.delete(holder) || shelf.whole.delete(holder)) letIn(principal, shelf);
    });
    return {
      hasCome: () => {
        if (shelf.coming.delete(holder)) shelf.whole.add(holder);
      },
    };
  };

  return {
    take: (principal, response, giveWay) => {
      if (response.closed) return Promise.resolve(undefined);
      const shelf = shelves.get(principal) ?? new Shelf();
      shelves.set(principal, shelf);
      if (!isFull(shelf)) return Promise.resolve(hold(principal, shelf, response, giveWay));
      return new Promise((resolve) => {
        const waiter: Waiter = {
          begin: () => resolve(hold(principal, shelf, response, giveWay)),
          turnAway: () => resolve(undefined),
        };
        shelf.waiting.push(waiter);
        if (shelf.waiting.length > WAITING_MAX) shelf.waiting.shift()?.turnAway();
        response.once('close', () => {
          shelf.waiting = shelf.waiting.filter((one) => one !== waiter);
          waiter.turnAway();
        });
        watch(principal, shelf);
      });
    },
  };
};

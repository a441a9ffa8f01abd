/**
 * Turns at the connections that read: nobody has more than a half of them, and whoever waits for one waits for as many
 * others as there are, and not for all that one of them asks.
 */
import type { ResultAsync } from 'neverthrow';
import type { StorageError } from '../domain/refusals.ts';
import { run } from './failure.ts';

/** Runs it when it is its owner's turn. */
export type Turns = <T>(owner: string, work: () => Promise<T>) => Promise<T>;

/** So many at a time, of which one owner may have a half. */
export const createTurns = (placesMax: number): Turns => {
  const ownMax = Math.max(1, Math.floor(placesMax / 2));
  const underWay = new Map<string, number>();
  const waiting = new Map<string, (() => void)[]>();
  let places = placesMax;

  const hasPlace = (owner: string): boolean => places > 0 && (underWay.get(owner) ?? 0) < ownMax;
  const begin = (owner: string): void => {
    places--;
    underWay.set(owner, (underWay.get(owner) ?? 0) + 1);
  };
  /** Of those who may, the one who has had no turn for longest: with a turn, an owner goes to the end. */
  const next = (): void => {
    for (const [owner, queue] of waiting) {
      if (!hasPlace(owner)) continue;
      waiting.delete(owner);
      begin(owner);
      queue.shift()?.();
      if (queue.length > 0) waiting.set(owner, queue);
      return;
    }
  };
  const end = (owner: string): void => {
    places++;
    const left = (underWay.get(owner) ?? 1) - 1;
    if (left === 0) underWay.delete(owner);
    else underWay.set(owner, left);
    next();
  };

  return async (owner, work) => {
    if (hasPlace(owner)) begin(owner);
    else
      await new Promise<void>((go) => {
        const queue = waiting.get(owner);
        if (queue) queue.push(go);
        else waiting.set(owner, [go]);
      });
    try {
      return await work();
    } finally {
      end(owner);
    }
  };
};

/** Asks the database, when it is the owner's turn. */
export const inTurn =
  (turns: Turns) =>
  <T>(owner: string, work: () => Promise<T>): ResultAsync<T, StorageError> =>
    run(turns(owner, work));

/** What is found by the hash of a secret: those that are asked for together are one query, in which networks take turns. */
import { err, ok } from 'neverthrow';
import type { LaneError } from '../domain/refusals.ts';
import { readFailure } from './failure.ts';
import { createLane, type Lane } from './lane.ts';

/** As many as one query takes without being slower for the first of them. */
const BATCH_MAX = 256;

export interface Asked {
  /** SHA-256 of a secret, in hex. */
  readonly hash: string;
  readonly network: string;
}

/**
 * `waitingMax` bounds the memory of those that wait; of one network half, so that others are heard beside whoever asks with
 * as many as he can think of. Errors: those of a lane, and `database_unavailable`.
 */
export const createLookup = <One extends Asked, Found>(
  findAll: (asked: readonly One[]) => Promise<ReadonlyMap<string, Found>>,
  waitingMax: number,
): Lane<One, Found | undefined, LaneError> =>
  createLane({
    run: (asked) =>
      findAll(asked).then(
        (found) => asked.map((one) => ok(found.get(one.hash))),
        (error: unknown) => asked.map(() => err(readFailure(error))),
      ),
    ownerOf: ({ network }) => network,
    weightOf: () => 1,
    batchMax: BATCH_MAX,
    waitingMax,
    waitingOfOneMax: waitingMax / 2,
    observe: () => undefined,
  });

/** Those hashes, for `= any(…)`. */
export const bytesOf = (asked: readonly Pick<Asked, 'hash'>[]): string[] => asked.map((one) => `"\\\\x${one.hash}"`);

/** What is found by its key: those that are asked for together are one query, in which their owners take turns. */
import { err, ok } from 'neverthrow';
import type { LaneError } from '../domain/refusals.ts';
import { readFailure } from './failure.ts';
import { createLane, type Lane, type LaneOptions } from './lane.ts';

/** As many as one query takes without being slower for the first of them. */
const BATCH_MAX = 256;

interface LookupOptions<One, Found> extends Pick<
  LaneOptions<One, Found, LaneError>,
  'ownerOf' | 'waitingMax' | 'waitingOfOneMax' | 'observe'
> {
  /** Those that there are, each by its key. */
  readonly findAll: (asked: readonly One[]) => Promise<ReadonlyMap<string, Found>>;
  readonly keyOf: (one: One) => string;
}

/** Errors: those of a lane, and `database_unavailable`. */
export const createLookup = <One, Found>({
  findAll,
  keyOf,
  ...lane
}: LookupOptions<One, Found>): Lane<One, Found | undefined, LaneError> =>
  createLane({
    ...lane,
    run: (asked) =>
      findAll(asked).then(
        (found) => asked.map((one) => ok(found.get(keyOf(one)))),
        (error: unknown) => asked.map(() => err(readFailure(error))),
      ),
    weightOf: () => 1,
    batchMax: BATCH_MAX,
  });

export interface Hashed {
  /** SHA-256 of a secret, in hex. */
  readonly hash: string;
  readonly network: string;
}

/** By the hash of a secret. Of one network half may wait, so that others are heard beside whoever asks with all he can think of. */
export const createHashLookup = <One extends Hashed, Found>(
  findAll: LookupOptions<One, Found>['findAll'],
  waitingMax: number,
): Lane<One, Found | undefined, LaneError> =>
  createLookup({
    findAll,
    keyOf: ({ hash }) => hash,
    ownerOf: ({ network }) => network,
    waitingMax,
    waitingOfOneMax: waitingMax / 2,
    observe: () => undefined,
  });

/** Those hashes, for `= any(…)`. */
export const bytesOf = (asked: readonly Pick<Hashed, 'hash'>[]): string[] => asked.map((one) => `"\\\\x${one.hash}"`);

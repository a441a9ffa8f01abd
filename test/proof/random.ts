/** Chance that can be repeated: the same seed gives the same run, as far as the machine's own timing allows. */
import { count } from '../../scripts/command-line.ts';

export interface Random {
  /** From 0 up to 1. */
  readonly next: () => number;
  /** A whole number from `min` to `max`, both included. */
  readonly integer: (min: number, max: number) => number;
  readonly pick: <T>(from: readonly [T, ...T[]]) => T;
  readonly chance: (probability: number) => boolean;
  /** Another stream of the same seed, so that one client's draws do not depend on another's. */
  readonly fork: (stream: number) => Random;
}

/** Splitmix32: a whole 32-bit state, and good enough to choose moments by. */
export const createRandom = (seed: number): Random => {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x9e3779b9) | 0;
    let mixed = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1));
  return {
    next,
    integer,
    pick: (from) => from[integer(0, from.length - 1)] ?? from[0],
    chance: (probability) => next() < probability,
    fork: (stream) => createRandom(Math.imul(seed + 1, 0x85ebca6b) ^ Math.imul(stream + 1, 0xc2b2ae35)),
  };
};

/** The seed that was asked for, or one that is printed, so that the run can be repeated. */
export const seedOf = (given: string | undefined): number =>
  given === undefined ? Math.floor(Math.random() * 2 ** 31) : count('seed', given, 0);

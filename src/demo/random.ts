/** Chance that can be repeated: the same seed gives the same draws. */
import { createHash } from 'node:crypto';
import { uuidFrom, type Id, type MerchantId } from '../domain/ids.ts';
import type { Micros } from '../domain/time.ts';

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

export interface PastIds {
  /** An id of ours, as it would have been made then. */
  readonly at: <P extends string>(prefix: P, at: Micros) => Id<P>;
  /** An id of Stripe's, which says that it never was there. */
  readonly stripe: (prefix: string) => string;
}

/** Those of a merchant: another's are others, by the same seed too. */
export const createPastIds = (random: Random, merchant: MerchantId): PastIds => {
  const own = createHash('sha256').update(merchant).digest('hex').slice(0, 8);
  const salt = Number.parseInt(own, 16);
  let count = 0;
  const draw = (): number => Math.floor(random.next() * 2 ** 32);
  const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0');
  return {
    at: (prefix, at) => {
      const [first, second, third] = [draw(), draw(), draw()];
      const tail = `7${hex(first & 0xfff, 3)}8${hex(second >>> 4, 7)}${hex((third ^ salt) >>> 0, 8)}`;
      return `${prefix}_${uuidFrom(at).slice(0, 12)}${tail}` as Id<typeof prefix>;
    },
    stripe: (prefix) => `${prefix}_demo${own}${hex(++count, 8)}`,
  };
};

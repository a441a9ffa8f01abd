import { setImmediate as turnEnds } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import { createTurns } from '../../src/storage/turns.ts';

/** Who has begun, in order, and how to end the first of somebody's. */
const start = (places: number) => {
  const turns = createTurns(places);
  const begun: string[] = [];
  const ends = new Map<string, (() => void)[]>();
  return {
    begun,
    ask: (owner: string): Promise<void> =>
      turns(owner, () => {
        begun.push(owner);
        return new Promise<void>((end) => ends.set(owner, [...(ends.get(owner) ?? []), end]));
      }),
    end: async (owner: string): Promise<void> => {
      ends.get(owner)?.shift()?.();
      await turnEnds();
    },
    turns,
  };
};

it('one who asks for everything has a half, and another is served at once', () => {
  const { ask, begun } = start(4);
  for (let n = 0; n < 10; n++) void ask('greedy');
  void ask('other');
  expect(begun).toEqual(['greedy', 'greedy', 'other']);
});

it('gives those who wait their turns, whoever asked for more', async () => {
  const { ask, begun, end } = start(2);
  for (const owner of ['a', 'a', 'a', 'b', 'b', 'c']) void ask(owner);
  for (const owner of ['a', 'b', 'a', 'b', 'c']) await end(owner);
  expect(begun).toEqual(['a', 'b', 'a', 'b', 'c', 'a']);
});

it('a place is given back by what fails, and one alone is enough', async () => {
  const { turns } = start(1);
  await expect(turns('a', () => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
  expect(await turns('b', () => Promise.resolve('done'))).toBe('done');
});

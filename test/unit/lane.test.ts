import { describe, expect, it } from '@jest/globals';
import { ok, type Result } from 'neverthrow';
import type { PaymentError } from '../../src/error.ts';
import { createLane, type BatchStats } from '../../src/storage/lane.ts';

interface Item {
  readonly owner: string;
  readonly n: number;
  readonly weight: number;
}
const item = (owner: string, n: number, weight = 1): Item => ({ owner, n, weight });

/** A lane whose batches return when they are told to. */
const openLane = ({ batchMax = 4, waitingMax = 100 } = {}) => {
  const batches: Item[][] = [];
  const stats: BatchStats[] = [];
  let finish: (() => void) | undefined;
  const lane = createLane<Item, string, PaymentError>({
    run: async (items) => {
      batches.push([...items]);
      await new Promise<void>((resolve) => (finish = resolve));
      return items.map(({ owner, n }) => ok(`${owner}${n}`));
    },
    ownerOf: ({ owner }) => owner,
    weightOf: ({ weight }) => weight,
    batchMax,
    waitingMax,
    observe: (batch) => stats.push(batch),
  });
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  /** Lets the batch that is under way return, and the next leave at the end of the turn after it. */
  const next = async (): Promise<void> => {
    await turn();
    finish?.();
    await turn();
    await turn();
  };
  const names = (): string[][] => batches.map((batch) => batch.map(({ owner, n }) => `${owner}${n}`));
  return { lane, names, stats, next };
};

describe('a lane', () => {
  it('lets what arrives together leave together, and answers each with its own', async () => {
    const { lane, names, next } = openLane();
    const answers = Promise.all([1, 2, 3].map((n) => lane.send(item('a', n))));
    await next();
    expect((await answers).map((answer) => answer._unsafeUnwrap())).toEqual(['a1', 'a2', 'a3']);
    expect(names()).toEqual([['a1', 'a2', 'a3']]);
  });

  it('has one batch under way, and the next leaves with all who came meanwhile', async () => {
    const { lane, names, next, stats } = openLane();
    const sent = [lane.send(item('a', 1))];
    await new Promise((resolve) => setImmediate(resolve));
    sent.push(lane.send(item('a', 2)), lane.send(item('a', 3)));
    await new Promise((resolve) => setImmediate(resolve));
    expect(names()).toEqual([['a1']]);
    await next();
    expect(names()).toEqual([['a1'], ['a2', 'a3']]);
    await next();
    await Promise.all(sent);
    expect(stats.map(({ size }) => size)).toEqual([1, 2]);
  });

  it('takes owners in turn: who sends one waits for no one who sends a hundred', async () => {
    const { lane, names, next } = openLane();
    const sent = [...Array.from({ length: 8 }, (_, n) => item('much', n)), item('b', 0), item('c', 0)].map((one) =>
      lane.send(one),
    );
    for (let n = 0; n < 3; n++) await next();
    await Promise.all(sent);
    expect(names()[0]).toEqual(['much0', 'b0', 'c0', 'much1']);
    expect(
      names()
        .flat()
        .filter((name) => name.startsWith('much')),
    ).toEqual(Array.from({ length: 8 }, (_, n) => `much${n}`));
  });

  it('counts a bulk by its length, and lets one larger than a batch go alone', async () => {
    const { lane, names, next } = openLane({ batchMax: 10 });
    const sent = [item('a', 1, 6), item('b', 1, 6), item('c', 1, 100), item('d', 1)].map((one) => lane.send(one));
    for (let n = 0; n < 4; n++) await next();
    await Promise.all(sent);
    expect(names()).toEqual([['a1'], ['b1'], ['c1'], ['d1']]);
  });

  it('refuses who comes when too many wait, with when to come again, and does what it took', async () => {
    const { lane, next } = openLane({ waitingMax: 2 });
    const taken = [lane.send(item('a', 1)), lane.send(item('a', 2))];
    expect(lane.waiting()).toBe(2);
    expect((await lane.send(item('b', 1)))._unsafeUnwrapErr()).toMatchObject({
      code: 'overloaded',
      outcome: 'none',
      retryAfterS: 1,
    });
    await next();
    expect((await Promise.all(taken)).every((answer) => answer.isOk())).toBe(true);
    expect(lane.waiting()).toBe(0);
  });
});

describe('a batch that throws', () => {
  it('is answered as a fault whose outcome nobody knows, and the next one leaves as ever', async () => {
    let isBroken = true;
    const { send } = createLane<number, string, PaymentError>({
      run: (items): Promise<Result<string, never>[]> =>
        isBroken ? Promise.reject(new Error('of one request')) : Promise.resolve(items.map((n) => ok(String(n)))),
      ownerOf: () => 'anyone',
      weightOf: () => 1,
      batchMax: 4,
      waitingMax: 100,
      observe: () => undefined,
    });
    const both = await Promise.all([send(1), send(2)]);
    expect(both.map((result) => result._unsafeUnwrapErr())).toEqual(
      both.map(() => expect.objectContaining({ code: 'internal', outcome: 'unknown', cause: expect.any(Error) })),
    );
    isBroken = false;
    expect((await send(3))._unsafeUnwrap()).toBe('3');
  });
});

/**
 * A lane carries items in batches: one batch is under way, and the next leaves at the end of the turn of the loop in which
 * it is back, with whoever came meanwhile. No timer: under light load an item leaves at the end of its own turn, under
 * heavy load batches grow by themselves.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as turnEnds } from 'node:timers/promises';
import { err, ResultAsync, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';

/** Its own: a batch that threw, and no room. */
type LaneFailure = PaymentError<'internal' | 'overloaded'>;

export interface LaneOptions<Item, Answer, Failure> {
  /** Answers each item, in order. Where it rejects, all of them are answered with `internal`. */
  readonly run: (items: readonly Item[]) => Promise<readonly Result<Answer, Failure | LaneFailure>[]>;
  /** Whose item it is: owners take turns, so that one who sends much delays himself and not the others. */
  readonly ownerOf: (item: Item) => string;
  /** How much of a batch it takes: 1, or the length of a bulk request. */
  readonly weightOf: (item: Item) => number;
  readonly batchMax: number;
  /** Beyond this many waiting, an item is refused with `overloaded`. */
  readonly waitingMax: number;
  /** And of one owner beyond this many. */
  readonly waitingOfOneMax?: number;
  readonly observe: (batch: BatchStats) => void;
}

export interface BatchStats {
  readonly size: number;
  /** How long its first item waited for it to leave. */
  readonly waitMs: number;
  /** How long all its items waited for that, together. */
  readonly waitedMs: number;
  readonly durationMs: number;
}

export interface Lane<Item, Answer, Failure> {
  readonly send: (item: Item) => ResultAsync<Answer, Failure | LaneFailure>;
  readonly waiting: () => number;
}

interface Waiter<Item, Answer, Failure> {
  readonly item: Item;
  readonly since: number;
  readonly answer: (result: Result<Answer, Failure | LaneFailure>) => void;
}

export const createLane = <Item, Answer, Failure>(
  options: LaneOptions<Item, Answer, Failure>,
): Lane<Item, Answer, Failure> => {
  const { waitingOfOneMax = Infinity } = options;
  type Waiting = Waiter<Item, Answer, Failure>;
  const queues = new Map<string, Waiting[]>();
  let waiting = 0;
  let running = false;
  // A batch is the work of whoever made the lane, and not of the one of many who happened to come first.
  const forAll = AsyncLocalStorage.snapshot();

  /** One of each owner in turn, until the batch is full. Who has had a turn goes to the end. */
  const take = (): Waiting[] => {
    const batch: Waiting[] = [];
    let room = options.batchMax;
    for (;;) {
      const [first] = queues;
      const waiter = first?.[1][0];
      if (!first || !waiter) return batch;
      room -= options.weightOf(waiter.item);
      if (room < 0 && batch.length > 0) return batch;
      const [owner, queue] = first;
      batch.push(waiter);
      queue.shift();
      queues.delete(owner);
      if (queue.length > 0) queues.set(owner, queue);
    }
  };

  const answersTo = async (batch: readonly Waiting[]): Promise<readonly Result<Answer, Failure | LaneFailure>[]> => {
    try {
      return await options.run(batch.map(({ item }) => item));
    } catch (cause) {
      // Whether anything of it was done, nobody can say any more: whoever asks again under the same key will learn it.
      return batch.map(() => err(paymentError('internal', { cause, outcome: 'unknown' })));
    }
  };

  const run = async (): Promise<void> => {
    while (waiting > 0) {
      // Once the sockets that are readable in this turn of the loop have been read: what they bring leaves together.
      await turnEnds();
      const batch = take();
      waiting -= batch.length;
      const leftAt = performance.now();
      const results = await answersTo(batch);
      options.observe({
        size: batch.length,
        waitMs: leftAt - (batch[0]?.since ?? leftAt),
        waitedMs: batch.reduce((sum, { since }) => sum + leftAt - since, 0),
        durationMs: performance.now() - leftAt,
      });
      for (const [index, waiter] of batch.entries())
        waiter.answer(results[index] ?? err(paymentError('internal', { cause: new Error('a batch lost an answer') })));
    }
    running = false;
  };

  const send = (item: Item): ResultAsync<Answer, Failure | LaneFailure> =>
    new ResultAsync(
      new Promise((answer) => {
        const owner = options.ownerOf(item);
        const queue = queues.get(owner);
        if (waiting >= options.waitingMax || (queue?.length ?? 0) >= waitingOfOneMax) {
          answer(err(paymentError('overloaded', { retryAfterS: 1 })));
          return;
        }
        waiting++;
        const waiter = { item, since: performance.now(), answer };
        if (queue) queue.push(waiter);
        else queues.set(owner, [waiter]);
        if (running) return;
        running = true;
        void forAll(run);
      }),
    );

  return { send, waiting: () => waiting };
};

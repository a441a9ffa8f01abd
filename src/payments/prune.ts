/** The pruner: walks the tables that would grow for ever, a slice at a time, and has what is over deleted. */
import { setTimeout as pause } from 'node:timers/promises';
import type { Context } from '../context.ts';
import type { Pruner, Slice, Walked } from '../storage/prune.ts';
import { startRounds, type Rounds } from './rounds.ts';

/**
 * A slice of each table this often: 20 GB of each in a day, at a thousandth of a core. So late, on a large table, goes what
 * is over; nothing waits for it.
 */
const PRUNE_EVERY_MS = 2_000;
/** After a slice in which something was over, whose neighbours are as old: some 20,000 rows in a second. */
const PRUNE_ON_MS = 100;

/** One process of each instance does so, and any number of instances at once: what is deleted, another does not find. */
export const startPruner = (
  { clock, log, fault }: Pick<Context, 'clock' | 'log' | 'fault'>,
  pruner: Pruner,
  onPruned: (rows: Slice['rows']) => void,
): Rounds => {
  const nextPages = new Map<Walked, number>();
  let tables = pruner.tables;

  /** Answers whether something was over; undefined where it could not be done. */
  const step = (table: Walked): Promise<boolean | undefined> =>
    pruner.slice(table, nextPages.get(table), clock.now()).match(
      ({ rows, nextPage }) => {
        nextPages.set(table, nextPage);
        onPruned(rows);
        return Object.values(rows).some((count) => count > 0);
      },
      (error) => {
        // Elsewhere next time: pages that cannot be done do not hold up the rest of the table.
        nextPages.delete(table);
        log.warn({ code: error.code, err: error.cause, table }, 'old rows could not be deleted');
        return undefined;
      },
    );

  return startRounds(
    async () => {
      let isMore = false;
      for (const table of tables) {
        const isSome = await step(table);
        if (isSome === undefined) {
          // A stop waits for the round: a database that does not answer is waited for once in it, not for each table. And
          // a table that cannot be done is the last of the next round, so that it does not hold up the others.
          tables = [...tables.filter((other) => other !== table), table];
          return 'done';
        }
        isMore ||= isSome;
      }
      if (!isMore) return 'done';
      await pause(PRUNE_ON_MS);
      return 'more';
    },
    PRUNE_EVERY_MS,
    fault,
  );
};

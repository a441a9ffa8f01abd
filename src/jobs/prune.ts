/** The pruner: walks the tables that would grow for ever, a slice at a time, and has what is over deleted. */
import { setTimeout as pause } from 'node:timers/promises';
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import type { PaymentError } from '../error.ts';
import type { Pruner, Slice, Walked } from '../storage/prune.ts';
import type { Round } from './runner.ts';

/** After a slice in which something was over, whose neighbours are as old: some 20,000 rows in a second. */
const PRUNE_ON_MS = 100;

type Needs = Pick<Context, 'clock' | 'log'>;

/**
 * One process of each instance does so, and any number of instances at once: what is deleted, another does not find.
 * A round is a slice of each table.
 */
export const prune = (
  pruner: Pruner,
  onPruned: (rows: Slice['rows']) => void,
): ((ctx: Needs) => ResultAsync<Round, PaymentError>) => {
  const nextPages = new Map<Walked, number>();
  let tables = pruner.tables;

  /** Answers whether something was over. */
  const step = ({ clock, log }: Needs, table: Walked): ResultAsync<boolean, PaymentError> =>
    pruner
      .slice(table, nextPages.get(table), clock.now())
      .map(({ rows, nextPage }) => {
        nextPages.set(table, nextPage);
        onPruned(rows);
        return Object.values(rows).some((count) => count > 0);
      })
      .orTee(({ code, cause }) => {
        // Elsewhere next time: pages that cannot be done do not hold up the rest of the table.
        nextPages.delete(table);
        // A stop waits for the round: a database that does not answer is waited for once in it, not for each table. And a
        // table that cannot be done is the last of the next round, so that it does not hold up the others.
        tables = [...tables.filter((other) => other !== table), table];
        log.warn({ code, err: cause, table }, 'old rows could not be deleted');
      });

  const round = async (ctx: Needs): Promise<Result<Round, PaymentError>> => {
    let isMore = false;
    for (const table of tables) {
      const isSome = await step(ctx, table);
      if (isSome.isErr()) return err(isSome.error);
      isMore ||= isSome.value;
    }
    if (!isMore) return ok('done');
    await pause(PRUNE_ON_MS);
    return ok('more');
  };
  return (ctx) => new ResultAsync(round(ctx));
};

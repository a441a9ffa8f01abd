/** Adds the books up now and then, so that a ledger which made or lost money pages someone. */
import { okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { PaymentError } from '../error.ts';
import type { Unbalanced } from '../storage/proof.ts';
import type { Round } from './runner.ts';

export interface BooksNeeds {
  /** Errors: `database_unavailable`. */
  readonly findUnbalanced: () => ResultAsync<readonly Unbalanced[], PaymentError>;
  readonly onAddedUp: (isBalanced: boolean) => void;
}

/** It reads every account. The more there are the seldomer, so that it takes a hundredth of a core; but once in an hour. */
const REST = 100;
const REST_MS_MAX = 3_600_000;

export const addUpBooks = ({
  findUnbalanced,
  onAddedUp,
}: BooksNeeds): ((ctx: Pick<Context, 'log'>) => ResultAsync<Round, PaymentError>) => {
  let restUntil = 0;
  return ({ log }) => {
    const startedAt = performance.now();
    if (startedAt < restUntil) return okAsync('done');
    // Where it fails, however long that took, it is tried again with the next round.
    return findUnbalanced().map((unbalanced) => {
      const endedAt = performance.now();
      restUntil = endedAt + Math.min((endedAt - startedAt) * REST, REST_MS_MAX);
      onAddedUp(unbalanced.length === 0);
      for (const where of unbalanced) log.error(where, "a merchant's debits and credits differ");
      return 'done';
    });
  };
};

/** Customers who are to be forgotten are taken out of all that was written down of them. */
import { err, ok, okAsync, ResultAsync, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import type { PaymentError } from '../error.ts';
import type { Erasure, Erasures } from '../storage/erasures.ts';

type Needs = Pick<Context, 'vault' | 'clock' | 'log'>;

/** How far it has come. Who is killed begins again: each step finds done what was done. */
interface Walk {
  readonly of: readonly Erasure[];
  /** The table that is walked; before the first come the payments. */
  readonly table: number;
  readonly page: number;
}

/**
 * A round is one slice. First the payments, so that what is written down from then on says nothing of them; then what was
 * written down before; last what is saved at Stripe, which waits where Stripe is out of reach. Errors:
 * `database_unavailable`, `contention`, `provider_unavailable`.
 */
export const createEraser = (erasures: Erasures): ((ctx: Needs) => ResultAsync<'done' | 'more', PaymentError>) => {
  let walk: Walk | undefined;

  const round = async (ctx: Needs): Promise<Result<'done' | 'more', PaymentError>> => {
    if (!walk) {
      const open = await erasures.open(ctx.clock.now());
      if (open.isErr()) return err(open.error);
      if (open.value.length === 0) return ok('done');
      walk = { of: open.value, table: -1, page: 0 };
    }
    const { of, table, page } = walk;
    if (table < 0) {
      const isMore = await erasures.clearPayments(of);
      if (isMore.isErr()) return err(isMore.error);
      if (!isMore.value) walk = { of, table: 0, page: 0 };
      return ok('more');
    }
    const name = erasures.tables[table];
    if (name !== undefined) {
      const next = await erasures.clearPages(name, page, of);
      if (next.isErr()) return err(next.error);
      walk = next.value === undefined ? { of, table: table + 1, page: 0 } : { of, table, page: next.value };
      return ok('more');
    }
    const saved = await erasures.clearSaved(of);
    if (saved.isErr()) return err(saved.error);
    for (const { customer, stripeId, askedAt } of saved.value) {
      // Who was asked for by a process that did not live to hear the answer may be there.
      const known = stripeId === null ? ctx.vault.findCustomer(customer, askedAt) : okAsync(stripeId);
      const forgotten = await known.andThen((id) => (id === null ? okAsync(undefined) : ctx.vault.forget(id)));
      if (forgotten.isErr()) return err(forgotten.error);
    }
    walk = undefined;
    const finished = await erasures.finish(of, ctx.clock.now());
    if (finished.isErr()) return err(finished.error);
    ctx.log.info({ customers: of.map(({ customer }) => customer) }, 'customers were erased');
    return ok('more');
  };
  return (ctx) => new ResultAsync(round(ctx));
};

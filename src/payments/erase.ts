/** Customers who are to be forgotten are taken out of all that was written down of them. */
import { err, ok, okAsync, ResultAsync, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import type { CustomerId } from '../domain/ids.ts';
import type { StripeError } from '../domain/refusals.ts';
import type { PaymentError } from '../error.ts';
import type { Erasure, Erasures, Known } from '../storage/erasures.ts';

type Needs = Pick<Context, 'vault' | 'breaker' | 'clock' | 'log'>;

/** Who could not be forgotten at Stripe is looked for again after so long; until then others come before him. */
const AGAIN_MS = 600_000;

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
  /** By the machine's monotonic clock. */
  const postponed = new Map<CustomerId, number>();
  const isDue = (customer: CustomerId): boolean => (postponed.get(customer) ?? 0) <= performance.now();

  const round = async (ctx: Needs): Promise<Result<'done' | 'more', PaymentError>> => {
    if (!walk) {
      const later = [...postponed.keys()].filter((customer) => !isDue(customer));
      const open = await erasures.open(ctx.clock.now(), later);
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
    const isDown = saved.value.length > 0 ? ctx.breaker.refusal() : undefined;
    if (isDown) return err(isDown);
    walk = undefined;
    let failure: StripeError | undefined;
    for (const known of saved.value) {
      const forgotten = await forget(ctx, known);
      postponed.delete(known.customer);
      if (forgotten.isOk()) continue;
      failure = forgotten.error;
      postponed.set(known.customer, performance.now() + AGAIN_MS);
    }
    const done = of.filter(({ customer }) => isDue(customer));
    const finished = await erasures.finish(done, ctx.clock.now());
    if (finished.isErr()) return err(finished.error);
    if (done.length > 0) ctx.log.info({ customers: done.map(({ customer }) => customer) }, 'customers were erased');
    return failure ? err(failure) : ok('more');
  };
  return (ctx) => new ResultAsync(round(ctx));
};

/** Who was asked for by a process that did not live to hear the answer may be there. */
const forget = ({ vault, clock }: Needs, { customer, stripeId, askedAt }: Known): ResultAsync<void, StripeError> =>
  (stripeId === null ? vault.findCustomer(customer, askedAt, clock.now()) : okAsync(stripeId)).andThen((id) =>
    id === null ? okAsync(undefined) : vault.forget(id),
  );

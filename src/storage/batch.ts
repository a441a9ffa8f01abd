/**
 * The second half of a commit's SQL: what was decided is written, each table once, from arrays.
 */
import { sql, type RawBuilder } from 'kysely';
import type { Writes } from '../domain/state.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { insertAttempts, settleAttempts } from './tables/attempts.ts';
import type { Bulk } from './tables/bulk.ts';
import { named, writeContradictions } from './tables/contradictions.ts';
import { insertCustomers, insertItems } from './tables/customers.ts';
import { writeDisputes, writeSecondCharges } from './tables/disputes.ts';
import { hasDetails, insertDetailedTransfers, insertTransfers, updateAccounts } from './tables/ledger.ts';
import { insertPayments, updatePayments, updateWhatTheySay } from './tables/payments.ts';
import { held, writeRefunds } from './tables/refunds.ts';
import { answerClaims, insertClaims, insertEvents } from './tables/replies.ts';
import { insertHolders, reopenErasures, updateHolders, writeMethods, writeSetups } from './tables/saved.ts';
import { insertIntents, insertLines, writePayouts } from './tables/stripe.ts';
import type { Flight, Statement } from './transaction.ts';

/** A table that a batch may write. */
interface Part {
  readonly name: string;
  readonly text: Bulk<never>['text'];
  /** None, where there is nothing to write. */
  readonly values: (writes: Writes, now: Micros) => readonly string[] | undefined;
}

const part = <Source>(
  { name, text, values }: Bulk<Source>,
  rowsOf: (writes: Writes, now: Micros) => readonly Source[],
): Part => ({
  name,
  text,
  values: (writes, now) => {
    const rows = rowsOf(writes, now);
    return rows.length === 0 ? undefined : values(rows, toIsoMicros(now));
  },
});

const PARTS: readonly Part[] = [
  part(insertCustomers, ({ customers }) => customers),
  part(insertHolders, ({ newHolders, holders }) => [...newHolders].flatMap((customer) => holders.get(customer) ?? [])),
  part(updateHolders, ({ newHolders, holders }) =>
    [...holders.values()].filter(({ customer }) => !newHolders.has(customer)),
  ),
  part(reopenErasures, ({ newHolders, holders }) =>
    [...holders.values()].filter(({ customer, stripeId }) => stripeId !== null && !newHolders.has(customer)),
  ),
  part(writeMethods, ({ methods }) => [...methods.values()]),
  part(writeSetups, ({ setups }) => [...setups.values()]),
  part(insertItems, ({ items }) => items),
  part(insertPayments, ({ newPayments }) => newPayments),
  part(updatePayments, ({ payments, updated }) => (updated.size === 0 ? [...payments.values()] : [])),
  part(updateWhatTheySay, ({ payments, updated }) => (updated.size === 0 ? [] : [...payments.values()])),
  part(insertAttempts, ({ attempts }) => attempts),
  part(settleAttempts, ({ settled }) => settled),
  part(writeRefunds, ({ refunds, transfers }, now) =>
    refunds.size === 0 ? [] : held(refunds.values(), transfers, now),
  ),
  part(writeDisputes, ({ disputes }) => [...disputes.values()]),
  part(writeSecondCharges, ({ seconds }) => [...seconds.values()]),
  part(insertIntents, ({ intents }) => intents),
  part(writeContradictions, ({ contradictions }) => named(contradictions)),
  part(updateAccounts, ({ accounts }) => [...accounts.values()]),
  part(insertTransfers, ({ transfers }) => (transfers.some(hasDetails) ? [] : transfers)),
  part(insertDetailedTransfers, ({ transfers }) => (transfers.some(hasDetails) ? transfers : [])),
  part(insertLines, ({ balance }) => [...balance.values()]),
  part(writePayouts, ({ payouts }) => [...payouts.values()]),
  // Sorted, since a key that another process is inserting is waited for.
  part(insertClaims, ({ claims }) => claims.toSorted((a, b) => (a.claim.id < b.claim.id ? -1 : 1))),
  part(answerClaims, ({ answers }) => answers.toSorted((a, b) => (a.claim < b.claim ? -1 : 1))),
  part(insertEvents, ({ events }) => events),
];

/** As many as there are kinds of batches, of which a few are most; beyond this many, one is made each time. */
const TEXTS_MAX = 500;
/** Whole statements, by the numbers of their parts. */
const texts = new Map<string, string>();

/**
 * Writes what was decided, and `id`, which names the batch: it can be committed once. It is one statement, so that
 * there is no part of it that COMMIT, which leaves with it, could find done. All of it sees the rows as they were
 * before: a row that one part inserts, another cannot update.
 */
export const writeState = (id: string, writes: Writes, now: Micros): Statement => {
  const parameters = [id];
  const parts: { readonly number: number; readonly firstParameter: number }[] = [];
  for (const [number, { values }] of PARTS.entries()) {
    const own = values(writes, now);
    if (own === undefined) continue;
    parts.push({ number, firstParameter: parameters.length + 1 });
    parameters.push(...own);
  }
  const kind = parts.map(({ number }) => number).join();
  let text = texts.get(kind);
  if (text === undefined) {
    const named = parts.flatMap(({ number, firstParameter }) => {
      const one = PARTS[number];
      return one ? [`${one.name} as (${one.text(firstParameter)})`] : [];
    });
    text = `${named.length === 0 ? '' : `with ${named.join(', ')} `}insert into batches (id) values ($1::uuid)`;
    if (texts.size < TEXTS_MAX) texts.set(kind, text);
  }
  return { sql: text, parameters };
};

/**
 * Settles whether the batch of that id was committed: once this is committed itself, the answer stands for ever. It waits
 * for a transaction that is still about to commit the batch; where none has, it takes the batch's place by a fence, so
 * that none can any more. It always writes, so that it is waited for as every commit is: what it found is then as durable.
 */
export const fenceBatch = async (flight: Flight, id: string): Promise<'stands' | 'fenced'> => {
  const [row] = await flight(fenceOf(id));
  return row?.is_fence === false ? 'stands' : 'fenced';
};

export const fenceOf = (id: string): RawBuilder<{ readonly is_fence: boolean }> => sql`
  insert into batches (id, is_fence) values (${id}::uuid, true)
  on conflict (id) do update set created_at = excluded.created_at returning is_fence`;

/** Which PaymentIntents are known, and how far Stripe's list of them has been read. */
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import type { PaymentError } from '../error.ts';
import { texts } from './arrays.ts';
import { run } from './failure.ts';
import type { DB } from './schema.ts';
import { createWindows, type Windows } from './windows.ts';

/** Errors of all: `database_unavailable`. */
export interface Intents {
  /** What is to be read of Stripe's list of them. */
  readonly windows: Windows;
  /** Those of them that are of no payment here. */
  readonly unknown: (intents: readonly string[]) => ResultAsync<ReadonlySet<string>, PaymentError>;
}

/** What a failover has lost is of the last seconds before it; who stood still for longer has read nothing meanwhile. */
const READ_BACK_MS = 3 * 24 * 3600 * 1000;

export const createIntents = (db: Kysely<DB>): Intents => {
  const unknown = async (intents: readonly string[]): Promise<ReadonlySet<string>> => {
    if (intents.length === 0) return new Set();
    const { rows } = await sql<{ id: string }>`
      select w.id from unnest(${texts(intents)}::text[]) w (id)
      where not exists (select from intents i where i.id = w.id)`.execute(db);
    return new Set(rows.map(({ id }) => id));
  };
  return {
    windows: createWindows(db, 'intent_windows', READ_BACK_MS),
    unknown: (intents) => run(unknown(intents)),
  };
};

/** The columns of a table, by name, as a statement lists them. */
import { sql, type RawBuilder } from 'kysely';
import { COLUMNS, type DB } from './schema.ts';

const made = new Map<string, RawBuilder<unknown>>();

/** `a.merchant_id, a.id, …` of a table under an alias. */
export const columnsOf = (table: keyof DB, alias: string): RawBuilder<unknown> => {
  const key = `${alias}.${table}`;
  const known = made.get(key);
  if (known) return known;
  const list = sql.raw(COLUMNS[table].map((column) => `${alias}.${column}`).join(', '));
  made.set(key, list);
  return list;
};

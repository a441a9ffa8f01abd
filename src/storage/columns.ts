/** The columns of a table, by name. No statement asks for all that there is: one that a newer version adds would change it. */
import { sql, type RawBuilder } from 'kysely';
import { COLUMN_NAMES } from './column-names.ts';
import type { DB } from './schema.ts';

type Columns = { readonly [T in keyof DB]: readonly (keyof DB[T] & string)[] };

const split = Object.entries(COLUMN_NAMES).map(([table, names]) => [table, names.split(' ')]);
export const COLUMNS: Columns = Object.fromEntries(split) as Columns;

/** `a.merchant_id, a.id, …` of a table under an alias. */
export const columnList = (table: keyof DB, alias: string): string =>
  COLUMNS[table].map((column) => `${alias}.${column}`).join(', ');

const made = new Map<string, RawBuilder<unknown>>();

/** The same, within a statement. */
export const columnsOf = (table: keyof DB, alias: string): RawBuilder<unknown> => {
  const key = `${alias}.${table}`;
  const known = made.get(key);
  if (known) return known;
  const list = sql.raw(columnList(table, alias));
  made.set(key, list);
  return list;
};

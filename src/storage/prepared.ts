/** Statements with their names: Postgres plans a named one once for each connection. */
import { createHash } from 'node:crypto';
import type pg from 'pg';

/** Texts are few, since lists are passed as arrays; beyond this many, one is simply not prepared. */
const NAMED_MAX = 500;
/** What a caller may narrow in many ways has many texts: those of one table leave the names to others. */
const OF_TABLE_MAX = 100;
const names = new Map<string, string>();
const named = new Map<string, number>();

/**
 * A name that follows from the text alone, so that behind a pooler that shares connections it is the same statement for
 * everybody. What it does stands in front, for who reads `pg_stat_activity` or `pg_prepared_statements`.
 */
export const statementNameOf = (text: string): string => {
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 16);
  return `${actOf(text)}_${hash}`;
};

/** `select_payments`. Postgres cuts names at 63 bytes. */
const actOf = (text: string): string => {
  const verb = /\b(insert|update|delete|select)\b/i.exec(text)?.[1]?.toLowerCase() ?? 'run';
  const table = /\b(?:insert into|update|delete from|from)\s+"?(\w+)/i.exec(text)?.[1] ?? '';
  return [verb, table.slice(0, 30)].filter(Boolean).join('_');
};

/** `isPrepared`: off where a pooler hands each transaction to another connection, which does not know the name. */
export const statement = (text: string, values: readonly unknown[], isPrepared: boolean): pg.QueryConfig => {
  if (values.length === 0) return { text };
  const parameters = [...values];
  const name = isPrepared ? (names.get(text) ?? newNameOf(text)) : undefined;
  return name === undefined ? { text, values: parameters } : { name, text, values: parameters };
};

const newNameOf = (text: string): string | undefined => {
  if (names.size >= NAMED_MAX) return undefined;
  const act = actOf(text);
  const others = named.get(act) ?? 0;
  if (others >= OF_TABLE_MAX) return undefined;
  named.set(act, others + 1);
  const name = statementNameOf(text);
  names.set(text, name);
  return name;
};

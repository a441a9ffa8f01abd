/**
 * Statements that write many rows of a table at once, each column from an array. Their columns, their arrays and the values
 * in them come from one description, in one order. `batch.ts` takes the rows from `Writes`, which is what `decide` has answered.
 */
import { CompiledQuery, type Kysely, type QueryResult } from 'kysely';
import { toIsoMicros, type Micros } from '../../domain/time.ts';
import type { DB } from '../schema.ts';
import type { Column, Table } from './table.ts';

export interface Bulk<Source> {
  /** `insert_payments` */
  readonly name: string;
  /** SQL, whose parameters are numbered from that one on. */
  readonly text: (firstParameter: number) => string;
  /** For those parameters, in their order. */
  readonly values: (rows: readonly Source[], nowIso: string) => string[];
}

interface InsertOptions {
  /** Columns that are not written, and have their defaults. */
  readonly without?: readonly string[];
  /** What follows `on conflict`; `excluded` is what was to be written, and the row that is there has its table's name. */
  readonly onConflict?: string;
  /** Also what is else written later. */
  readonly isWhole?: boolean;
}

export const insert = <T extends keyof DB, Source>(
  { name, columns }: Table<T, unknown, Source>,
  { without = [], onConflict, isWhole = false }: InsertOptions = {},
): Bulk<Source> => {
  const when = ['key', 'once', 'changing', ...(isWhole ? ['later'] : [])];
  const own = columns.filter((column) => when.includes(column.written) && !without.includes(column.name));
  return bulk(
    `insert_${name}`,
    own,
    ({ from, value }) => `
      insert into ${name} (${own.map((column) => column.name).join(', ')})
      select ${own.map(value).join(', ')} ${from}
      ${onConflict === undefined ? '' : `on conflict ${onConflict}`}`,
  );
};

/** For `onConflict`: what changes is written over what was there. */
export const overwrite = ({ columns }: { readonly columns: readonly Column<never>[] }): string => {
  const keys = columns.filter(({ written }) => written === 'key').map(({ name }) => name);
  const changing = columns.filter(({ written }) => written === 'changing').map(({ name }) => name);
  return `(${keys.join(', ')}) do update set ${changing.map((name) => `${name} = excluded.${name}`).join(', ')}`;
};

interface UpdateOptions {
  /** Columns that stay as they are. */
  readonly without?: readonly string[];
  /** A condition beside the key; the row that is there has its table's name. */
  readonly where?: string;
}

export const update = <T extends keyof DB, Source>(
  { name, columns }: Table<T, unknown, Source>,
  { without = [], where }: UpdateOptions = {},
): Bulk<Source> => {
  const keys = columns.filter(({ written }) => written === 'key');
  const set = columns.filter(
    (column) => ['later', 'changing'].includes(column.written) && !without.includes(column.name),
  );
  const conditions = keys.map((key) => `${name}.${key.name} = w.${key.name}`);
  return bulk(
    `update_${name}`,
    [...keys, ...set],
    ({ from, value }) => `
      update ${name} set ${set.map((column) => `${column.name} = ${value(column)}`).join(', ')} ${from}
      where ${[...conditions, ...(where === undefined ? [] : [where])].join(' and ')}`,
  );
};

interface Parts<Source> {
  /** `from unnest(…) w (…)` */
  readonly from: string;
  /** What is written to a column. */
  readonly value: (column: Column<Source>) => string;
}

const bulk = <Source>(
  name: string,
  columns: readonly Column<Source>[],
  textOf: (parts: Parts<Source>) => string,
): Bulk<Source> => {
  const arrays = columns.flatMap(({ name: column, value }) => ('element' in value ? [{ column, ...value }] : []));
  const isStamped = columns.some(({ value }) => 'stamp' in value);
  return {
    name,
    text: (firstParameter) => {
      const sent = arrays.map(({ type }, at) => `$${firstParameter + at}::${type}[]`);
      const now = `$${firstParameter + arrays.length}::timestamptz`;
      const text = textOf({
        from: `from unnest(${sent.join(', ')}) w (${arrays.map(({ column }) => column).join(', ')})`,
        value: ({ name: column, value }) => {
          if ('constant' in value) return value.constant;
          if ('stamp' in value) return now;
          return value.cast === undefined ? `w.${column}` : `w.${column}::${value.cast}`;
        },
      });
      return text.replace(/\s+/g, ' ').trim();
    },
    values: (rows, nowIso) => {
      const values = arrays.map(({ element }) => `{${rows.map(element).join()}}`);
      if (isStamped) values.push(nowIso);
      return values;
    },
  };
};

/** By itself, where it is no part of a commit. */
export const execute = <Source>(
  db: Kysely<DB>,
  { text, values }: Bulk<Source>,
  rows: readonly Source[],
  now: Micros,
): Promise<QueryResult<unknown>> => db.executeQuery(CompiledQuery.raw(text(1), values(rows, toIsoMicros(now))));

interface Filled {
  readonly name: string;
  readonly text: Bulk<never>['text'];
  readonly values: readonly string[];
}

/** With those rows: none, where there are none. */
export const filled = <Source>({ name, text, values }: Bulk<Source>, rows: readonly Source[]): Filled[] =>
  rows.length === 0 ? [] : [{ name, text, values: values(rows, '') }];

/** Several in one statement, which leaves all of them or none. */
export const executeAll = async (db: Kysely<DB>, parts: readonly Filled[]): Promise<void> => {
  if (parts.length === 0) return;
  const parameters: string[] = [];
  const named = parts.map(({ name, text, values }) => {
    const firstParameter = parameters.length + 1;
    parameters.push(...values);
    return `${name} as (${text(firstParameter)})`;
  });
  await db.executeQuery(CompiledQuery.raw(`with ${named.join(', ')} select`, parameters));
};

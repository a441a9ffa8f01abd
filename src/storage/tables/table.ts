/**
 * A table, described once: where each field of what is kept there stands, how it is read and written, and when. From that
 * follow how a row is read (`read`), and the statements that write many (`bulk.ts`).
 *
 * A column is named after its field, as `capture_method` after `captureMethod`, or `customer_id` after `customer`: no two
 * of them can be mistaken for each other. Only a field after which no column is named says where it stands, and that is no
 * column of another. Columns beside the fields are held to their types alone: of one type, two of them may be swapped.
 */
import type { Selectable } from 'kysely';
import { instant, type Codec } from './codec.ts';
import { COLUMNS } from '../columns.ts';
import type { DB } from '../schema.ts';

export type Row<T extends keyof DB> = Selectable<DB[T]>;

/** When a column is written: it is part of the key; as its row is made; after that; at both; or by other statements. */
type Written = 'key' | 'once' | 'later' | 'changing' | 'elsewhere';

/** A field, as it stands in one column. */
interface Field<Value, Stored, As, Source> {
  readonly written: Written;
  readonly codec: Codec<Value, Stored>;
  readonly as: As;
  /** What is written, where it is not the field itself. */
  readonly of: ((source: Source) => Value) | undefined;
}

/** An instant that is the batch's own. */
interface Stamp {
  readonly written: Written;
  readonly stamp: 'now';
}

/** A field that follows from several columns, and is written to none by its name. */
interface Following<R, Value> {
  readonly follows: (row: R) => Value;
}

/** A column that is written, and is no field. */
interface Beside<Stored, Source> {
  readonly written: Written;
  readonly value: Column<Source>['value'];
  /** For the compiler alone, and never set: what stands there. */
  readonly stands?: Stored;
}

type Snake<S extends string> = S extends `${infer Head}${infer Tail}`
  ? Tail extends Uncapitalize<Tail>
    ? `${Lowercase<Head>}${Snake<Tail>}`
    : `${Lowercase<Head>}_${Snake<Tail>}`
  : S;

/** The column that is named after a field, where there is one. */
type Own<T extends keyof DB, F extends string> = Extract<
  Snake<F> extends keyof Row<T> ? Snake<F> : `${Snake<F>}_id`,
  keyof Row<T>
>;

/** The columns that are named after none. */
type Free<T extends keyof DB, Kept> = Exclude<keyof Row<T>, Own<T, keyof Kept & string>>;

type Fields<T extends keyof DB, Kept, Source> = {
  readonly [F in keyof Kept & string]-?:
    | Following<Row<T>, Kept[F]>
    | ([Own<T, F>] extends [never]
        ? { [N in Free<T, Kept>]: Field<Kept[F], Row<T>[N], N, Source> }[Free<T, Kept>]
        : Field<Kept[F], Row<T>[Own<T, F>], undefined, Source> | Stamp);
};

/** Columns that are written, and are no fields. */
export type Besides<T extends keyof DB, Source> = { readonly [N in keyof Row<T>]?: Beside<Row<T>[N], Source> | Stamp };

/** A column, as it is written. */
export interface Column<Source> {
  readonly name: string;
  readonly written: Written;
  readonly value:
    | {
        readonly type: string;
        readonly cast: string | undefined;
        /** As an element of an array. */
        readonly element: (source: Source) => string;
      }
    /** The same in all rows. */
    | { readonly stamp: 'now' }
    | { readonly constant: string };
}

/** `Kept` is what a row is read as, `Source` what it is written from. */
export interface Table<T extends keyof DB, Kept, Source = Kept> {
  readonly name: T;
  readonly columns: readonly Column<Source>[];
  readonly read: (row: Row<T>) => Kept;
}

export const table = <T extends keyof DB, Kept, Source extends Kept = Kept>(
  name: T,
  fields: Fields<T, Kept, Source>,
  beside: Besides<T, Source> = {},
): Table<T, Kept, Source> => {
  // What each is of was compared by the compiler, field by field; here all of them are treated alike.
  const named = Object.entries(fields) as [
    keyof Source,
    Field<unknown, unknown, string | undefined, Source> | Stamp | Following<Row<T>, unknown>,
  ][];
  const columns: Column<Source>[] = [];
  const readers: { readonly field: string; readonly column: string; readonly read: (stored: unknown) => unknown }[] =
    [];
  for (const [key, field] of named) {
    const own = String(key);
    if ('follows' in field) {
      readers.push({ field: own, column: '', read: field.follows as (row: unknown) => unknown });
      continue;
    }
    const column = ('as' in field ? field.as : undefined) ?? columnOf(name, own);
    if ('stamp' in field) {
      columns.push({ name: column, written: field.written, value: { stamp: field.stamp } });
      readers.push({ field: own, column, read: instant.read as (stored: unknown) => unknown });
      continue;
    }
    const { written, codec, of } = field;
    const { type, cast, write, read } = codec;
    const element = of ? (source: Source) => write(of(source)) : (source: Source) => write(source[key]);
    columns.push({ name: column, written, value: { type, cast, element } });
    readers.push({ field: own, column, read });
  }
  for (const [column, one] of Object.entries(beside) as [string, Beside<unknown, Source> | Stamp][])
    columns.push({ name: column, written: one.written, value: 'stamp' in one ? { stamp: one.stamp } : one.value });

  // Copied for each row: an object that has all its fields at once is made in half the time.
  const blank = Object.fromEntries(readers.map(({ field }) => [field, null])) as Record<string, unknown>;
  return {
    name,
    columns,
    read: (row) => {
      const stored = row as Readonly<Record<string, unknown>>;
      const kept = { ...blank };
      for (const { field, column, read } of readers) kept[field] = read(column === '' ? row : stored[column]);
      return kept as Kept;
    },
  };
};

/** As `Own` has it. */
const columnOf = (table: keyof DB, field: string): string => {
  const snake = field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return COLUMNS[table].some((column) => column === snake) ? snake : `${snake}_id`;
};

/** `as`: the column, where it is not named after the field. `of`: what is written, where it is not the field itself. */
interface Options<As, Value, Source> {
  readonly as?: As;
  readonly of?: (source: Source) => Value;
}

const written =
  (when: Written) =>
  <Value, Stored, Source, const As extends string | undefined = undefined>(
    codec: Codec<Value, Stored>,
    { as, of }: Options<As, Value, Source> = {},
  ): Field<Value, Stored, As, Source> => ({ written: when, codec, as: as as As, of });

/** Together they name a row. */
export const key: ReturnType<typeof written> = written('key');
/** Written as the row is made, and never again. */
export const once: ReturnType<typeof written> = written('once');
/** As the row is made, it has the default that the database gives it. */
export const later: ReturnType<typeof written> = written('later');
export const changing: ReturnType<typeof written> = written('changing');
/** Written by a statement of its own, or by other versions. */
export const elsewhere: ReturnType<typeof written> = written('elsewhere');

/** The time of the batch. */
export const stamped = (when: 'once' | 'changing'): Stamp => ({ written: when, stamp: 'now' });

/** It follows from the row. */
export const follows = <R, Value>(from: (row: R) => Value): Following<R, Value> => ({ follows: from });

/** A column that is no field: what is written there. */
export const beside = <Value, Stored, Source>(
  when: Written,
  { type, cast, write }: Codec<Value, Stored>,
  of: (source: Source) => Value,
): Beside<Stored, Source> => ({ written: when, value: { type, cast, element: (source) => write(of(source)) } });

/** A column that is the same in all rows: SQL. */
export const constant = (when: Written, sql: string): Beside<never, unknown> => ({
  written: when,
  value: { constant: sql },
});

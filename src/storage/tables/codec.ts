/**
 * How a value stands in the database: of what type, as an element of an array that is sent there, and as it is read.
 */
import { idOf, uuidOf, type Id } from '../../domain/ids.ts';
import { toIsoMicros, type Micros } from '../../domain/time.ts';
import { jsonElement, textElement } from '../arrays.ts';

export interface Codec<Value, Stored> {
  /** Of the element, in an array that is sent. */
  readonly type: string;
  /** What such an element is made into, where that is another type. */
  readonly cast?: string;
  readonly write: (value: Value) => string;
  readonly read: (stored: Stored) => Value;
}

/** What a constraint guarantees of a text is not checked again. */
export const text = <Value extends string>(): Codec<Value, string> => ({
  type: 'text',
  write: textElement,
  read: (stored) => stored as Value,
});

export const id = <Prefix extends string>(prefix: Prefix): Codec<Id<Prefix>, string> => ({
  type: 'uuid',
  write: uuidOf,
  read: (stored) => idOf(prefix, stored),
});

/** A UUID that is no id of ours. */
export const uuid = <Value extends string>(): Codec<Value, string> => ({
  type: 'uuid',
  write: (value) => value,
  read: (stored) => stored.replaceAll('-', '') as Value,
});

const number = <Value extends number>(type: string): Codec<Value, number> => ({
  type,
  write: String,
  read: (stored) => stored as Value,
});
export const int: Codec<number, number> = number('int');
export const smallint = <Value extends number>(): Codec<Value, number> => number('smallint');

export const bigint: Codec<bigint, bigint> = { type: 'bigint', write: String, read: (stored) => stored };
/** A decimal, as its text. */
export const numeric: Codec<string, string> = { type: 'numeric', write: (value) => value, read: (stored) => stored };
export const boolean: Codec<boolean, boolean> = { type: 'boolean', write: String, read: (stored) => stored };
export const date: Codec<string, string> = { type: 'date', write: (value) => value, read: (stored) => stored };

export const instant: Codec<Micros, bigint> = {
  type: 'timestamptz',
  write: toIsoMicros,
  read: (stored) => stored as Micros,
};

/** An object. */
export const json = <Value>(): Codec<Value, unknown> => ({
  type: 'jsonb',
  write: (value) => jsonElement(JSON.stringify(value)),
  read: (stored) => stored as Value,
});

/** JSON that was written before, in a column of that type. */
export const written = (type: 'json' | 'text'): Codec<string, string> => ({
  type,
  write: jsonElement,
  read: (stored) => stored,
});

/** An array in each row: an array of arrays would be opened up to its innermost values, so that each is sent as a text. */
export const textsInText: Codec<readonly string[], readonly string[]> = {
  type: 'text',
  cast: 'text[]',
  write: (values) => textElement(`{${values.map(textElement).join()}}`),
  read: (stored) => stored,
};

export const orNull = <Value, Stored>(codec: Codec<Value, Stored>): Codec<Value | null, Stored | null> => ({
  ...codec,
  write: (value) => (value === null ? 'NULL' : codec.write(value)),
  read: (stored) => (stored === null ? null : codec.read(stored)),
});

/** Null in the database. */
export const optional = <Value, Stored>(codec: Codec<Value, Stored>): Codec<Value | undefined, Stored | null> => ({
  ...codec,
  write: (value) => (value === undefined ? 'NULL' : codec.write(value)),
  read: (stored) => (stored === null ? undefined : codec.read(stored)),
});

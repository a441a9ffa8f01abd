/**
 * Arrays for Postgres, as it writes them: `{a,b,NULL}`. pg would make them too, value by value through its general
 * converter; a batch has thousands of values, and this takes a third of the time.
 */

/** Of what needs no quotes: UUIDs, numbers, booleans, instants. */
export const plain = (values: readonly (string | number | bigint | boolean | null)[]): string =>
  `{${values.map((value) => value ?? 'NULL').join()}}`;

/** Of any text. */
export const texts = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'NULL' : textElement(value))).join()}}`;

const SPECIAL = /["\\]/;
/** Most texts hold neither, and to look takes a fifth of what a replacement of nothing does. */
export const textElement = (text: string): string =>
  SPECIAL.test(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : `"${text}"`;

/** Of JSON. */
export const jsons = (values: readonly (string | null)[]): string =>
  `{${values.map((value) => (value === null ? 'NULL' : jsonElement(value))).join()}}`;

/**
 * JSON holds no control characters: quoted as JSON quotes a text it is as Postgres quotes one, in a tenth of the time for a
 * text that is full of quotes.
 */
export const jsonElement = (json: string): string => JSON.stringify(json);

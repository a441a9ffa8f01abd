/** What the sandbox has answered, kept in a file, so that whoever drives it can hold every reply to Stripe's OpenAPI. */
import { appendFileSync } from 'node:fs';

/** One line of the file. */
export interface RecordedReply {
  readonly method: string;
  /** As it was called, without its query. */
  readonly path: string;
  readonly status: number;
  readonly body: unknown;
}

export type Recorder = (method: string, path: string, status: number, body: string) => void;

/** Appends a reply to the file, one JSON object a line, the first time that a route gives one of its shape. */
export const createRecorder = (file: string): Recorder => {
  const known = new Set<string>();
  return (method, path, status, text) => {
    const body: unknown = JSON.parse(text);
    const shape = `${method} ${path.replace(ID, ':id')} ${status} ${[...new Set(shapesOf(body, ''))].sort().join()}`;
    if (known.has(shape)) return;
    known.add(shape);
    appendFileSync(file, `${JSON.stringify({ method, path, status, body } satisfies RecordedReply)}\n`);
  };
};

const ID = /(?<=\/)[a-z]+_\w*[A-Z0-9]\w*/g;
/** A value of one of Stripe's lists of values, which belongs to a shape. */
const WORD = /^[a-z][a-z_]{0,40}$/;

/** Each field with the type that it has, and its value where that is a word. */
const shapesOf = (value: unknown, path: string): string[] => {
  if (Array.isArray(value)) return value.flatMap((one) => shapesOf(one, `${path}[]`));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => shapesOf(inner, `${path}.${key}`));
  }
  const isWord = typeof value === 'string' && WORD.test(value);
  return [`${path}:${value === null ? 'null' : isWord ? value : typeof value}`];
};

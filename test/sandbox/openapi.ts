/** Stripe's own OpenAPI, found in the module of stripe-mock where `go install` has put it. */
import { readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { RecordedReply } from '../../src/sandbox/record.ts';

/** Names the file in which the sandboxes of a test run keep what they answer. */
export const REPLIES = 'SANDBOX_REPLIES';

export interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly nullable?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly additionalProperties?: boolean | Schema;
}

export type Spec = Readonly<Record<string, Schema>>;

/** What may be asked of a path by a method. */
export interface Operation {
  readonly parameters?: readonly { readonly in: string; readonly name: string; readonly schema: Schema }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

export interface OpenApi {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Spec };
}

/** All of it; undefined where stripe-mock is not installed. */
export const openApi = (): OpenApi | undefined => {
  const folder = join(process.env['GOPATH'] ?? join(homedir(), 'go'), 'pkg/mod/github.com/stripe');
  try {
    const newest = readdirSync(folder)
      .filter((name) => name.startsWith('stripe-mock@'))
      .sort()
      .at(-1);
    if (newest === undefined) return undefined;
    return JSON.parse(readFileSync(join(folder, newest, 'embedded/openapi/spec3.json'), 'utf8')) as OpenApi;
  } catch {
    return undefined;
  }
};

/** The schemas of Stripe's objects; undefined where stripe-mock is not installed. */
export const specFile = (): Spec | undefined => openApi()?.components.schemas;

/** What the sandbox takes from a version newer than the spec's, whose lists of values have grown since. */
const NEWER: ReadonlySet<string> = new Set<string>([]);

/** What in a file of replies is not as Stripe's OpenAPI has it, each said once, with the first route that gave it. */
export const violationsIn = (spec: Spec, file: string): string[] => {
  const said = new Map<string, string>();
  for (const line of readFileSync(file, 'utf8').trimEnd().split('\n')) {
    const { method, path, status, body } = JSON.parse(line) as RecordedReply;
    for (const violation of schemaViolations(spec, body)) {
      if (!said.has(violation)) said.set(violation, `${method} ${path} answered ${status}: ${violation}`);
    }
  }
  return [...said.values()];
};

/** Where a reply is not as its object's schema has it: types, required fields, lists of values; of lists, each of them. */
export const schemaViolations = (spec: Spec, reply: unknown): string[] => {
  if (typeof reply !== 'object' || reply === null) return [];
  if ('error' in reply) return violationsOf(spec, { $ref: 'error' }, reply, 'error');
  const { object, data } = reply as { object?: string; data?: unknown };
  if ((object === 'list' || object === 'search_result') && Array.isArray(data)) {
    return data.flatMap((one) => schemaViolations(spec, one));
  }
  if (object === 'event') {
    const told = (data as { object?: unknown } | undefined)?.object;
    return [...violationsOf(spec, { $ref: 'event' }, reply, 'event'), ...schemaViolations(spec, told)];
  }
  const name = (reply as { deleted?: boolean }).deleted === true ? `deleted_${object ?? ''}` : (object ?? '');
  const schema = spec[name];
  return schema === undefined ? [`${name}: no such schema`] : violationsOf(spec, schema, reply, name);
};

const violationsOf = (spec: Spec, schema: Schema, value: unknown, path: string): string[] => {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.split('/').at(-1) ?? '';
    const target = spec[name];
    return target === undefined ? [] : violationsOf(spec, target, value, path);
  }
  if (value === null) return schema.nullable === true ? [] : [`${path}: null`];
  if (schema.anyOf !== undefined) {
    const tried = schema.anyOf.map((one) => violationsOf(spec, one, value, path));
    return tried.find(({ length }) => length === 0) ?? tried.toSorted((a, b) => a.length - b.length)[0] ?? [];
  }
  if (schema.enum !== undefined && !schema.enum.includes(value) && !NEWER.has(path)) {
    return [`${path}: ${JSON.stringify(value)} is not one of its values`];
  }
  const { type } = schema;
  if (type === 'object') return objectViolations(spec, schema, value, path);
  if (type === 'array') {
    return Array.isArray(value)
      ? value.flatMap((one, place) => violationsOf(spec, schema.items ?? {}, one, `${path}[${place}]`))
      : [`${path}: no array`];
  }
  if (type === 'integer') return Number.isInteger(value) ? [] : [`${path}: ${JSON.stringify(value)} for an integer`];
  return type === undefined || typeof value === type ? [] : [`${path}: ${typeof value} for a ${type}`];
};

const objectViolations = (spec: Spec, schema: Schema, value: unknown, path: string): string[] => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [`${path}: no object`];
  const fields = value as Record<string, unknown>;
  const missing = (schema.required ?? []).filter((name) => fields[name] === undefined);
  return [
    ...missing.map((name) => `${path}.${name}: missing`),
    ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
      fields[name] === undefined ? [] : violationsOf(spec, inner, fields[name], `${path}.${name}`),
    ),
  ];
};

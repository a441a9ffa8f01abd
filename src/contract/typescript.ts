/** `src/client/api.ts`: the table of routes in TypeScript that needs nothing, for whoever calls them. */
import { ERRORS } from '../error.ts';
import type { Route } from '../http/route.ts';
import { describe, type Described, type Field, type JsonSchema } from './schemas.ts';

const CODES = Object.keys(ERRORS);

/** Not formatted: prettier does that. */
export const clientApi = (routes: readonly Route[]): string => {
  const described = describe(routes);
  return `/** Written by \`npm run docs:contract\` from the table of routes: what each takes, what it answers, how it can fail. */
import type { ResultAsync } from 'neverthrow';
import type { Call, Failure, List, Options, Page } from './call.ts';

/** Every code that this version of the service can answer. */
export const ERROR_CODES = [${CODES.map(quote).join(', ')}] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

${Object.entries(described.components)
  .map(([name, schema]) => `export type ${nameOf(name)} = ${typeOf(schema)};`)
  .join('\n\n')}

/** What each route answers where all went well, by its method and path. */
export interface Replies {
${routes.map((route) => `  readonly ${quote(`${route.method} ${route.path}`)}: ${typeOf(described.replyOf(route))};`).join('\n')}
}

/** A method a route. */
export interface Client {
${routes.map((route) => method(route, described)).join('\n')}
}

/** Of one list each: all of its items, page after page. */
export interface Lists {
${routes
  .filter(isList)
  .map((route) => `  readonly ${route.name}: ${listType(route, described)};`)
  .join('\n')}
}

export const createMethods = (call: Call): Client => ({
${routes.map(implementation).join('\n')}
});

export const createLists = (list: List): Lists => ({
${routes
  .filter(isList)
  .map(({ name, path }) => `  ${name}: (input, options) => list(${quote(path)}, input, options),`)
  .join('\n')}
});
`;
};

const isList = ({ schemas }: Route): boolean =>
  describe([])
    .fieldsOf(schemas.query)
    .some(({ name }) => name === 'starting_after');

const method = (route: Route, described: Described): string => {
  const optional = takesNothing(route, described) ? '?' : '';
  return `  /** ${route.summary}. \`${route.method} ${route.path}\`, with a key of the role ${route.roles.join(' or ')}. */
  readonly ${route.name}: (input${optional}: ${inputType(route, described)}, options?: Options) => ResultAsync<${typeOf(described.replyOf(route))}, ${failure(route)}>;`;
};

const failure = ({ errors }: Route): string => `Failure<${errors.toSorted().map(quote).join(' | ')}>`;

const listType = (route: Route, described: Described): string =>
  `(input?: Omit<${inputType(route, described)}, 'starting_after' | 'ending_before'>, options?: Options) => Page<${typeOf(described.replyOf(route))}, ${failure(route)}>`;

const implementation = ({ name, method: verb, path, key }: Route): string =>
  `  ${name}: (input, options) => call(${quote(verb)}, ${quote(path)}, ${String(key !== 'none')}, input, options),`;

const takesNothing = (route: Route, described: Described): boolean => {
  const body = described.bodyOf(route);
  const name = body?.$ref?.split('/').at(-1) ?? '';
  const required = body ? (described.components[name]?.required ?? []) : [];
  const fields = [...described.fieldsOf(route.schemas.params), ...described.fieldsOf(route.schemas.query)];
  return required.length === 0 && fields.every((field) => !field.required);
};

/** Path, query and body in one: no route has a name twice. */
const inputType = (route: Route, described: Described): string => {
  const fields = [...described.fieldsOf(route.schemas.params), ...described.fieldsOf(route.schemas.query)];
  const body = described.bodyOf(route);
  const parts = [...(fields.length > 0 ? [objectOf(fields)] : []), ...(body ? [typeOf(body)] : [])];
  return parts.length === 0 ? 'Record<string, never>' : parts.join(' & ');
};

/** In a query string all is text; a program gives numbers where it has them. */
const objectOf = (fields: readonly Field[]): string =>
  `{ ${fields
    .map(({ name, required, schema }) => {
      const type = name === 'limit' ? 'number' : typeOf(schema);
      return `readonly ${quote(name)}${required ? '' : '?'}: ${type}`;
    })
    .join('; ')} }`;

/** JavaScript has an `Error` of its own, which nothing here is. */
const nameOf = (component: string): string => (component === 'Error' ? 'ErrorReply' : component);

const quote = (text: string): string => `'${text}'`;

const typeOf = (schema: JsonSchema | boolean): string => {
  if (typeof schema === 'boolean') return 'unknown';
  if (schema.$ref !== undefined) return nameOf(schema.$ref.split('/').at(-1) ?? 'unknown');
  if (schema.const !== undefined) return typeof schema.const === 'string' ? quote(schema.const) : String(schema.const);
  if (schema.enum?.length === CODES.length && CODES.every((code) => schema.enum?.includes(code))) return 'ErrorCode';
  if (schema.enum) return schema.enum.map((one) => (typeof one === 'string' ? quote(one) : String(one))).join(' | ');
  const choice = schema.anyOf ?? schema.oneOf;
  if (choice) return [...new Set(choice.map(typeOf))].join(' | ');
  if (Array.isArray(schema.type)) return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ');
  const { type } = schema;
  if (type === undefined) return 'unknown';
  switch (type) {
    case 'string':
      return 'string';
    case 'integer':
    case 'number':
      return 'number';
    case 'boolean':
      return 'boolean';
    case 'null':
      return 'null';
    case 'array':
      return `readonly (${typeOf(Array.isArray(schema.items) ? true : (schema.items ?? true))})[]`;
    case 'object':
      return objectType(schema);
  }
};

const objectType = ({ properties = {}, required = [], additionalProperties }: JsonSchema): string => {
  const fields = Object.entries(properties);
  if (fields.length === 0)
    return `Readonly<Record<string, ${additionalProperties === undefined || additionalProperties === false ? 'never' : typeOf(additionalProperties)}>>`;
  return `{ ${fields
    .map(([name, schema]) => {
      const said =
        typeof schema === 'object' && schema.description !== undefined ? `/** ${schema.description} */ ` : '';
      return `${said}readonly ${quote(name)}${required.includes(name) ? '' : '?'}: ${typeOf(schema)}`;
    })
    .join('; ')} }`;
};

/**
 * Writes src/sandbox/stripe-names.ts: the versions and types of events that there are, by the types of Stripe's library,
 * and what Stripe takes of each route that the sandbox does not, by Stripe's OpenAPI, as stripe-mock brings it
 * (`go install github.com/stripe/stripe-mock@latest`), held against the sandbox's own schemas. `--check` writes nothing
 * and fails where the file is stale.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { namedValue, paramName, wrongIn } from '../src/sandbox/params.ts';
import { ROUTES } from '../src/sandbox/routes.ts';
import { openApi, type Operation, type Schema } from '../test/sandbox/openapi.ts';
import { commandLine } from './command-line.ts';

const { check } = commandLine(
  `npm run docs:stripe-names [-- --check]

Writes src/sandbox/stripe-names.ts from the types of Stripe's library and from Stripe's OpenAPI, which stripe-mock brings.

  --check  writes nothing, and fails where the file is stale`,
  { check: { type: 'boolean', default: false } },
);

const FILE = new URL('../src/sandbox/stripe-names.ts', import.meta.url);
const LIBRARY = new URL('../node_modules/stripe/esm/resources/WebhookEndpoints.d.ts', import.meta.url);

/** The members of a union of texts in the library's types. */
const union = (name: string): string[] => {
  const line = new RegExp(`type ${name} = (.*);`).exec(readFileSync(LIBRARY, 'utf8'))?.[1] ?? '';
  return [...line.matchAll(/'([^']+)'/g)].map(([, one = '']) => one);
};

/** The values that a parameter may have, as far as they are told; a flag's both. */
const valuesOf = ({ type, enum: values, items, anyOf }: Schema): string[] => {
  if (anyOf !== undefined) return anyOf.flatMap(valuesOf);
  if (type === 'array') return valuesOf(items ?? {});
  if (type === 'boolean') return ['true', 'false'];
  return (values ?? []).filter((one): one is string => typeof one === 'string' && one !== '');
};

/** The parameters within one. */
const partsOf = ({ type, properties = {}, items, anyOf }: Schema): [string, Schema][] => {
  if (anyOf !== undefined) return anyOf.flatMap(partsOf);
  return type === 'array' ? partsOf(items ?? {}) : Object.entries(properties);
};

const isList = ({ type, anyOf }: Schema): boolean => type === 'array' || anyOf?.some(isList) === true;

/** `['a', 'b']` with a value as `{a: {b: value}}`. */
const formOf = ([first, ...rest]: readonly (string | number)[], value: unknown): unknown => {
  if (first === undefined) return value;
  const inner = formOf(rest, value);
  return typeof first === 'number' ? [inner] : { [first]: inner };
};

type Path = readonly (string | number)[];

const wrongOf = (route: (typeof ROUTES)[number], path: Path, value: unknown) => {
  const read = route.schema.safeParse(formOf(path, value));
  return read.success ? [] : wrongIn(read.error);
};

/** Names that Stripe takes below that path, and values, which the route's schema does not. */
const leftOut = (route: (typeof ROUTES)[number], path: Path, schema: Schema): string[] => {
  const names = path.filter((key) => typeof key === 'string');
  const isUnknown = wrongOf(route, path, partsOf(schema).length > 0 ? {} : 'x').some(
    (issue) =>
      issue.code === 'unrecognized_keys' && issue.keys.some((key) => [...issue.path, key].join() === path.join()),
  );
  if (isUnknown) return [paramName(names)];
  const place: Path = isList(schema) ? [...path, 0] : path;
  const values = (ELSEWHERE[paramName(names)] ?? valuesOf(schema)).filter((value) =>
    wrongOf(route, place, value).some((issue) => issue.code === 'invalid_value' && issue.path.join() === place.join()),
  );
  return [
    ...values.map((value) => namedValue(path, value)),
    ...partsOf(schema).flatMap(([name, part]) => leftOut(route, [...place, name], part)),
  ];
};

const { paths } = openApi() ?? {};
if (paths === undefined) {
  process.stderr.write("there is no OpenAPI of Stripe's here: go install github.com/stripe/stripe-mock@latest\n");
  process.exit(1);
}

const bodyOf = (operation: Operation): Schema => Object.values(operation.requestBody?.content ?? {})[0]?.schema ?? {};

const operationOf = (method: string, path: string): Operation | undefined =>
  Object.entries(paths).find(([one]) => one.replace(/\{\w+\}/g, ':') === path.replace(/:\w+/g, ':'))?.[1][
    method.toLowerCase()
  ];

/** Stripe's OpenAPI calls any text a type of payment methods, but where it calls the list `allowed_…`. */
const ELSEWHERE: Readonly<Record<string, readonly string[]>> = {
  payment_method_types: valuesOf(
    Object.fromEntries(partsOf(bodyOf(operationOf('POST', '/v1/payment_intents') ?? {})))[
      'allowed_payment_method_types'
    ] ?? {},
  ),
};

/** All payment methods but cards. */
const OTHER_METHODS = [
  ...new Set([
    ...(ELSEWHERE['payment_method_types'] ?? []),
    ...valuesOf(Object.fromEntries(partsOf(bodyOf(operationOf('POST', '/v1/payment_methods') ?? {})))['type'] ?? {}),
    ...['card_present', 'interac_present'],
  ]),
]
  .filter((type) => type !== 'card')
  .sort();

/** One word for all that differ in the payment method alone. */
const shortened = (name: string): string =>
  name.replace(/(?<=^|=|\[)\w+(?=\]?$)/, (word) => (OTHER_METHODS.includes(word) ? '*' : word));

const ofRoutes = ROUTES.map((route) => {
  const { method, path } = route;
  // Stripe.js has a route of its own for what the documented test helper does.
  const operation = operationOf(method, path) ?? operationOf(method, path.replace('/v1/', '/v1/test_helpers/')) ?? {};
  const query = (operation.parameters ?? []).filter((one) => one.in === 'query');
  const params = [...query.map((one): [string, Schema] => [one.name, one.schema]), ...partsOf(bodyOf(operation))];
  const names = params.filter(([name]) => name !== 'expand').flatMap(([name, part]) => leftOut(route, [name], part));
  return [`${method} ${path}`, [...new Set(names.map(shortened))].sort()] as const;
});

/** Words in lines of a file, as wide as its others. */
const wrapped = (words: readonly string[], indent: string): string => {
  const lines = [''];
  for (const word of words) {
    const line = lines.at(-1) ?? '';
    if (line.length + word.length > 110) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.map((line) => `${indent}${line}`).join('\n');
};

const list = (words: readonly string[], indent: string): string =>
  `words(\`\n${wrapped(words, `${indent}  `)}\n${indent}\`)`;

const text = `/** What Stripe has names for. Written by \`npm run docs:stripe-names\`: not by hand. */

const words = (text: string): readonly string[] => text.trim().split(/\\s+/);

/** The versions of the API, oldest first. */
export const VERSIONS: readonly string[] = ${list(union('ApiVersion'), '')};

/** The types of events, and \`*\` for all. */
export const EVENT_TYPES: ReadonlySet<string> = new Set(
  ${list(union('EnabledEvent'), '  ')},
);

/** All payment methods but cards. */
export const OTHER_METHODS: ReadonlySet<string> = new Set(
  ${list(OTHER_METHODS, '  ')},
);

/** Whether a list of \`LEFT_OUT\` has a name, as it stands or by the star of all payment methods but cards. */
export const isLeftOut = (list: readonly string[], name: string): boolean =>
  list.includes(name) ||
  list.includes(name.replace(/(?<=^|=|\\[)\\w+(?=\\]?$)/, (word) => (OTHER_METHODS.has(word) ? '*' : word)));

/** What Stripe takes of a route and the sandbox does not: parameters, and \`=value\` where a value is not. */
export const LEFT_OUT: Readonly<Record<string, readonly string[]>> = {
${ofRoutes
  .filter(([, names]) => names.length > 0)
  .map(([name, names]) => `  '${name}': ${list(names, '  ')},`)
  .join('\n')}
};
`;

if (!check) writeFileSync(FILE, text);
else if (readFileSync(FILE, 'utf8') !== text) {
  process.stderr.write('src/sandbox/stripe-names.ts is stale: npm run docs:stripe-names\n');
  process.exit(1);
}

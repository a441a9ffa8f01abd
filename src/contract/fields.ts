/** What a route takes, in tables that a person reads: made of the schemas that the OpenAPI document is made of. */
import type { Route } from '../http/route.ts';
import { escape, prose } from '../pages/html.ts';
import type { Described, Field, JsonSchema } from './schemas.ts';

/** Its query's fields and its body's; nothing where it takes none. */
export const fieldTables = (route: Route, described: Described): string => {
  const body = described.components[described.bodyOf(route)?.$ref?.split('/').at(-1) ?? ''];
  return `${table('Query', described.fieldsOf(route.schemas.query))}${table('Body', body ? within(body) : [])}`;
};

const table = (caption: string, fields: readonly Field[]): string =>
  fields.length === 0
    ? ''
    : `<table><caption>${caption}</caption><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">What it is</th></tr></thead><tbody>
${[...Map.groupBy(fields, ({ name }) => name.replace(/\[(?:gte|gt|lte|lt)\]$/, '')).values()].map(row).join('\n')}
</tbody></table>`;

/** Those that compare, `created[gte]` and its like, share one. */
const row = (alike: readonly Field[]): string => {
  const [first] = alike;
  if (!first) return '';
  const { schema, required } = first;
  const names = alike.map(({ name }) => `<code>${escape(name)}</code>`).join(', ');
  return `<tr><td>${names}${required ? ' <small>required</small>' : ''}</td><td>${prose(typeOf(schema) + elseOf(schema))}</td><td>${prose(saidOf(schema))}</td></tr>`;
};

/** What stands for it where it is left out; an empty object says nothing. */
const elseOf = ({ default: value }: JsonSchema): string =>
  typeof value === 'string' || typeof value === 'boolean' || typeof value === 'number' ? `; else ${code(value)}` : '';

/** The fields of an object, and after a list of objects those of each. */
const within = (schema: JsonSchema, prefix = ''): readonly Field[] =>
  Object.entries(schema.properties ?? {}).flatMap(([name, of]) => {
    if (typeof of === 'boolean') return [];
    const field = { name: `${prefix}${name}`, required: schema.required?.includes(name) ?? false, schema: of };
    const each = itemOf(of);
    return [field, ...(each ? within(each, `${field.name}[].`) : [])];
  });

const itemOf = ({ items }: JsonSchema): JsonSchema | undefined =>
  typeof items === 'object' && !Array.isArray(items) ? items : undefined;

const choicesOf = ({ anyOf = [] }: JsonSchema): readonly JsonSchema[] => anyOf.filter((one) => typeof one === 'object');

/** What may be null says what it is within. */
const saidOf = (schema: JsonSchema): string =>
  schema.description ??
  choicesOf(schema)
    .map(saidOf)
    .find((said) => said !== '') ??
  '';

const code = (value: unknown): string => `\`${String(value)}\``;

const typeOf = (schema: JsonSchema): string => {
  const choices = choicesOf(schema);
  if (choices.length > 0) return [...new Set(choices.map(typeOf))].join(' or ');
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(' or ');
  const types = [schema.type ?? 'anything'].flat();
  return types.map((type) => typeWords(type, schema)).join(' or ');
};

const typeWords = (type: string, schema: JsonSchema): string => {
  switch (type) {
    case 'string':
      return textWords(schema);
    case 'integer':
      return 'whole number';
    case 'object':
      return schema.additionalProperties ? `object of texts, at most ${schema.maxProperties ?? 0}` : 'object';
    case 'array': {
      const each = itemOf(schema);
      const of =
        each === undefined ? (schema.prefixItems ?? []).flatMap(asSchema).map(typeOf).join(', ') : typeOf(each);
      return `list of ${of}${(schema.maxItems ?? 1) > 1 ? `, at most ${String(schema.maxItems)}` : ''}`;
    }
    default:
      return type;
  }
};

const asSchema = (schema: JsonSchema | boolean): readonly JsonSchema[] => (typeof schema === 'boolean' ? [] : [schema]);

/** Of a pattern no more than what it begins with, as ids do, or that it is digits. */
const textWords = ({ pattern = '', format, maxLength }: JsonSchema): string => {
  if (format === 'date') return 'day';
  const [, prefix] = /^\^(?:\(\?:)?([a-z]+)[|a-z)]*_\[/.exec(pattern) ?? [];
  if (prefix !== undefined) return code(`${prefix}_…`);
  if (/^\^(?:\(\?:0\||\(\?:)?\[1-9\]\[0-9\]/.test(pattern))
    return pattern.includes('\\.') ? 'decimal, as text' : 'digits';
  return maxLength === undefined ? 'text' : `text, at most ${maxLength}`;
};

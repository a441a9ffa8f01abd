/** Stripe's search language: https://docs.stripe.com/search#search-query-language. */
import { err, ok, type Result } from 'neverthrow';
import { badParam, type Failure } from './failure.ts';
import type { Condition, Operator, Query } from './store.ts';

export interface SearchParams {
  readonly query: string;
  readonly limit?: number | undefined;
  readonly page?: string | undefined;
}

export type SearchedKind = 'charge' | 'customer' | 'payment_intent';

/**
 * How a field may be compared. A token is the same or not, in whatever case; a string has the words too, or a part; a
 * number is more or less. A flag is a token of which there are two.
 */
type FieldType = 'token' | 'string' | 'numeric' | 'flag' | 'refunded';

/** Where a charge's card was: the sandbox has no terminals, and finds nothing there. */
const SOURCES = ['card', 'card_present', 'interac_present'];
const OF_CARDS = ['brand', 'exp_month', 'exp_year', 'fingerprint', 'last4'];

/** What can be searched for: https://docs.stripe.com/search#supported-query-fields-for-each-resource. */
const FIELDS: Readonly<Record<SearchedKind, ReadonlyMap<string, FieldType>>> = {
  charge: new Map<string, FieldType>([
    ...([
      ['amount', 'numeric'],
      ['billing_details.address.postal_code', 'token'],
      ['created', 'numeric'],
      ['currency', 'token'],
      ['customer', 'token'],
      ['disputed', 'flag'],
      ['metadata', 'token'],
      ['refunded', 'refunded'],
      ['status', 'token'],
    ] as const),
    ...SOURCES.flatMap((source) =>
      OF_CARDS.map((name) => [`payment_method_details.${source}.${name}`, 'token'] as const),
    ),
  ]),
  customer: new Map<string, FieldType>([
    ['created', 'numeric'],
    ['email', 'string'],
    ['metadata', 'token'],
    ['name', 'string'],
    ['phone', 'string'],
  ]),
  payment_intent: new Map<string, FieldType>([
    ['amount', 'numeric'],
    ['created', 'numeric'],
    ['currency', 'token'],
    ['customer', 'token'],
    ['metadata', 'token'],
    ['status', 'token'],
  ]),
};

/** One clause: a field, an operator, and a text in quotes, a number or null. */
const CLAUSE =
  /^\s*(-?)([a-z_.0-9]+)(?:\[(["'])((?:\\.|(?!\3).)*)\3\])?\s*(:|~|>=|<=|>|<)\s*(?:(["'])((?:\\.|(?!\6).)*)\6|(null(?!\w)|-?\d+))\s*/i;

/** Reads a query: clauses that are joined by `AND` or by `OR`, never by both. */
export const parseQuery = (kind: SearchedKind, text: string): Result<NonNullable<Query['search']>, Failure> => {
  const conditions: Condition[] = [];
  const joins = new Set<string>();
  let rest = text;
  for (;;) {
    const clause = CLAUSE.exec(rest);
    if (clause === null) return err(malformed(text));
    const condition = conditionOf(kind, clause);
    if (condition.isErr()) return err(condition.error);
    conditions.push(condition.value);
    rest = rest.slice(clause[0].length);
    if (rest === '') break;
    const join = /^(AND|OR)\s+/i.exec(rest);
    if (join !== null) rest = rest.slice(join[0].length);
    joins.add((join?.[1] ?? 'AND').toUpperCase());
  }
  if (joins.size > 1) return err(badParam('You cannot combine AND and OR in the same query.', 'query'));
  return ok({ all: !joins.has('OR'), conditions });
};

const NUMERIC: Readonly<Record<string, Operator>> = { ':': '=', '>': '>', '>=': '>=', '<': '<', '<=': '<=' };

/** A part of a text that is looked for must have as many characters. */
const PART_CHARS_MIN = 3;

const conditionOf = (kind: SearchedKind, clause: RegExpExecArray): Result<Condition, Failure> => {
  const [, minus, field = '', , key, sign = ':', , quoted, bare] = clause;
  const type = FIELDS[kind].get(field);
  if (type === undefined || (field === 'metadata') !== (key !== undefined)) return err(unknownField(kind, field));
  const place = key === undefined ? `$.${field}` : `$.metadata.${JSON.stringify(unescaped(key))}`;
  const found = { place, negated: minus === '-' };
  const value = quoted === undefined ? (bare ?? '') : unescaped(quoted);
  const isNull = bare?.toLowerCase() === 'null';
  if (type === 'numeric') {
    const operator = NUMERIC[sign];
    if (operator === undefined) return err(noOperator(sign, field, type));
    if (isNull && sign === ':') return ok({ ...found, operator: 'is null', value: '' });
    if (!/^-?\d+$/.test(value)) return err(badParam(`Field \`${field}\` is numeric, and '${value}' is not.`, 'query'));
    return ok({ ...found, operator, value: Number(value) });
  }
  if (sign === '~') {
    if (type !== 'string') return err(noOperator(sign, field, 'token'));
    if (value.length < PART_CHARS_MIN) {
      return err(badParam(`A substring must have at least ${PART_CHARS_MIN} characters: '${value}'.`, 'query'));
    }
    return ok({ ...found, operator: 'has part', value });
  }
  if (sign !== ':') return err(noOperator(sign, field, type === 'string' ? 'string' : 'token'));
  if (type === 'refunded' && isNull) return ok({ ...found, operator: 'is refunded', value: 'null' });
  if (isNull) return ok({ ...found, operator: 'is null', value: '' });
  // A string without quotes is none; a token without quotes is a number, zeros at its beginning and all.
  if (type === 'string' && quoted === undefined) return err(badParam(`Quotes must stand around '${value}'.`, 'query'));
  if (type === 'string') return ok({ ...found, operator: 'has words', value });
  if (type === 'token') return ok({ ...found, operator: 'is', value });
  const flag = value.toLowerCase();
  if (flag !== 'true' && flag !== 'false') {
    return err(badParam(`Field \`${field}\` is "true" or "false", and not '${value}'.`, 'query'));
  }
  // SQLite reads true and false as 1 and 0.
  return ok(
    type === 'refunded'
      ? { ...found, operator: 'is refunded', value: flag }
      : { ...found, operator: 'is', value: flag === 'true' ? '1' : '0' },
  );
};

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');

const malformed = (query: string): Failure =>
  badParam(
    `We were unable to parse your search query: ${query.slice(0, 200)}. Try using the format \`metadata["key"]:"value"\` ` +
      'to query for metadata or key:"value" to query for other fields.',
    'query',
  );

const noOperator = (sign: string, field: string, type: string): Failure =>
  badParam(`Operator \`${sign}\` is not supported for field \`${field}\`, which is of type ${type}.`, 'query');

const unknownField = (kind: SearchedKind, field: string): Failure =>
  badParam(
    `Field \`${field.slice(0, 100)}\` is an unsupported search field for resource \`${kind}s\`. See ` +
      `https://stripe.com/docs/search#query-fields-for-${kind.replace('_', '-')}s for a list of supported fields.`,
    'query',
  );

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

/** What can be searched for, besides `metadata["key"]`. */
const FIELDS: Readonly<Record<SearchedKind, readonly string[]>> = {
  charge: [
    ...['amount', 'created', 'currency', 'customer', 'disputed', 'refunded', 'status'],
    ...['billing_details.address.postal_code', 'payment_method_details.card.brand'],
    ...['payment_method_details.card.exp_month', 'payment_method_details.card.exp_year'],
    ...['payment_method_details.card.fingerprint', 'payment_method_details.card.last4'],
  ],
  customer: ['created', 'email', 'name', 'phone'],
  payment_intent: ['amount', 'created', 'currency', 'customer', 'status'],
};

/** One clause: a field, an operator, and a text in quotes, a number or null. */
const CLAUSE =
  /^\s*(-?)([a-z_.0-9]+)(?:\[(["'])((?:\\.|(?!\3).)*)\3\])?\s*(:|~|>=|<=|>|<)\s*(?:(["'])((?:\\.|(?!\6).)*)\6|(null|-?\d+|true|false))\s*/;

/** Reads a query: clauses that are joined by `AND` or by `OR`, never by both. */
export const parseQuery = (kind: SearchedKind, text: string): Result<NonNullable<Query['search']>, Failure> => {
  const conditions: Condition[] = [];
  const joins = new Set<string>();
  let rest = text;
  for (;;) {
    const clause = CLAUSE.exec(rest);
    if (clause === null) return err(malformed(text));
    const condition = conditionOf(kind, clause);
    if (condition === undefined) return err(unknownField(kind, clause[2] ?? ''));
    conditions.push(condition);
    rest = rest.slice(clause[0].length);
    if (rest === '') break;
    const join = /^(AND|OR)\s+/i.exec(rest);
    if (join !== null) rest = rest.slice(join[0].length);
    joins.add((join?.[1] ?? 'AND').toUpperCase());
  }
  if (joins.size > 1) return err(badParam('You cannot combine AND and OR in the same query.', 'query'));
  return ok({ all: !joins.has('OR'), conditions });
};

const OPERATORS: Readonly<Record<string, Operator>> = { ':': '=', '>': '>', '>=': '>=', '<': '<', '<=': '<=' };

const conditionOf = (kind: SearchedKind, clause: RegExpExecArray): Condition | undefined => {
  const [, minus, field = '', , key, sign = ':', , quoted, bare] = clause;
  if ((field === 'metadata') !== (key !== undefined)) return undefined;
  if (key === undefined && !FIELDS[kind].includes(field)) return undefined;
  const path = key === undefined ? `$.${field}` : `$.metadata.${JSON.stringify(unescaped(key))}`;
  const negated = minus === '-';
  if (bare === 'null') return { place: path, operator: 'is null', value: '', negated };
  const value = quoted === undefined ? bareValue(bare ?? '') : unescaped(quoted);
  if (sign === '~') return { place: path, operator: 'contains', value, negated };
  return { place: path, operator: OPERATORS[sign] ?? '=', value: ofField(field, value), negated };
};

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');

/** SQLite reads true and false as 1 and 0. */
const bareValue = (text: string): number => (text === 'true' ? 1 : text === 'false' ? 0 : Number(text));

const NUMBERS: readonly string[] = ['amount', 'created'];
const FLAGS: readonly string[] = ['disputed', 'refunded'];

/** Numbers and flags may stand in quotes, as every value may. */
const ofField = (field: string, value: string | number): string | number => {
  if (typeof value === 'string' && FLAGS.includes(field)) return bareValue(value);
  return typeof value === 'string' && (NUMBERS.includes(field) || /exp_(month|year)$/.test(field))
    ? Number(value)
    : value;
};

const malformed = (query: string): Failure =>
  badParam(
    `We were unable to parse your search query: ${query.slice(0, 200)}. Try using the format \`metadata["key"]:"value"\` ` +
      'to query for metadata or key:"value" to query for other fields.',
    'query',
  );

const unknownField = (kind: SearchedKind, field: string): Failure =>
  badParam(
    `Field \`${field.slice(0, 100)}\` is an unsupported search field for resource \`${kind}s\`. See ` +
      'https://stripe.com/docs/search#query-fields-for-supported-resources for a list of supported fields.',
    'query',
  );

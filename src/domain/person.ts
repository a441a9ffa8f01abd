/**
 * What was written down of a person, without him. What it is about stays: ids, amounts, statuses and times. Pure.
 */
import { FORGOTTEN } from './payment-details.ts';
import { isOurTag } from './tags.ts';

/**
 * Of what this service shows, a reply or an event: who a customer is, and what the merchant says of his payments. Only of
 * those customers. Unchanged, to the byte, where there is nothing to take away.
 */
export const withoutPerson = (json: string, isOne: (customer: string) => boolean): string => {
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(without);
    if (!isObject(value)) return value;
    const fields = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, without(inner)]));
    if (!isOne(String(fields['object'] === 'customer' ? fields['id'] : fields['customer']))) return fields;
    const gone = Object.entries(TAKEN).filter(([name, empty]) => !isSame(fields[name], empty));
    const next = 'next_action' in fields ? { next_action: withoutWayBack(fields['next_action']) } : {};
    return { ...fields, ...next, ...Object.fromEntries(gone) };
  };
  const before: unknown = JSON.parse(json);
  const after = JSON.stringify(without(before));
  return after === JSON.stringify(before) ? json : after;
};

/** What says who somebody is or what he pays with, of a customer and of what is his; what an object has not, it does not get. */
const TAKEN: Readonly<Record<string, unknown>> = { name: null, email: null, card: null, ...FORGOTTEN };

/** A way back may say who comes back by it. */
const withoutWayBack = (value: unknown): unknown =>
  isObject(value)
    ? Object.fromEntries(
        Object.entries(value).map(([name, inner]) => [name, name === 'return_url' ? null : withoutWayBack(inner)]),
      )
    : value;

/** Absent is as good as empty. */
const isSame = (value: unknown, empty: unknown): boolean =>
  value === undefined || JSON.stringify(value) === JSON.stringify(empty);

/**
 * Of what Stripe told, as releases before this one have kept it: whatever says who somebody is, where he is reached, or
 * what he pays with.
 */
export const withoutPersonAtStripe = (json: string): string => {
  const without = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(without);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).flatMap(([name, inner]) => {
        if (name === 'metadata') return [[name, ownTags(inner)]];
        return PERSONAL.has(name) ? (inner === null ? [[name, null]] : []) : [[name, without(inner)]];
      }),
    );
  };
  return JSON.stringify(without(JSON.parse(json)));
};

/** https://docs.stripe.com/api: of customers, payment methods, charges, intents, disputes and their evidence. */
const PERSONAL: ReadonlySet<string> = new Set([
  ...['name', 'email', 'phone', 'address', 'description', 'shipping', 'billing_details', 'receipt_email'],
  ...['card', 'sepa_debit', 'link', 'us_bank_account', 'payment_method_details', 'payment_method_preview'],
  ...['evidence', 'customer_details', 'individual_name', 'receipt_url', 'return_url', 'next_action', 'client_secret'],
]);

const ownTags = (metadata: unknown): unknown =>
  isObject(metadata) ? Object.fromEntries(Object.entries(metadata).filter(([name]) => isOurTag(name))) : metadata;

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

import { err, ok, Result } from 'neverthrow';
import { badParam, type Failure } from './failure.ts';
import { listObjects } from './list.ts';
import { isForm } from './params.ts';
import { load, type Scope } from './scope.ts';
import type { Kind } from './store.ts';

/** Stripe's own limit. */
const DEPTH_MAX = 4;

/** Fields that Stripe expands and that are always null here. */
const NOTHING = (...names: string[]): Record<string, readonly Kind[]> =>
  Object.fromEntries(names.map((name) => [name, []]));

/** Which fields of which objects hold an id that can be replaced by its object. */
const EXPANDABLE: Readonly<Record<string, Readonly<Record<string, readonly Kind[]>>>> = {
  payment_intent: {
    latest_charge: ['charge'],
    customer: ['customer'],
    payment_method: ['payment_method'],
    'last_payment_error.payment_method': ['payment_method'],
    ...NOTHING('application', 'on_behalf_of', 'review', 'source'),
  },
  setup_intent: {
    customer: ['customer'],
    latest_attempt: ['setup_attempt'],
    payment_method: ['payment_method'],
    ...NOTHING('application', 'mandate', 'on_behalf_of', 'single_use_mandate'),
  },
  setup_attempt: {
    customer: ['customer'],
    payment_method: ['payment_method'],
    setup_intent: ['setup_intent'],
    ...NOTHING('application', 'on_behalf_of'),
  },
  charge: {
    balance_transaction: ['balance_transaction'],
    failure_balance_transaction: ['balance_transaction'],
    customer: ['customer'],
    payment_intent: ['payment_intent'],
    ...NOTHING('application', 'application_fee', 'on_behalf_of', 'review', 'source_transfer', 'transfer'),
  },
  refund: {
    balance_transaction: ['balance_transaction'],
    failure_balance_transaction: ['balance_transaction'],
    charge: ['charge'],
    customer: ['customer'],
    payment_intent: ['payment_intent'],
    payment_method: ['payment_method'],
    ...NOTHING('source_transfer_reversal', 'transfer_reversal'),
  },
  customer: {
    'invoice_settings.default_payment_method': ['payment_method'],
    ...NOTHING('cash_balance', 'default_source', 'sources', 'subscriptions', 'tax', 'tax_ids', 'test_clock'),
  },
  dispute: { charge: ['charge'], payment_intent: ['payment_intent'] },
  balance_transaction: { source: ['charge', 'refund', 'dispute', 'payout'] },
  payout: {
    balance_transaction: ['balance_transaction'],
    failure_balance_transaction: ['balance_transaction'],
    ...NOTHING('destination', 'original_payout', 'reversed_by'),
  },
  payment_method: { customer: ['customer'] },
  'radar.early_fraud_warning': { charge: ['charge'], payment_intent: ['payment_intent'] },
};

/** Replaces ids by their objects along each of the paths: `latest_charge.balance_transaction`, `data.customer`. */
export const expandAll = (scope: Scope, reply: object, paths: readonly string[]): Result<object, Failure> =>
  paths.reduce<Result<object, Failure>>((done, path) => {
    const keys = path.split('.');
    return keys.length > DEPTH_MAX
      ? err(badParam(`You cannot expand more than ${DEPTH_MAX} levels of a property. Property: ${path}`, 'expand'))
      : done.andThen((object) => expandPath(scope, object, keys, path));
  }, ok(reply));

const expandPath = (scope: Scope, object: object, keys: readonly string[], path: string): Result<object, Failure> => {
  const [key, ...rest] = keys;
  if (key === undefined || !isForm(object)) return ok(object);
  const value = object[key];
  if (key === 'data' && Array.isArray(value)) {
    const items = value.filter(isForm).map((item) => expandPath(scope, item, rest, path));
    return Result.combine(items).map((data) => ({ ...object, data }));
  }
  // A charge's refunds are no id but a list, and there only when it is asked for.
  if (object['object'] === 'charge' && key === 'refunds') return withRefunds(scope, object, rest, path);
  const fields = EXPANDABLE[String(object['object'])] ?? {};
  // `invoice_settings.default_payment_method`: an object within one, that is none of Stripe's own.
  const [next, ...after] = rest;
  if (next !== undefined && isForm(value) && fields[`${key}.${next}`] !== undefined) {
    return expandWithin(scope, value, next, fields[`${key}.${next}`] ?? [], after, path).map((one) => ({
      ...object,
      [key]: one,
    }));
  }
  const kinds = fields[key];
  if (kinds === undefined) return err(badParam(`This property cannot be expanded (${path}).`, 'expand'));
  const inner = typeof value === 'string' ? loadAny(scope, kinds, value) : value;
  if (!isForm(inner)) return ok(object);
  return expandPath(scope, inner, rest, path).map((one) => ({ ...object, [key]: one }));
};

const expandWithin = (
  scope: Scope,
  object: Record<string, unknown>,
  key: string,
  kinds: readonly Kind[],
  rest: readonly string[],
  path: string,
): Result<object, Failure> => {
  const value = object[key];
  const inner = typeof value === 'string' ? loadAny(scope, kinds, value) : value;
  if (!isForm(inner)) return ok(object);
  return expandPath(scope, inner, rest, path).map((one) => ({ ...object, [key]: one }));
};

/** How many refunds an expanded charge shows, as at Stripe; the rest is in the list of refunds. */
const REFUNDS_SHOWN = 10;

const withRefunds = (
  scope: Scope,
  charge: Record<string, unknown>,
  rest: readonly string[],
  path: string,
): Result<object, Failure> => {
  const id = String(charge['id']);
  return listObjects(scope, 'refund', `/v1/charges/${id}/refunds`, { limit: REFUNDS_SHOWN }, { charge: id })
    .andThen((list) => expandPath(scope, list, rest, path))
    .map((refunds) => ({ ...charge, refunds }));
};

const loadAny = (scope: Scope, kinds: readonly Kind[], id: string): object | undefined => {
  for (const kind of kinds) {
    const found = load(scope, kind, id);
    if (found !== undefined) return found;
  }
  return undefined;
};

import { err, ok, type Result } from 'neverthrow';
import { badParam, type Failure } from './failure.ts';
import { isForm } from './params.ts';
import { load, type Scope } from './scope.ts';
import type { Kind } from './store.ts';

/** Stripe's own limit. */
const DEPTH_MAX = 4;

/** Which fields of which objects hold an id that can be replaced by its object. */
const EXPANDABLE: Readonly<Record<string, Readonly<Record<string, readonly Kind[]>>>> = {
  payment_intent: { latest_charge: ['charge'], customer: ['customer'], payment_method: ['payment_method'] },
  charge: {
    balance_transaction: ['balance_transaction'],
    failure_balance_transaction: ['balance_transaction'],
    customer: ['customer'],
    payment_intent: ['payment_intent'],
  },
  refund: {
    balance_transaction: ['balance_transaction'],
    failure_balance_transaction: ['balance_transaction'],
    charge: ['charge'],
    customer: ['customer'],
    payment_intent: ['payment_intent'],
    payment_method: ['payment_method'],
  },
  dispute: { charge: ['charge'], payment_intent: ['payment_intent'] },
  balance_transaction: { source: ['charge', 'refund', 'dispute'] },
  payment_method: { customer: ['customer'] },
};

/** Replaces ids by their objects along each of the paths: `latest_charge.balance_transaction`, `data.customer`. */
export const expandAll = (scope: Scope, reply: object, paths: readonly string[]): Result<object, Failure> => {
  let expanded: Result<object, Failure> = ok(reply);
  for (const path of paths) {
    const keys = path.split('.');
    expanded =
      keys.length > DEPTH_MAX
        ? err(badParam(`You cannot expand more than ${DEPTH_MAX} levels of a property. Property: ${path}`, 'expand'))
        : expanded.andThen((object) => expandPath(scope, object, keys, path));
  }
  return expanded;
};

const expandPath = (scope: Scope, object: object, keys: readonly string[], path: string): Result<object, Failure> => {
  const [key, ...rest] = keys;
  if (key === undefined || !isForm(object)) return ok(object);
  const value = object[key];
  if (Array.isArray(value) && key === 'data') {
    let items: Result<unknown[], Failure> = ok([]);
    for (const item of value as unknown[]) {
      items = items.andThen((done) =>
        isForm(item) ? expandPath(scope, item, rest, path).map((one) => [...done, one]) : ok([...done, item]),
      );
    }
    return items.map((data) => ({ ...object, data }));
  }
  const kinds = EXPANDABLE[String(object['object'])]?.[key];
  if (kinds === undefined) {
    return err(badParam(`This property cannot be expanded (${path}).`, 'expand'));
  }
  const inner = typeof value === 'string' ? loadAny(scope, kinds, value) : value;
  if (!isForm(inner)) return ok(object);
  return expandPath(scope, inner, rest, path).map((one) => ({ ...object, [key]: one }));
};

const loadAny = (scope: Scope, kinds: readonly Kind[], id: string): object | undefined => {
  for (const kind of kinds) {
    const found = load(scope, kind, id);
    if (found !== undefined) return found;
  }
  return undefined;
};

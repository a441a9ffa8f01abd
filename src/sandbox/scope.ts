import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import type { Clock } from './clock.ts';
import { type Failure, resourceMissing } from './failure.ts';
import { newId } from './ids.ts';
import type { Kind, ObjectOf, StateId, Store, Stored } from './store.ts';

/** What every operation of the sandbox is given. */
export interface Scope {
  readonly store: Store;
  readonly clock: Clock;
  /** Where the sandbox listens: its own pages' addresses begin with it. */
  readonly origin: string;
  /** The version of the API that the request speaks. */
  readonly version: string;
  /** Whether it comes with a publishable key: from a page, which sees less. */
  readonly isBrowser: boolean;
  /** The request that causes what happens now; its parts are null where time alone does. */
  readonly request: Stripe.Event.Request;
  /** Told of each event that is recorded. */
  readonly emitted: (event: string, type: string) => void;
}

/** The object as it is now: what time alone changes is brought up to date. */
export const load = <K extends Kind>(scope: Scope, kind: K, id: string): ObjectOf<K> | undefined => {
  const object = scope.store.get(kind, id);
  return object === undefined ? undefined : asOfNow(scope, object);
};

/** A balance transaction that was pending becomes available by time alone. */
export const asOfNow = <T extends Stored>(scope: Scope, object: T): T =>
  object.object === 'balance_transaction'
    ? { ...object, status: object.available_on <= scope.clock.nowS() ? 'available' : 'pending' }
    : object;

/** How each kind is called in Stripe's "No such …". */
const CALLED: Record<Kind, string> = {
  payment_intent: 'payment_intent',
  setup_intent: 'setupintent',
  setup_attempt: 'setupattempt',
  charge: 'charge',
  balance_transaction: 'balance transaction',
  confirmation_token: 'confirmation token',
  customer: 'customer',
  payment_method: 'PaymentMethod',
  'radar.early_fraud_warning': 'early_fraud_warning',
  refund: 'refund',
  dispute: 'dispute',
  payout: 'payout',
  token: 'token',
  webhook_endpoint: 'webhook_endpoint',
};

/** The parameter that the error names where the id of the path is unknown; `id`, where there is none here. */
const PATH_PARAM: Partial<Record<Kind, string>> = {
  payment_intent: 'intent',
  setup_intent: 'intent',
  payment_method: 'payment_method',
  payout: 'payout',
  dispute: 'dispute',
  confirmation_token: 'confirmation_token',
};

/** The object of the path's id, as it is now. */
export const find = <K extends Kind>(scope: Scope, kind: K, id: string): Result<ObjectOf<K>, Failure> =>
  lookUp(scope, kind, id, 404, PATH_PARAM[kind] ?? 'id');

/** The object that a parameter names. */
export const findNamed = <K extends Kind>(
  scope: Scope,
  kind: K,
  id: string,
  param: string = kind,
): Result<ObjectOf<K>, Failure> => lookUp(scope, kind, id, 400, param);

const lookUp = <K extends Kind>(
  scope: Scope,
  kind: K,
  id: string,
  status: 400 | 404,
  param: string,
): Result<ObjectOf<K>, Failure> => {
  const object = load(scope, kind, id);
  return object === undefined ? err(resourceMissing(status, CALLED[kind], id, param)) : ok(object);
};

/** Writes an object and records each of the events with the object as it is now. */
export const save = (scope: Scope, object: Stored, ...types: Stripe.Event.Type[]): void => {
  const state = scope.store.put(object);
  for (const type of types) emit(scope, type, object.id, state, null);
};

/** Writes a changed object, and records the event with what the change replaced. */
export const saveChange = <T extends Stored>(
  scope: Scope,
  object: T,
  type: Stripe.Event.Type,
  previous: Partial<ObjectOf<T['object']>>,
): void => {
  emit(scope, type, object.id, scope.store.put(object), JSON.stringify(previous));
};

/** The one place where events are made. */
const emit = (scope: Scope, type: string, object: string, state: StateId, previous: string | null): void => {
  const id = newId('evt_');
  const { store, clock, request } = scope;
  store.putEvent({ id, type, created: clock.nowS(), object, state, previous, request: JSON.stringify(request) });
  scope.emitted(id, type);
};

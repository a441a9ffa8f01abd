import type { Stripe } from 'stripe';

/** The objects that the sandbox keeps; `object` tells them apart, as in Stripe's own replies. */
export type Stored =
  | Stripe.PaymentIntent
  | Stripe.Charge
  | Stripe.BalanceTransaction
  | Stripe.Customer
  | Stripe.DeletedCustomer
  | Stripe.PaymentMethod
  | Stripe.SetupIntent
  | Stripe.SetupAttempt
  | Stripe.ConfirmationToken
  | Stripe.Token
  | Stripe.Radar.EarlyFraudWarning
  | Stripe.Refund
  | Stripe.Dispute
  | Stripe.Payout
  | Stripe.WebhookEndpoint
  | Stripe.DeletedWebhookEndpoint;
export type Kind = Stored['object'];
export type ObjectOf<K extends Kind> = Extract<Stored, { object: K }>;

/** What lists are narrowed by often, each a column of its own. */
type Column = 'customer' | 'payment_intent' | 'charge' | 'type' | 'source' | 'currency' | 'status';

/** And what they are narrowed by seldom: fields of the object; but for the payout of a balance transaction. */
export type Filter =
  Column | 'payout' | 'email' | 'transfer_group' | 'allow_redisplay' | 'destination' | 'payment_method';

export type Operator = '=' | '>' | '>=' | '<' | '<=';

/** One comparison of a search, with a place in the JSON of the object: `$.metadata.order`. */
export interface Condition {
  readonly place: string;
  /** Texts whatever their case: `is` all of it; `has words` in their order; `has part`. `is refunded`: see `search.ts`. */
  readonly operator: Operator | 'is' | 'has words' | 'has part' | 'is null' | 'is refunded';
  readonly value: string | number;
  readonly negated: boolean;
}

export interface Query {
  readonly kind: Kind | 'event';
  readonly where: readonly (readonly [Filter | 'created' | 'arrival_date', Operator, string | number])[];
  /** Types of events; one that ends in `*` stands for all that begin so. */
  readonly types?: readonly string[] | undefined;
  /** Events that every endpoint has taken; or that some endpoint has refused and is to be told again. */
  readonly delivered?: boolean | undefined;
  /** All of them, or any. */
  readonly search?: { readonly all: boolean; readonly conditions: readonly Condition[] } | undefined;
  readonly limit: number;
  /** Rows made before this one (older) or after it (newer). */
  readonly olderThan?: number | undefined;
  readonly newerThan?: number | undefined;
}

/** An event: `object` is the id of what it tells of, `state` how that was, `previous` what its change replaced, `request` what caused it. */
export interface StoredEvent {
  readonly id: string;
  readonly object: string;
  readonly type: string;
  readonly created: number;
  readonly state: string;
  readonly previous: string | null;
  readonly request: string;
}

/** Names a state of an object, for the events that tell of it. */
export type StateId = number | bigint;

export interface KeptReply {
  readonly path: string;
  readonly paramsHash: string;
  readonly requestId: string;
  readonly status: number;
  readonly body: string;
  readonly createdMs: number;
}

/** An event on its way to an endpoint; `attempt` counts the tries that failed. */
export interface Delivery {
  readonly seq: number;
  readonly event: string;
  readonly endpoint: string;
  readonly attempt: number;
}

interface Timer {
  readonly seq: number;
  readonly dueMs: number;
  readonly task: string;
  readonly object: string;
}

/** The state of the sandbox, in one file of SQLite's. */
export interface Store {
  /** Where it is kept. */
  readonly file: string;
  /** Runs `work` in one transaction, or in the one that is open: all that it writes is there after a crash, or nothing. */
  readonly transaction: <T>(work: () => T) => T;
  /** Writes the object, new or changed; answers which state of it that is. */
  readonly put: (object: Stored, hidden?: string) => StateId;
  readonly get: <K extends Kind>(kind: K, id: string) => ObjectOf<K> | undefined;
  /**
   * What an object does not show: the test card behind a payment method, the secret of an endpoint; whether a payment
   * method was used up; and whether it was set up for payments without its owner.
   */
  readonly hidden: (id: string) => { value: string; spent: boolean; setUp: boolean } | undefined;
  readonly hide: (id: string, value: string) => void;
  readonly spend: (paymentMethod: string) => void;
  readonly setUp: (paymentMethod: string) => void;
  /** The place of an object in its kind's order, for lists. */
  readonly position: (kind: Kind | 'event', id: string) => number | undefined;
  readonly list: <K extends Kind>(query: Query & { kind: K }) => ObjectOf<K>[];
  /** What came of a query, with the place of each. */
  readonly search: <K extends Kind>(query: Query & { kind: K }) => { seq: number; object: ObjectOf<K> }[];
  readonly putEvent: (event: Omit<StoredEvent, 'state'> & { readonly state: StateId }) => void;
  readonly getEvent: (id: string) => StoredEvent | undefined;
  readonly listEvents: (query: Query & { kind: 'event' }) => StoredEvent[];
  /** All that was told of any of these objects, oldest first. */
  readonly eventsOf: (objects: readonly string[]) => StoredEvent[];
  /** An object of whatever kind. */
  readonly getAny: (id: string) => Stored | undefined;
  readonly keptReply: (key: string) => KeptReply | undefined;
  readonly keepReply: (key: string, reply: KeptReply) => void;
  readonly forgetReplies: (beforeMs: number) => void;
  readonly schedule: (dueMs: number, task: string, object: string) => void;
  /** The due timers, oldest first, taken off the list. */
  readonly takeTimers: (nowMs: number, limit: number) => Timer[];
  readonly addDelivery: (event: string, endpoint: string, dueMs: number) => void;
  readonly dueDeliveries: (nowMs: number, limit: number) => Delivery[];
  readonly retryDelivery: (seq: number, dueMs: number) => void;
  readonly dropDelivery: (seq: number) => void;
  /** How many deliveries are left to be made, of all events or of one. */
  readonly pendingDeliveries: (event?: string) => number;
  readonly nextDueMs: () => number | undefined;
  readonly getNumber: (name: string) => number;
  readonly setNumber: (name: string, value: number) => void;
  /** The balance of each currency, from its transactions' nets. */
  readonly balances: (nowS: number) => { currency: string; available: number; pending: number }[];
  /** The net of what is available in a currency and in no payout. */
  readonly payable: (currency: string, nowS: number) => number;
  /** Ties all of that to a payout; and a single transaction to one. */
  readonly payOut: (payout: string, currency: string, nowS: number) => void;
  readonly tie: (transaction: string, payout: string) => void;
  readonly counts: () => Record<string, number>;
  /** How many objects there are of each kind that is named. */
  readonly countOf: (kind: Kind) => number;
  /** A page of what a reconciling proof wants to know of every intent, oldest first. */
  readonly exportIntents: (afterSeq: number, limit: number) => { seq: number; line: string }[];
  readonly close: () => void;
}

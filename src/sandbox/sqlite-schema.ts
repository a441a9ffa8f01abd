/** The tables of the sandbox's file, and the longer questions that are asked of them. */
import { idOf } from './ids.ts';
import type { Stored } from './store.ts';

/**
 * A state is the JSON of an object as it stood at some moment; it is written once and never changes. An object points to
 * its latest state, an event to the one that it tells of. Beside the pointer stands what lists are narrowed by; `seq` is
 * the order of creation, which `created`, in whole seconds, cannot give.
 */
export const SCHEMA = `
  CREATE TABLE IF NOT EXISTS state (seq INTEGER PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE IF NOT EXISTS object (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    created INTEGER NOT NULL,
    status TEXT,
    customer TEXT,
    payment_intent TEXT,
    charge TEXT,
    type TEXT,
    source TEXT,
    currency TEXT,
    hidden TEXT,
    spent INTEGER NOT NULL DEFAULT 0,
    set_up INTEGER NOT NULL DEFAULT 0,
    state INTEGER NOT NULL REFERENCES state
  );
  CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, seq);
  CREATE INDEX IF NOT EXISTS object_by_customer ON object (customer, kind, seq) WHERE customer IS NOT NULL;
  CREATE INDEX IF NOT EXISTS object_by_source ON object (source, kind) WHERE source IS NOT NULL;
  CREATE INDEX IF NOT EXISTS object_by_intent ON object (payment_intent, kind, seq) WHERE payment_intent IS NOT NULL;
  CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    created INTEGER NOT NULL,
    object TEXT NOT NULL,
    state INTEGER NOT NULL REFERENCES state,
    previous TEXT,
    request TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS kept_reply (
    key TEXT NOT NULL UNIQUE,
    path TEXT NOT NULL,
    params_hash TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS kept_reply_by_age ON kept_reply (created_ms);
  CREATE TABLE IF NOT EXISTS timer (seq INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL, task TEXT NOT NULL, object TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS timer_by_due ON timer (due_ms, seq);
  CREATE TABLE IF NOT EXISTS delivery (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    event TEXT NOT NULL,
    endpoint TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    due_ms INTEGER NOT NULL
  );
  CREATE INDEX IF NOT EXISTS delivery_by_due ON delivery (due_ms, seq);
  CREATE INDEX IF NOT EXISTS delivery_by_event ON delivery (event);
  CREATE INDEX IF NOT EXISTS event_by_type ON event (type, seq);
  CREATE INDEX IF NOT EXISTS event_by_object ON event (object, seq);
  CREATE TABLE IF NOT EXISTS paid_out (seq INTEGER PRIMARY KEY REFERENCES object, payout TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS paid_out_by_payout ON paid_out (payout, seq);
  CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Counts up with each change of the tables: a sandbox's past is not worth a migration. */
export const SCHEMA_VERSION = 3;

export const BALANCES = `
  SELECT currency, sum(iif(json ->> '$.available_on' <= ?, json ->> '$.net', 0)) AS available,
    sum(iif(json ->> '$.available_on' > ?, json ->> '$.net', 0)) AS pending
  FROM object JOIN state ON state.seq = object.state WHERE kind = 'balance_transaction' GROUP BY currency ORDER BY currency`;

export const PAYABLE = `
  FROM object JOIN state ON state.seq = object.state
  WHERE kind = 'balance_transaction' AND currency = ? AND json ->> '$.available_on' <= ?
    AND object.seq NOT IN (SELECT seq FROM paid_out)`;

export const EXPORT = `
  SELECT intent.seq, json_object(
    'id', intent.id, 'status', intent.status, 'created', intent.created, 'currency', intent.currency,
    'amount', state.json -> '$.amount', 'amount_received', state.json -> '$.amount_received',
    'customer', intent.customer, 'metadata', json(state.json -> '$.metadata'),
    'latest_charge', state.json ->> '$.latest_charge',
    'charges', (
      SELECT json_group_array(json_object(
        'id', charge.id, 'status', charge.status, 'captured', json(made.json -> '$.captured'),
        'amount_captured', made.json -> '$.amount_captured', 'amount_refunded', made.json -> '$.amount_refunded',
        'disputed', json(made.json -> '$.disputed'), 'balance_transaction', made.json ->> '$.balance_transaction',
        'amount', made.json -> '$.amount', 'failure', made.json ->> '$.failure_balance_transaction'))
      FROM object AS charge JOIN state AS made ON made.seq = charge.state WHERE charge.payment_intent = intent.id AND charge.kind = 'charge'),
    'refunds', (
      SELECT json_group_array(json_object(
        'id', refund.id, 'status', refund.status, 'amount', made.json -> '$.amount',
        'moved', made.json ->> '$.balance_transaction', 'back', made.json ->> '$.failure_balance_transaction',
        'metadata', json(made.json -> '$.metadata')))
      FROM object AS refund JOIN state AS made ON made.seq = refund.state WHERE refund.payment_intent = intent.id AND refund.kind = 'refund'),
    'disputes', (
      SELECT json_group_array(json_object(
        'id', dispute.id, 'status', dispute.status, 'amount', made.json -> '$.amount',
        'lines', json(made.json -> '$.balance_transactions')))
      FROM object AS dispute JOIN state AS made ON made.seq = dispute.state WHERE dispute.payment_intent = intent.id AND dispute.kind = 'dispute'),
    'balance', (
      SELECT json_group_array(json_object(
        'id', line.id, 'source', line.source, 'gross', made.json -> '$.amount', 'fee', made.json -> '$.fee',
        'currency', line.currency,
        'payout', (SELECT payout FROM paid_out WHERE paid_out.seq = line.seq)))
      FROM object AS line JOIN state AS made ON made.seq = line.state
      WHERE line.kind = 'balance_transaction' AND line.source IN (
        SELECT cause.id FROM object AS cause
        WHERE cause.payment_intent = intent.id AND cause.kind IN ('charge', 'refund', 'dispute')))
  ) AS line
  FROM object AS intent JOIN state ON state.seq = intent.state WHERE intent.kind = 'payment_intent' AND intent.seq > ? ORDER BY intent.seq LIMIT ?`;

type Columns = [
  created: number,
  status: string | null,
  customer: string | null,
  intent: string | null,
  charge: string | null,
  type: string | null,
  source: string | null,
  currency: string | null,
];

/** What stands beside the JSON: `created, status, customer, payment_intent, charge, type, source, currency`. */
export const columns = (object: Stored): Columns => {
  switch (object.object) {
    case 'payment_intent':
      return [object.created, object.status, idOf(object.customer), null, null, null, null, object.currency];
    case 'charge': {
      const { created, status, currency } = object;
      return [created, status, idOf(object.customer), idOf(object.payment_intent), null, null, null, currency];
    }
    case 'refund': {
      const { created, status, currency } = object;
      return [created, status, null, idOf(object.payment_intent), idOf(object.charge), null, null, currency];
    }
    case 'dispute': {
      const { created, status, currency } = object;
      return [created, status, null, idOf(object.payment_intent), idOf(object.charge), null, null, currency];
    }
    case 'balance_transaction':
      return [object.created, null, null, null, null, object.type, idOf(object.source), object.currency];
    case 'payout':
      return [object.created, object.status, null, null, null, null, null, object.currency];
    case 'setup_intent':
      return [object.created, object.status, idOf(object.customer), null, null, null, null, null];
    case 'setup_attempt':
      return [object.created, object.status, idOf(object.customer), null, null, null, idOf(object.setup_intent), null];
    case 'token':
    case 'confirmation_token':
      return [object.created, null, null, null, null, null, null, null];
    case 'radar.early_fraud_warning': {
      const { created, fraud_type: type } = object;
      return [created, null, null, idOf(object.payment_intent ?? null), idOf(object.charge), type, null, null];
    }
    case 'payment_method':
      return [object.created, null, idOf(object.customer), null, null, object.type, null, null];
    case 'webhook_endpoint':
      return object.deleted === true
        ? [0, 'deleted', null, null, null, null, null, null]
        : [object.created, null, null, null, null, null, null, null];
    case 'customer':
      return object.deleted === true
        ? [0, 'deleted', null, null, null, null, null, null]
        : [object.created, null, null, null, null, null, null, null];
  }
};

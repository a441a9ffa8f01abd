import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Stripe } from 'stripe';
import { idOf } from './ids.ts';

/** The objects that the sandbox keeps; `object` tells them apart, as in Stripe's own replies. */
export type Stored =
  | Stripe.PaymentIntent
  | Stripe.Charge
  | Stripe.BalanceTransaction
  | Stripe.Customer
  | Stripe.DeletedCustomer
  | Stripe.PaymentMethod
  | Stripe.Refund
  | Stripe.Dispute
  | Stripe.Payout
  | Stripe.WebhookEndpoint
  | Stripe.DeletedWebhookEndpoint;
export type Kind = Stored['object'];
export type ObjectOf<K extends Kind> = Extract<Stored, { object: K }>;

/** What lists may be narrowed by, each a column of its own, but for the payout of a balance transaction. */
export type Filter = 'customer' | 'payment_intent' | 'charge' | 'type' | 'source' | 'currency' | 'status' | 'payout';

export interface Query {
  readonly kind: Kind | 'event';
  readonly where: readonly (readonly [Filter | 'created', '=' | '>' | '>=' | '<' | '<=', string | number])[];
  readonly types?: readonly string[] | undefined;
  readonly limit: number;
  /** Rows made before this one (older) or after it (newer). */
  readonly olderThan?: number | undefined;
  readonly newerThan?: number | undefined;
}

/** An event: `state` is the object that it tells of, `previous` what its change replaced, `request` what caused it. */
export interface StoredEvent {
  readonly id: string;
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

export interface Timer {
  readonly seq: number;
  readonly dueMs: number;
  readonly task: string;
  readonly object: string;
}

/** The state of the sandbox, in one file of SQLite's. */
export interface Store {
  /** Runs `work` in one transaction, or in the one that is open: all that it writes is there after a crash, or nothing. */
  readonly transaction: <T>(work: () => T) => T;
  /** Writes the object, new or changed; answers which state of it that is. */
  readonly put: (object: Stored, hidden?: string) => StateId;
  readonly get: <K extends Kind>(kind: K, id: string) => ObjectOf<K> | undefined;
  /**
   * What an object does not show: the test card behind a payment method, the secret of an endpoint; and whether a
   * payment method was used up.
   */
  readonly hidden: (id: string) => { value: string; spent: boolean } | undefined;
  readonly hide: (id: string, value: string) => void;
  readonly spend: (paymentMethod: string) => void;
  /** The place of an object in its kind's order, for lists. */
  readonly position: (kind: Kind | 'event', id: string) => number | undefined;
  readonly list: <K extends Kind>(query: Query & { kind: K }) => ObjectOf<K>[];
  readonly putEvent: (event: Omit<StoredEvent, 'state'> & { readonly state: StateId }) => void;
  readonly getEvent: (id: string) => StoredEvent | undefined;
  readonly listEvents: (query: Query & { kind: 'event' }) => StoredEvent[];
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
  /** How many deliveries are left to be made. */
  readonly pendingDeliveries: () => number;
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
  /** A page of what a reconciling proof wants to know of every intent, oldest first. */
  readonly exportIntents: (afterSeq: number, limit: number) => { seq: number; line: string }[];
  readonly close: () => void;
}

/**
 * A state is the JSON of an object as it stood at some moment; it is written once and never changes. An object points to
 * its latest state, an event to the one that it tells of. Beside the pointer stands what lists are narrowed by; `seq` is
 * the order of creation, which `created`, in whole seconds, cannot give.
 */
const SCHEMA = `
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
    state INTEGER NOT NULL REFERENCES state
  );
  CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, seq);
  CREATE INDEX IF NOT EXISTS object_by_customer ON object (customer, kind, seq) WHERE customer IS NOT NULL;
  CREATE INDEX IF NOT EXISTS object_by_intent ON object (payment_intent, kind, seq) WHERE payment_intent IS NOT NULL;
  CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    created INTEGER NOT NULL,
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
  CREATE TABLE IF NOT EXISTS paid_out (seq INTEGER PRIMARY KEY REFERENCES object, payout TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS paid_out_by_payout ON paid_out (payout, seq);
  CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

/** Counts up with each change of the tables: a sandbox's past is not worth a migration. */
const SCHEMA_VERSION = 1;

type Row = Record<string, SQLInputValue>;
const asText = (row: Row, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : '';
};
const asNumber = (row: Row, column: string): number => Number(row[column] ?? 0);

/** Opens the store, new or as it was left. Throws where the file is another's, or in use by another sandbox. */
export const openStore = (file: string): Store => {
  const database = new DatabaseSync(file);
  // A write is handed to the system before its reply leaves, so a killed sandbox forgets nothing; only a machine that
  // loses power may forget the last of them (FULL instead of NORMAL), which a sandbox can afford. EXCLUSIVE spares the
  // locks of each transaction, and keeps a second sandbox off the same file. The log is
  // folded back every 16 MiB.
  database.exec(`
    PRAGMA busy_timeout = 5000;
    PRAGMA locking_mode = EXCLUSIVE;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 4096;
  `);
  const version = asNumber(database.prepare('PRAGMA user_version').get() ?? {}, 'user_version');
  const isNew = database.prepare('SELECT 1 FROM sqlite_schema').get() === undefined;
  if (!isNew && version !== SCHEMA_VERSION) {
    throw new Error('it was made by another version of the sandbox; remove it, or choose another DATA_DIR');
  }
  database.exec(`${SCHEMA}; PRAGMA user_version = ${SCHEMA_VERSION}`);

  const prepared = new Map<string, StatementSync>();
  const sql = (statement: string): StatementSync => {
    let held = prepared.get(statement);
    if (held === undefined) prepared.set(statement, (held = database.prepare(statement)));
    return held;
  };

  const insertObject = sql(`INSERT INTO object
    (id, kind, created, status, customer, payment_intent, charge, type, source, currency, hidden, state)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, customer = excluded.customer, state = excluded.state`);
  const insertState = sql('INSERT INTO state (json) VALUES (?)');
  const selectObject = sql(
    'SELECT json FROM object JOIN state ON state.seq = object.state WHERE object.id = ? AND object.kind = ?',
  );
  const insertEvent = sql('INSERT INTO event (id, type, created, state, previous, request) VALUES (?, ?, ?, ?, ?, ?)');
  const selectReply = sql('SELECT * FROM kept_reply WHERE key = ?');
  const insertReply = sql('INSERT OR REPLACE INTO kept_reply VALUES (?, ?, ?, ?, ?, ?, ?)');
  const selectDue = sql('SELECT * FROM timer WHERE due_ms <= ? ORDER BY due_ms, seq LIMIT ?');
  const begin = sql('BEGIN IMMEDIATE');
  const commit = sql('COMMIT');
  const rollback = sql('ROLLBACK');

  const find = (query: Query): Row[] => {
    const table = query.kind === 'event' ? 'event' : 'object';
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    const add = (condition: string, ...given: (string | number)[]): void => {
      conditions.push(condition);
      values.push(...given);
    };
    if (table === 'object') add("kind = ? AND status IS NOT 'deleted'", query.kind);
    for (const [column, operator, value] of query.where)
      if (column === 'payout') add('listed.seq IN (SELECT seq FROM paid_out WHERE payout = ?)', value);
      else add(`${column} ${operator} ?`, value);
    if (query.types !== undefined) add(`type IN (${query.types.map(() => '?').join(', ')})`, ...query.types);
    if (query.olderThan !== undefined) add('listed.seq < ?', query.olderThan);
    if (query.newerThan !== undefined) add('listed.seq > ?', query.newerThan);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const order = query.newerThan === undefined ? 'DESC' : 'ASC';
    return sql(
      `SELECT listed.*, json FROM ${table} AS listed JOIN state ON state.seq = listed.state ${where}
       ORDER BY listed.seq ${order} LIMIT ?`,
    ).all(...values, query.limit);
  };

  // The only casts of the sandbox: each row was written by `put` from an object of that very type.
  const read = <K extends Kind>(row: Row): ObjectOf<K> => JSON.parse(asText(row, 'json')) as ObjectOf<K>;
  const readEvent = (row: Row): StoredEvent => ({
    id: asText(row, 'id'),
    type: asText(row, 'type'),
    created: asNumber(row, 'created'),
    state: asText(row, 'json'),
    previous: typeof row['previous'] === 'string' ? row['previous'] : null,
    request: asText(row, 'request'),
  });

  return {
    transaction: (work) => {
      if (database.isTransaction) return work();
      begin.run();
      try {
        const result = work();
        commit.run();
        return result;
      } catch (cause) {
        rollback.run();
        throw cause;
      }
    },
    put: (object, hidden) => {
      const state = insertState.run(JSON.stringify(object)).lastInsertRowid;
      insertObject.run(object.id, object.object, ...columns(object), hidden ?? null, state);
      return state;
    },
    get: (kind, id) => {
      const row = selectObject.get(id, kind);
      return row === undefined ? undefined : read(row);
    },
    hidden: (id) => {
      const row = sql('SELECT hidden, spent FROM object WHERE id = ?').get(id);
      return row === undefined ? undefined : { value: asText(row, 'hidden'), spent: asNumber(row, 'spent') === 1 };
    },
    hide: (id, value) => {
      sql('UPDATE object SET hidden = ? WHERE id = ?').run(value, id);
    },
    spend: (paymentMethod) => {
      sql('UPDATE object SET spent = 1 WHERE id = ?').run(paymentMethod);
    },
    position: (kind, id) => {
      const row =
        kind === 'event'
          ? sql('SELECT seq FROM event WHERE id = ?').get(id)
          : sql('SELECT seq FROM object WHERE id = ? AND kind = ?').get(id, kind);
      return row === undefined ? undefined : asNumber(row, 'seq');
    },
    list: (query) => find(query).map((row) => read(row)),
    putEvent: (event) => {
      insertEvent.run(event.id, event.type, event.created, event.state, event.previous, event.request);
    },
    getEvent: (id) => {
      const row = sql('SELECT event.*, json FROM event JOIN state ON state.seq = event.state WHERE id = ?').get(id);
      return row === undefined ? undefined : readEvent(row);
    },
    listEvents: (query) => find(query).map(readEvent),
    keptReply: (key) => {
      const row = selectReply.get(key);
      return row === undefined
        ? undefined
        : {
            path: asText(row, 'path'),
            paramsHash: asText(row, 'params_hash'),
            requestId: asText(row, 'request_id'),
            status: asNumber(row, 'status'),
            body: asText(row, 'body'),
            createdMs: asNumber(row, 'created_ms'),
          };
    },
    keepReply: (key, { path, paramsHash, requestId, status, body, createdMs }) => {
      insertReply.run(key, path, paramsHash, requestId, status, body, createdMs);
    },
    forgetReplies: (beforeMs) => {
      sql('DELETE FROM kept_reply WHERE created_ms <= ?').run(beforeMs);
    },
    schedule: (dueMs, task, object) => {
      sql('INSERT INTO timer (due_ms, task, object) VALUES (?, ?, ?)').run(dueMs, task, object);
    },
    takeTimers: (nowMs, limit) =>
      selectDue.all(nowMs, limit).map((row) => {
        const seq = asNumber(row, 'seq');
        sql('DELETE FROM timer WHERE seq = ?').run(seq);
        return { seq, dueMs: asNumber(row, 'due_ms'), task: asText(row, 'task'), object: asText(row, 'object') };
      }),
    addDelivery: (event, endpoint, dueMs) => {
      sql('INSERT INTO delivery (event, endpoint, due_ms) VALUES (?, ?, ?)').run(event, endpoint, Math.ceil(dueMs));
    },
    dueDeliveries: (nowMs, limit) =>
      sql('SELECT * FROM delivery WHERE due_ms <= ? ORDER BY due_ms, seq LIMIT ?')
        .all(nowMs, limit)
        .map((row) => ({
          seq: asNumber(row, 'seq'),
          event: asText(row, 'event'),
          endpoint: asText(row, 'endpoint'),
          attempt: asNumber(row, 'attempt'),
        })),
    retryDelivery: (seq, dueMs) => {
      sql('UPDATE delivery SET attempt = attempt + 1, due_ms = ? WHERE seq = ?').run(dueMs, seq);
    },
    dropDelivery: (seq) => {
      sql('DELETE FROM delivery WHERE seq = ?').run(seq);
    },
    pendingDeliveries: () => asNumber(sql('SELECT count(*) AS n FROM delivery').get() ?? {}, 'n'),
    nextDueMs: () => {
      const row = sql('SELECT due_ms FROM timer ORDER BY due_ms, seq LIMIT 1').get();
      return row === undefined ? undefined : asNumber(row, 'due_ms');
    },
    getNumber: (name) => asNumber(sql('SELECT value FROM number WHERE name = ?').get(name) ?? {}, 'value'),
    setNumber: (name, value) => {
      sql('INSERT OR REPLACE INTO number VALUES (?, ?)').run(name, value);
    },
    balances: (nowS) =>
      sql(BALANCES)
        .all(nowS, nowS)
        .map((row) => ({
          currency: asText(row, 'currency'),
          available: asNumber(row, 'available'),
          pending: asNumber(row, 'pending'),
        })),
    payable: (currency, nowS) =>
      asNumber(sql(`SELECT sum(json ->> '$.net') AS sum ${PAYABLE}`).get(currency, nowS) ?? {}, 'sum'),
    payOut: (payout, currency, nowS) => {
      sql(`INSERT INTO paid_out (seq, payout) SELECT object.seq, ? ${PAYABLE}`).run(payout, currency, nowS);
    },
    tie: (transaction, payout) => {
      sql('INSERT INTO paid_out (seq, payout) SELECT seq, ? FROM object WHERE id = ?').run(payout, transaction);
    },
    counts: () =>
      Object.fromEntries(
        sql('SELECT kind, status, count(*) AS n FROM object WHERE status IS NOT NULL GROUP BY kind, status')
          .all()
          .map((row) => [`${asText(row, 'kind')}.${asText(row, 'status')}`, asNumber(row, 'n')]),
      ),
    exportIntents: (afterSeq, limit) =>
      sql(EXPORT)
        .all(afterSeq, limit)
        .map((row) => ({ seq: asNumber(row, 'seq'), line: asText(row, 'line') })),
    close: () => {
      database.close();
    },
  };
};

const BALANCES = `
  SELECT currency, sum(iif(json ->> '$.available_on' <= ?, json ->> '$.net', 0)) AS available,
    sum(iif(json ->> '$.available_on' > ?, json ->> '$.net', 0)) AS pending
  FROM object JOIN state ON state.seq = object.state WHERE kind = 'balance_transaction' GROUP BY currency ORDER BY currency`;

const PAYABLE = `
  FROM object JOIN state ON state.seq = object.state
  WHERE kind = 'balance_transaction' AND currency = ? AND json ->> '$.available_on' <= ?
    AND object.seq NOT IN (SELECT seq FROM paid_out)`;

const EXPORT = `
  SELECT intent.seq, json_object(
    'id', intent.id, 'status', intent.status, 'created', intent.created, 'currency', intent.currency,
    'amount', state.json -> '$.amount', 'amount_received', state.json -> '$.amount_received',
    'customer', intent.customer, 'metadata', json(state.json -> '$.metadata'),
    'latest_charge', state.json ->> '$.latest_charge',
    'charges', (
      SELECT json_group_array(json_object(
        'id', charge.id, 'status', charge.status, 'captured', json(made.json -> '$.captured'),
        'amount_captured', made.json -> '$.amount_captured', 'amount_refunded', made.json -> '$.amount_refunded',
        'disputed', json(made.json -> '$.disputed'), 'balance_transaction', made.json ->> '$.balance_transaction'))
      FROM object AS charge JOIN state AS made ON made.seq = charge.state WHERE charge.payment_intent = intent.id AND charge.kind = 'charge'),
    'balance', (
      SELECT json_group_array(json_object(
        'id', line.id, 'gross', made.json -> '$.amount', 'fee', made.json -> '$.fee', 'currency', line.currency,
        'payout', (SELECT payout FROM paid_out WHERE paid_out.seq = line.seq)))
      FROM object AS line JOIN state AS made ON made.seq = line.state WHERE line.id IN (
        SELECT part.value FROM object AS cause JOIN state AS told ON told.seq = cause.state, json_each(json_array(
          told.json ->> '$.balance_transaction', told.json ->> '$.failure_balance_transaction',
          told.json ->> '$.balance_transactions[0].id', told.json ->> '$.balance_transactions[1].id')) AS part
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
const columns = (object: Stored): Columns => {
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

import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Stripe } from 'stripe';

/** The objects that the sandbox keeps; `object` tells them apart, as in Stripe's own replies. */
export type Stored =
  | Stripe.PaymentIntent
  | Stripe.Charge
  | Stripe.BalanceTransaction
  | Stripe.Customer
  | Stripe.DeletedCustomer
  | Stripe.PaymentMethod
  | Stripe.Refund
  | Stripe.Dispute;
export type Kind = Stored['object'];
export type ObjectOf<K extends Kind> = Extract<Stored, { object: K }>;

/** What lists may be narrowed by, each a column of its own. */
export type Filter = 'customer' | 'payment_intent' | 'charge' | 'type' | 'source' | 'currency';

export interface Query {
  readonly kind: Kind | 'event';
  readonly where: readonly (readonly [Filter | 'created', '=' | '>' | '>=' | '<' | '<=', string | number])[];
  readonly types?: readonly string[] | undefined;
  readonly limit: number;
  /** Rows made before this one (older) or after it (newer). */
  readonly olderThan?: number | undefined;
  readonly newerThan?: number | undefined;
}

export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly created: number;
  readonly data: string;
  readonly request: string;
}

export interface KeptReply {
  readonly path: string;
  readonly paramsHash: string;
  readonly requestId: string;
  readonly status: number;
  readonly body: string;
  readonly createdMs: number;
}

export interface Timer {
  readonly seq: number;
  readonly dueMs: number;
  readonly task: string;
  readonly object: string;
}

/** The state of the sandbox, in one file of SQLite's. */
export interface Store {
  /** Runs `work` in one transaction: all that it writes is there after a crash, or nothing of it. */
  readonly transaction: <T>(work: () => T) => T;
  /** Writes the object, new or changed; answers the JSON that was written. */
  readonly put: (object: Stored, testCard?: string) => string;
  readonly get: <K extends Kind>(kind: K, id: string) => ObjectOf<K> | undefined;
  /** Which test card stands behind a payment method, and whether it may still be used without a customer. */
  readonly testCard: (paymentMethod: string) => { name: string; spent: boolean } | undefined;
  readonly spend: (paymentMethod: string) => void;
  /** The place of an object in its kind's order, for lists. */
  readonly position: (kind: Kind | 'event', id: string) => number | undefined;
  readonly list: <K extends Kind>(query: Query & { kind: K }) => ObjectOf<K>[];
  readonly putEvent: (event: StoredEvent) => void;
  readonly getEvent: (id: string) => StoredEvent | undefined;
  readonly listEvents: (query: Query & { kind: 'event' }) => StoredEvent[];
  readonly keptReply: (key: string) => KeptReply | undefined;
  readonly keepReply: (key: string, reply: KeptReply) => void;
  readonly forgetReplies: (beforeMs: number) => void;
  readonly schedule: (dueMs: number, task: string, object: string) => void;
  /** The due timers, oldest first, taken off the list. */
  readonly takeTimers: (nowMs: number, limit: number) => Timer[];
  readonly nextDueMs: () => number | undefined;
  readonly getNumber: (name: string) => number;
  readonly setNumber: (name: string, value: number) => void;
  /** The balance of each currency, from its transactions' nets. */
  readonly balances: (nowS: number) => { currency: string; available: number; pending: number }[];
  readonly counts: () => Record<string, number>;
  /** A page of what a reconciling proof wants to know of every intent, oldest first. */
  readonly exportIntents: (afterSeq: number, limit: number) => { seq: number; line: string }[];
  readonly close: () => void;
}

/**
 * One table for all objects: the JSON as it is answered, and beside it what lists are narrowed by. `seq` is the order of
 * creation, which `created`, in whole seconds, cannot give.
 */
const SCHEMA = `
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
    test_card TEXT,
    spent INTEGER NOT NULL DEFAULT 0,
    json TEXT NOT NULL
  );
  CREATE INDEX IF NOT EXISTS object_by_kind ON object (kind, seq);
  CREATE INDEX IF NOT EXISTS object_by_status ON object (kind, status) WHERE status IS NOT NULL;
  CREATE INDEX IF NOT EXISTS object_by_customer ON object (customer, kind, seq) WHERE customer IS NOT NULL;
  CREATE INDEX IF NOT EXISTS object_by_intent ON object (payment_intent, kind, seq) WHERE payment_intent IS NOT NULL;
  CREATE TABLE IF NOT EXISTS event (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    created INTEGER NOT NULL,
    data TEXT NOT NULL,
    request TEXT NOT NULL
  );
  CREATE TABLE IF NOT EXISTS kept_reply (
    key TEXT PRIMARY KEY,
    path TEXT NOT NULL,
    params_hash TEXT NOT NULL,
    request_id TEXT NOT NULL,
    status INTEGER NOT NULL,
    body TEXT NOT NULL,
    created_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS kept_reply_by_age ON kept_reply (created_ms);
  CREATE TABLE IF NOT EXISTS timer (seq INTEGER PRIMARY KEY, due_ms INTEGER NOT NULL, task TEXT NOT NULL, object TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS timer_by_due ON timer (due_ms, seq);
  CREATE TABLE IF NOT EXISTS number (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
`;

type Row = Record<string, SQLInputValue>;
const asText = (row: Row, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : '';
};
const asNumber = (row: Row, column: string): number => Number(row[column] ?? 0);

export const openStore = (file: string): Store => {
  const database = new DatabaseSync(file);
  // A write is handed to the system before its reply leaves, so a killed sandbox forgets nothing; only a machine that
  // loses power may forget the last of them (FULL instead of NORMAL), which a sandbox can afford.
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA busy_timeout = 5000;');
  database.exec(SCHEMA);

  const prepared = new Map<string, StatementSync>();
  const sql = (statement: string): StatementSync => {
    let held = prepared.get(statement);
    if (held === undefined) prepared.set(statement, (held = database.prepare(statement)));
    return held;
  };

  const insertObject = sql(`INSERT INTO object
    (id, kind, created, status, customer, payment_intent, charge, type, source, currency, test_card, json)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (id) DO UPDATE SET status = excluded.status, customer = excluded.customer, json = excluded.json`);
  const selectObject = sql('SELECT json FROM object WHERE id = ? AND kind = ?');
  const insertEvent = sql('INSERT INTO event (id, type, created, data, request) VALUES (?, ?, ?, ?, ?)');
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
    for (const [column, operator, value] of query.where) add(`${column} ${operator} ?`, value);
    if (query.types !== undefined) add(`type IN (${query.types.map(() => '?').join(', ')})`, ...query.types);
    if (query.olderThan !== undefined) add('seq < ?', query.olderThan);
    if (query.newerThan !== undefined) add('seq > ?', query.newerThan);
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`;
    const order = query.newerThan === undefined ? 'DESC' : 'ASC';
    return sql(`SELECT * FROM ${table} ${where} ORDER BY seq ${order} LIMIT ?`).all(...values, query.limit);
  };

  // The only casts of the sandbox: each row was written by `put` from an object of that very type.
  const read = <K extends Kind>(row: Row): ObjectOf<K> => JSON.parse(asText(row, 'json')) as ObjectOf<K>;
  const readEvent = (row: Row): StoredEvent => ({
    id: asText(row, 'id'),
    type: asText(row, 'type'),
    created: asNumber(row, 'created'),
    data: asText(row, 'data'),
    request: asText(row, 'request'),
  });

  return {
    transaction: (work) => {
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
    put: (object, testCard) => {
      const json = JSON.stringify(object);
      insertObject.run(object.id, object.object, ...columns(object), testCard ?? null, json);
      return json;
    },
    get: (kind, id) => {
      const row = selectObject.get(id, kind);
      return row === undefined ? undefined : read(row);
    },
    testCard: (paymentMethod) => {
      const row = sql('SELECT test_card, spent FROM object WHERE id = ?').get(paymentMethod);
      return row === undefined ? undefined : { name: asText(row, 'test_card'), spent: asNumber(row, 'spent') === 1 };
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
      insertEvent.run(event.id, event.type, event.created, event.data, event.request);
    },
    getEvent: (id) => {
      const row = sql('SELECT * FROM event WHERE id = ?').get(id);
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
  FROM object WHERE kind = 'balance_transaction' GROUP BY currency ORDER BY currency`;

const EXPORT = `
  SELECT intent.seq, json_object(
    'id', intent.id, 'status', intent.status, 'created', intent.created, 'currency', intent.currency,
    'amount', intent.json -> '$.amount', 'amount_received', intent.json -> '$.amount_received',
    'customer', intent.customer, 'metadata', json(intent.json -> '$.metadata'),
    'latest_charge', intent.json ->> '$.latest_charge',
    'charges', (
      SELECT json_group_array(json_object(
        'id', charge.id, 'status', charge.status, 'captured', json(charge.json -> '$.captured'),
        'amount_captured', charge.json -> '$.amount_captured', 'amount_refunded', charge.json -> '$.amount_refunded',
        'disputed', json(charge.json -> '$.disputed'), 'balance_transaction', charge.json ->> '$.balance_transaction'))
      FROM object AS charge WHERE charge.payment_intent = intent.id AND charge.kind = 'charge')
  ) AS line
  FROM object AS intent WHERE intent.kind = 'payment_intent' AND intent.seq > ? ORDER BY intent.seq LIMIT ?`;

const idOf = (reference: string | { id: string } | null | undefined): string | null =>
  typeof reference === 'string' ? reference : (reference?.id ?? null);

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
    case 'payment_method':
      return [object.created, null, idOf(object.customer), null, null, object.type, null, null];
    case 'customer':
      return object.deleted === true
        ? [0, 'deleted', null, null, null, null, null, null]
        : [object.created, null, null, null, null, null, null, null];
  }
};

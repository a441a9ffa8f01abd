/** The store of the sandbox in one file of SQLite's. */
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { BALANCES, columns, EXPORT, PAYABLE, SCHEMA, SCHEMA_VERSION } from './sqlite-schema.ts';
import type { Condition, ObjectOf, Kind, Query, Store, StoredEvent } from './store.ts';

type Row = Record<string, SQLInputValue>;
const asText = (row: Row, column: string): string => {
  const value = row[column];
  return typeof value === 'string' ? value : '';
};
const asNumber = (row: Row, column: string): number => Number(row[column] ?? 0);

/** What no column holds. */
const IN_JSON: ReadonlySet<string> = new Set([
  ...['email', 'transfer_group', 'allow_redisplay', 'destination', 'payment_method', 'arrival_date'],
]);

/** What Stripe's search calls a charge: wholly refunded is true, in part is false, and not at all is null. */
const REFUNDED = `CASE WHEN json ->> '$.refunded' THEN 'true' WHEN json ->> '$.amount_refunded' > 0 THEN 'false' ELSE 'null' END`;

const conditionOf = ({ place, operator, value, negated }: Condition): { sql: string; values: (string | number)[] } => {
  const not = negated ? 'NOT ' : '';
  switch (operator) {
    case 'is null':
      return { sql: `${not}(json ->> ? IS NULL)`, values: [place] };
    case 'is':
      return { sql: `${not}coalesce(lower(CAST(json ->> ? AS TEXT)) = lower(?), false)`, values: [place, value] };
    case 'has words':
      return {
        sql: `${not}coalesce(instr(' ' || lower(json ->> ?) || ' ', lower(?)) > 0, false)`,
        values: [place, ` ${value} `],
      };
    case 'has part':
      return { sql: `${not}coalesce(instr(lower(json ->> ?), lower(?)) > 0, false)`, values: [place, value] };
    case 'is refunded':
      return { sql: `${not}(${REFUNDED} = ?)`, values: [value] };
    case '=':
    case '>':
    case '>=':
    case '<':
    case '<=':
      return { sql: `${not}coalesce(json ->> ? ${operator} ?, false)`, values: [place, value] };
  }
};

/** Opens the store, new or as it was left. Throws where the file is another's, or in use by another sandbox. */
export const openStore = (file: string): Store => {
  // It holds client secrets. Its log takes the rights of the file, whose owner may be another where it was there before.
  if (file !== ':memory:') closeSync(openSync(file, 'a', 0o600));
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
  const insertEvent = sql(
    'INSERT INTO event (id, type, created, object, state, previous, request) VALUES (?, ?, ?, ?, ?, ?, ?)',
  );
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
      else if (IN_JSON.has(column)) add(`json ->> '$.${column}' ${operator} ?`, value);
      else add(`${column} ${operator} ?`, value);
    if (query.types !== undefined) {
      const alternatives = query.types.map((type) => (type.endsWith('*') ? 'type GLOB ?' : 'type = ?'));
      add(`(${alternatives.join(' OR ')})`, ...query.types);
    }
    if (query.delivered === true) add('listed.id NOT IN (SELECT event FROM delivery)');
    if (query.delivered === false) add('listed.id IN (SELECT event FROM delivery WHERE attempt > 0)');
    if (query.search !== undefined) {
      const parts = query.search.conditions.map(conditionOf);
      const joined = parts.map(({ sql: condition }) => condition).join(query.search.all ? ' AND ' : ' OR ');
      add(`(${joined})`, ...parts.flatMap(({ values: given }) => given));
    }
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
    object: asText(row, 'object'),
    type: asText(row, 'type'),
    created: asNumber(row, 'created'),
    state: asText(row, 'json'),
    previous: typeof row['previous'] === 'string' ? row['previous'] : null,
    request: asText(row, 'request'),
  });

  return {
    file: resolve(file),
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
      const row = sql('SELECT hidden, spent, set_up FROM object WHERE id = ?').get(id);
      return row === undefined
        ? undefined
        : {
            value: asText(row, 'hidden'),
            spent: asNumber(row, 'spent') === 1,
            setUp: asNumber(row, 'set_up') === 1,
          };
    },
    hide: (id, value) => {
      sql('UPDATE object SET hidden = ? WHERE id = ?').run(value, id);
    },
    spend: (paymentMethod) => {
      sql('UPDATE object SET spent = 1 WHERE id = ?').run(paymentMethod);
    },
    setUp: (paymentMethod) => {
      sql('UPDATE object SET set_up = 1 WHERE id = ?').run(paymentMethod);
    },
    position: (kind, id) => {
      const row =
        kind === 'event'
          ? sql('SELECT seq FROM event WHERE id = ?').get(id)
          : sql('SELECT seq FROM object WHERE id = ? AND kind = ?').get(id, kind);
      return row === undefined ? undefined : asNumber(row, 'seq');
    },
    list: (query) => find(query).map((row) => read(row)),
    search: (query) => find(query).map((row) => ({ seq: asNumber(row, 'seq'), object: read(row) })),
    putEvent: (event) => {
      insertEvent.run(event.id, event.type, event.created, event.object, event.state, event.previous, event.request);
    },
    getEvent: (id) => {
      const row = sql('SELECT event.*, json FROM event JOIN state ON state.seq = event.state WHERE id = ?').get(id);
      return row === undefined ? undefined : readEvent(row);
    },
    listEvents: (query) => find(query).map(readEvent),
    eventsOf: (objects) =>
      sql(
        `SELECT event.*, json FROM event JOIN state ON state.seq = event.state
         WHERE object IN (${objects.map(() => '?').join(', ')}) ORDER BY event.seq`,
      )
        .all(...objects)
        .map(readEvent),
    getAny: (id) => {
      const row = sql('SELECT json FROM object JOIN state ON state.seq = object.state WHERE object.id = ?').get(id);
      return row === undefined ? undefined : read(row);
    },
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
    pendingDeliveries: (event) =>
      asNumber(
        (event === undefined
          ? sql('SELECT count(*) AS n FROM delivery').get()
          : sql('SELECT count(*) AS n FROM delivery WHERE event = ?').get(event)) ?? {},
        'n',
      ),
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
      sql('INSERT OR REPLACE INTO paid_out (seq, payout) SELECT seq, ? FROM object WHERE id = ?').run(
        payout,
        transaction,
      );
    },
    counts: () =>
      Object.fromEntries(
        sql('SELECT kind, status, count(*) AS n FROM object WHERE status IS NOT NULL GROUP BY kind, status')
          .all()
          .map((row) => [`${asText(row, 'kind')}.${asText(row, 'status')}`, asNumber(row, 'n')]),
      ),
    countOf: (kind) =>
      asNumber(sql("SELECT count(*) AS n FROM object WHERE kind = ? AND status IS NOT 'deleted'").get(kind) ?? {}, 'n'),
    exportIntents: (afterSeq, limit) =>
      sql(EXPORT)
        .all(afterSeq, limit)
        .map((row) => ({ seq: asNumber(row, 'seq'), line: asText(row, 'line') })),
    close: () => {
      database.close();
    },
  };
};

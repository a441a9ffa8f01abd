/** Committers on a database of their own, and the changes that are sent through them. */
import { Writable } from 'node:stream';
import { ok } from 'neverthrow';
import pg from 'pg';
import type { Applied, Change, Claim } from '../../src/domain/change.ts';
import { parseCurrency, type Currency } from '../../src/domain/currency.ts';
import { newId, platformAccountId, walletId, type CustomerId, type MerchantId } from '../../src/domain/ids.ts';
import type { ClaimId } from '../../src/domain/payment.ts';
import { jsonReply } from '../../src/domain/reply.ts';
import { systemClock, type Clock } from '../../src/domain/time.ts';
import type { Transfer } from '../../src/domain/transfer.ts';
import type { PaymentError } from '../../src/error.ts';
import { createLogger } from '../../src/log.ts';
import { createCommitter, type Committer } from '../../src/storage/commit.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../../src/storage/database.ts';
import { createKeys } from '../../src/storage/keys.ts';
import type { BatchStats } from '../../src/storage/lane.ts';
import { afterSuite } from '../support/cleanup.ts';

export const USD: Currency = parseCurrency('usd')!;
export const clock: Clock = systemClock();

export interface Instance extends Committer {
  readonly database: Database;
  /** The batches that it has committed or given up. */
  readonly batches: BatchStats[];
  readonly logged: () => string;
}

/** What one process of the service has: a pool, a lane, a committer. */
export const openInstance = (url: string, more: Partial<DatabaseOptions> = {}): Instance => {
  const lines: string[] = [];
  const stream = new Writable({
    write: (chunk, _encoding, done) => {
      lines.push(String(chunk));
      done();
    },
  });
  const log = createLogger('info', stream);
  const database = openDatabase({ url, poolMin: 0, poolMax: 4, acquireTimeoutMs: 3_000, log, ...more });
  const batches: BatchStats[] = [];
  afterSuite(database.close);
  const committer = createCommitter({ database, clock, log, observe: (batch) => batches.push(batch) });
  return { ...committer, database, batches, logged: () => lines.join('') };
};

export interface Sql {
  readonly query: <Row>(text: string, values?: unknown[]) => Promise<Row[]>;
}

/** A way to look, and to interfere, that passes no proxy. */
export const openSql = (url: string): Sql => {
  const pool = new pg.Pool({ connectionString: url, max: 4 });
  pool.on('error', () => undefined);
  afterSuite(() => pool.end());
  return { query: async <Row>(text: string, values: unknown[] = []) => (await pool.query(text, values)).rows as Row[] };
};

export const createMerchant = async ({ database }: Instance, name: string): Promise<MerchantId> =>
  (await createKeys(database.pool).create(name, 'secret', 'test'))._unsafeUnwrap().merchant;

/** A customer, whose wallet holds that much. */
export const createCustomer = async (instance: Instance, merchant: MerchantId, funds = 0n): Promise<CustomerId> => {
  const id = newId('cus');
  const customer = { merchant, id, name: null, email: null, metadata: {}, erasedAt: null, createdAt: clock.now() };
  (await instance.commit({ merchant, customer }))._unsafeUnwrap();
  if (funds > 0n) (await instance.commit({ merchant, transfers: [fund(merchant, id, funds)] }))._unsafeUnwrap();
  return id;
};

export const fund = (merchant: MerchantId, customer: CustomerId, amount: bigint): Transfer => ({
  merchant,
  id: newId('tr'),
  kind: 'payment',
  debit: platformAccountId(merchant, 'stripe_clearing', USD),
  credit: walletId(customer, USD),
  amount,
  currency: USD,
  limit: 'none',
  description: null,
  payment: newId('pay'),
});

let keys = 0;
export const newClaim = (): Claim => {
  const n = (++keys).toString(16).padStart(32, '0');
  return { id: n as ClaimId, key: `key-${n}`, operation: 'POST /v1/debits', requestHash: n };
};

/** The bytes of an answer, be it a success or an error. */
export const bytesOf = ({ answer }: Applied): string | undefined =>
  answer?.match(
    ({ body }) => body,
    ({ kept }) => kept?.body,
  );

/** Spends from the wallet, under a key of its own unless one is given. */
export const spend = (
  merchant: MerchantId,
  customer: CustomerId,
  amount: bigint,
  claim: Claim = newClaim(),
): Change => ({
  merchant,
  claim,
  transfers: [
    {
      ...fund(merchant, customer, amount),
      kind: 'debit',
      debit: walletId(customer, USD),
      credit: platformAccountId(merchant, 'revenue', USD),
      limit: 'available',
      payment: null,
    },
  ],
  answer: ({ transfers }) => ok(jsonReply(201, { id: transfers[0]?.id })),
});

/** How it ended, in a word: `done`, `replayed`, or the error's code with its outcome. */
export const wordFor = (result: {
  match: <T>(ok: (applied: Applied) => T, err: (error: PaymentError) => T) => T;
}): string =>
  result.match(
    ({ kind }) => kind,
    ({ code, outcome }) => `${code} ${outcome}`,
  );

export const send = async (instance: Instance, change: Change): Promise<string> =>
  wordFor(await instance.commit(change));

/** What the wallet holds, and how many transfers it has had. */
export const walletOf = async (sql: Sql, customer: CustomerId): Promise<[number, number]> => {
  const [row] = await sql.query<{ posted: string; sequence: string }>(
    'select credits - debits as posted, sequence from accounts where id = $1',
    [walletId(customer, USD).slice(5)],
  );
  return [Number(row?.posted ?? 0), Number(row?.sequence ?? 0)];
};

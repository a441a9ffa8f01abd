/** Periods: asked for at once, and closed by a job once all that belongs to them is there. */
import { createHash, generateKeyPairSync } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import type { AccountKind } from '../domain/account.ts';
import { idOf, newId, uuidOf, type MerchantId } from '../domain/ids.ts';
import { instantText, type Cut } from '../domain/cut.ts';
import { signPeriod, type PeriodContent, type PeriodFile, type PeriodLine } from '../domain/period.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { StorageError } from '../domain/refusals.ts';
import type { Database } from './database.ts';
import { run } from './failure.ts';
import { finalBefore } from './horizon.ts';
import { findingsOf } from './proof.ts';
import type { DB } from './schema.ts';
import { lastSeal, NOTHING, rowHash, seal, type LastSeal } from './seals.ts';

export interface Period {
  readonly number: number;
  readonly state: 'closing' | 'closed';
  readonly ends: Micros;
  readonly lastDay: string;
  readonly tz: string;
  /** Once it is closed. */
  readonly file: PeriodFile | null;
}

/** Errors of all: `database_unavailable`. */
export interface Periods {
  /** The newest hundred, newest first. */
  readonly list: (merchant: MerchantId) => ResultAsync<Period[], StorageError>;
  /** Undefined where it has none of that number, or it is the open one. */
  readonly find: (merchant: MerchantId, number: number) => ResultAsync<Period | undefined, StorageError>;
  /** Asks for one that ends there; undefined where the last one does not end before that. */
  readonly ask: (
    merchant: MerchantId,
    cut: Cut,
    lastDay: string,
    now: Micros,
  ) => ResultAsync<Period | undefined, StorageError>;
  /** Seals what is final; answers whether there is more. */
  readonly seal: (now: Micros) => ResultAsync<boolean, StorageError>;
  /** Closes one of those that were asked for, and are final; answers whether there was one. */
  readonly close: (now: Micros) => ResultAsync<boolean, StorageError>;
  readonly lastSeal: (merchant: MerchantId) => ResultAsync<LastSeal | null, StorageError>;
  /** What periods are signed with, its public half: Ed25519, SPKI in DER, in base64. */
  readonly publicKey: () => ResultAsync<string, StorageError>;
}

interface Row {
  readonly number: number;
  readonly state: Period['state'];
  readonly ends: Micros;
  readonly asked: string;
  readonly tz: string;
  readonly file: string | null;
}

const periodOf = ({ asked, file, ...row }: Row): Period => ({
  ...row,
  lastDay: asked,
  // The service has written it, and nothing else does.
  file: file === null ? null : (JSON.parse(file) as PeriodFile),
});

export const createPeriods = (database: Pick<Database, 'scan' | 'reading' | 'pool'>): Periods => {
  const { pool } = database;
  return {
    list: (merchant) => run(list(pool, merchant)),
    find: (merchant, number) => run(find(pool, merchant, number)),
    ask: (merchant, cut, lastDay, now) => run(ask(pool, merchant, cut, lastDay, now)),
    seal: (now) => seal(database, now),
    close: (now) => run(closeOne(database, now)),
    lastSeal: (merchant) => run(lastSeal(pool, merchant)),
    publicKey: () => run(signingKey(pool).then((key) => key.publicKey)),
  };
};

const list = async (db: Kysely<DB>, merchant: MerchantId): Promise<Period[]> => {
  const { rows } = await sql<Row>`
    select number, state, ends, asked, tz, file from periods where merchant_id = ${uuidOf(merchant)}::uuid
    order by number desc limit 100`.execute(db);
  return rows.map(periodOf);
};

const find = async (db: Kysely<DB>, merchant: MerchantId, number: number): Promise<Period | undefined> => {
  const { rows } = await sql<Row>`
    select number, state, ends, asked, tz, file from periods
    where merchant_id = ${uuidOf(merchant)}::uuid and number = ${number}::int`.execute(db);
  return rows[0] && periodOf(rows[0]);
};

const ask = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  { before, tz }: Cut,
  lastDay: string,
  now: Micros,
): Promise<Period | undefined> => {
  const { rows } = await sql<Row>`
    insert into periods (merchant_id, number, state, ends, asked, tz, created_at)
    select ${uuidOf(merchant)}::uuid, coalesce(max(number), 0) + 1, 'closing', ${toIsoMicros(before)}::timestamptz,
      ${lastDay}::text, ${tz}::text, ${toIsoMicros(now)}::timestamptz
    from periods where merchant_id = ${uuidOf(merchant)}::uuid
    having max(ends) is null or max(ends) < ${toIsoMicros(before)}::timestamptz
    returning number, state, ends, asked, tz, file`.execute(db);
  return rows[0] && periodOf(rows[0]);
};

interface Open {
  readonly merchant_id: string;
  readonly number: number;
  readonly ends: Micros;
  readonly asked: string;
  readonly tz: string;
}

/**
 * One whose predecessor is closed, since it begins where that ends; and of those, the one whose merchant has waited longest:
 * who asks for a thousand is in nobody's way.
 */
const closeOne = async ({ scan, pool }: Pick<Database, 'scan' | 'pool'>, now: Micros): Promise<boolean> => {
  const { rows: asked } = await sql`select from periods where state = 'closing' limit 1`.execute(pool);
  // A scan may have to wait for another.
  if (asked.length === 0) return false;
  const final = toIsoMicros(await finalBefore(pool, now));
  const closed = await scan(async (db) => {
    const { rows } = await sql<Open>`
      select p.merchant_id, p.number, p.ends, p.asked, p.tz from periods p
      left join periods b on b.merchant_id = p.merchant_id and b.number = p.number - 1
      where p.state = 'closing' and p.ends <= ${final}::timestamptz and (p.number = 1 or b.state = 'closed')
      order by greatest(p.created_at, b.closed_at), p.merchant_id limit 1`.execute(db);
    const [open] = rows;
    return open && { open, made: await madeOf(db, open, await previousOf(db, open)) };
  });
  if (!closed) return false;
  const { open, made } = closed;
  const { privateKey } = await signingKey(pool);
  const file = signPeriod(made, privateKey);
  await sql`
    update periods set state = 'closed', sequence = ${file.sequence}::bigint, hash = ${Buffer.from(file.hash, 'hex')},
      file = ${JSON.stringify(file)}, closed_at = ${toIsoMicros(now)}::timestamptz
    where merchant_id = ${open.merchant_id}::uuid and number = ${open.number} and state = 'closing'`.execute(pool);
  return true;
};

const previousOf = async (db: Kysely<DB>, { merchant_id, number }: Open): Promise<PeriodFile | undefined> => {
  const { rows } = await sql<{ file: string | null }>`
    select file from periods where merchant_id = ${merchant_id}::uuid and number = ${number - 1}`.execute(db);
  return rows[0]?.file ? (JSON.parse(rows[0].file) as PeriodFile) : undefined;
};

/** What it says, all of one snapshot. */
const madeOf = async (db: Kysely<DB>, open: Open, before: PeriodFile | undefined): Promise<PeriodContent> => {
  const merchant = idOf('mer', open.merchant_id);
  const { number, tz, asked } = open;
  const within = sql`t.merchant_id = ${open.merchant_id}::uuid and t.posted_at < ${toIsoMicros(open.ends)}::timestamptz
    ${before ? sql`and t.posted_at >= ${before.ends}::timestamptz` : sql``}`;
  // By the hour, since a value of Postgres' holds less than a year's may be.
  const { rows: hashed } = await sql<{ count: bigint; hash: Buffer }>`
    select coalesce(sum(n), 0)::bigint as count, sha256(coalesce(string_agg(hash, ''::bytea order by hour), ''::bytea)) as hash
    from (
      select floor(extract(epoch from t.posted_at) / 3600) as hour, count(*) as n,
        sha256(string_agg(${rowHash('t')}, ''::bytea order by t.posted_at, t.id)) as hash
      from transfers t where ${within} group by 1) hours`.execute(db);
  const { rows: moved } = await sql<{
    account: string | null;
    kind: AccountKind;
    currency: string;
    debits: bigint;
    credits: bigint;
  }>`
    select case when a.kind = 'wallet' then null else a.id end as account, a.kind, a.currency,
      sum(debit)::bigint as debits, sum(credit)::bigint as credits
    from (select t.debit as id, t.amount as debit, 0 as credit from transfers t where ${within}
      union all select t.credit, 0, t.amount from transfers t where ${within}) legs
    join accounts a on a.merchant_id = ${open.merchant_id}::uuid and a.id = legs.id
    group by 1, 2, 3`.execute(db);
  const previous = before?.hash ?? NOTHING.toString('hex');
  const findings = await findingsOf(db, merchant);
  return {
    object: 'period',
    version: 1,
    merchant,
    number,
    begins: before?.ends ?? null,
    ends: instantText(open.ends),
    last_day: asked,
    tz,
    sequence: (BigInt(before?.sequence ?? 0) + (hashed[0]?.count ?? 0n)).toString(),
    previous_hash: previous,
    hash: createHash('sha256')
      .update(Buffer.from(previous, 'hex'))
      .update(hashed[0]?.hash ?? NOTHING)
      .digest('hex'),
    trial_balance: linesOf(moved, before?.trial_balance ?? []),
    findings: findings.length,
    reconciliation: 'not_run',
  };
};

const linesOf = (
  moved: readonly { account: string | null; kind: AccountKind; currency: string; debits: bigint; credits: bigint }[],
  before: readonly PeriodLine[],
): PeriodLine[] => {
  const keyOf = (kind: AccountKind, currency: string): string => `${currency} ${kind}`;
  const openings = new Map(before.map((line) => [keyOf(line.kind, line.currency), line]));
  const lines = moved.map(({ account, kind, currency, debits, credits }): PeriodLine => {
    const opening = BigInt(openings.get(keyOf(kind, currency))?.closing ?? 0);
    openings.delete(keyOf(kind, currency));
    return {
      ...{ account: account === null ? null : idOf('acct', account), kind, currency },
      ...{ opening: opening.toString(), debits: debits.toString(), credits: credits.toString() },
      closing: (opening - debits + credits).toString(),
    };
  });
  // What did not move is carried on.
  const rest = [...openings.values()].map((line) => ({ ...line, opening: line.closing, debits: '0', credits: '0' }));
  return [...lines, ...rest].sort((a, b) => (keyOf(a.kind, a.currency) < keyOf(b.kind, b.currency) ? -1 : 1));
};

/**
 * Made when it is first asked for, and kept in the database: whoever may write there may sign, so that the public half is
 * worth what it is when it was told before, and elsewhere.
 */
const signingKey = async (db: Kysely<DB>): Promise<{ publicKey: string; privateKey: string }> => {
  const read = () =>
    sql<{ publicKey: string; privateKey: string }>`
      select public_key as "publicKey", private_key as "privateKey" from signing_keys order by created_at, id limit 1`.execute(
      db,
    );
  const [known] = (await read()).rows;
  if (known) return known;
  const made = generateKeyPairSync('ed25519');
  const publicKey = made.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
  const privateKey = made.privateKey.export({ type: 'pkcs8', format: 'pem' });
  await sql`
    insert into signing_keys (id, public_key, private_key, created_at)
    select ${uuidOf(newId('key'))}::uuid, ${publicKey}::text, ${privateKey}::text, now()
    where not exists (select from signing_keys)`.execute(db);
  return (await read()).rows[0] ?? { publicKey, privateKey };
};

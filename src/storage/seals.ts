/**
 * Seals: what a merchant's transfers were, so that a row which is changed later, and changed well, is found all the same.
 *
 * A merchant's sequence is the order of (posted_at, id). It is complete: behind the horizon nothing is posted any more
 * (`finalBefore`), so that what was counted there keeps its number for ever, and a sealer needs no number of the charge's
 * making, which would have every charge of a merchant wait for the one before it. A charge pays nothing for its seal but a
 * line of an index for each 16 pages of rows.
 */
import { createHash } from 'node:crypto';
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { ResultAsync } from 'neverthrow';
import type { Finding } from '../domain/proof.ts';
import { idOf, uuidOf, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { StorageError } from '../domain/refusals.ts';
import { plain } from './arrays.ts';
import type { Database } from './database.ts';
import { readFailure } from './failure.ts';
import { finalBefore } from './horizon.ts';
import type { DB } from './schema.ts';

/** Sealed at once: a fifth of a second. */
const ROWS_MAX = 10_000;
/** Of each row's hash so much is kept: that two rows of a seal have the same by chance is one in 10^14. */
const DIGEST_BYTES = 8;

/** All that a transfer says, in one text, whatever the session's settings; a hash of that. */
export const rowHash = (t: string): RawBuilder<Buffer> => {
  const of = (column: string): RawBuilder<unknown> => sql.ref(`${t}.${column}`);
  return sql<Buffer>`sha256(convert_to(json_build_array(${of('id')}, ${of('kind')}, ${of('debit')}, ${of('credit')},
    ${of('amount')}, ${of('currency')}, ${of('description')}, ${of('payment_id')},
    (extract(epoch from ${of('posted_at')}) * 1000000)::bigint, ${of('debit_sequence')}, ${of('credit_sequence')},
    ${of('debit_balance_after')}, ${of('credit_balance_after')}, ${of('reference')}, ${of('metadata')}::text,
    ${of('reverses')}, ${of('reason')}, ${of('effective_date')}::text)::text, 'UTF8'))`;
};

/** The last seal of a merchant: the next goes on from it. */
interface Head {
  readonly number: bigint;
  readonly posted_to: Micros;
  readonly sequence: bigint;
  readonly hash: Buffer;
}

interface Sealed extends Head {
  readonly merchant_id: string;
}

/** A hash over all rows so far: of the one before it, and of each row's. */
const chained = (before: Buffer, rows: readonly Buffer[]): Buffer => {
  const hash = createHash('sha256').update(before);
  for (const row of rows) hash.update(row);
  return hash.digest();
};
export const NOTHING: Buffer = Buffer.alloc(32);

interface Sealable {
  readonly merchant_id: string;
  readonly posted_at: Micros;
  readonly hash: Buffer;
}

/** Of what was posted from an instant to before another, by all or by one, the oldest, and whether there is more. */
const sealable = async (
  db: Kysely<DB>,
  merchant: string | null,
  from: Micros,
  to: Micros,
): Promise<{ readonly rows: readonly Sealable[]; readonly until: Micros; readonly isMore: boolean }> => {
  const { rows } = await sql<Sealable>`
    select t.merchant_id, t.posted_at, ${rowHash('t')} as hash from transfers t
    where t.posted_at >= ${toIsoMicros(from)}::timestamptz and t.posted_at < ${toIsoMicros(to)}::timestamptz
      ${merchant === null ? sql`` : sql`and t.merchant_id = ${merchant}::uuid`}
    order by t.posted_at, t.id limit ${ROWS_MAX + 1}`.execute(db);
  const last = rows.at(-1)?.posted_at;
  if (rows.length <= ROWS_MAX || last === undefined) return { rows, until: to, isMore: false };
  // Rows of one instant are sealed together: those of the last may be cut in two.
  return { rows: rows.filter(({ posted_at }) => posted_at !== last), until: last, isMore: true };
};

/**
 * Seals what lies behind the horizon and is not sealed yet, the oldest first; answers whether there is more. Any number of
 * instances may do so: the second finds its number taken. Errors: `database_unavailable`.
 */
export const seal = (
  { reading, pool }: Pick<Database, 'reading' | 'pool'>,
  now: Micros,
): ResultAsync<boolean, StorageError> =>
  ResultAsync.fromPromise(
    finalBefore(pool, now)
      .then((to) => reading((db) => due(db, pool, to)))
      .then(async ({ made, isMore }) => {
        if (made.length > 0) await write(pool, made, now);
        return isMore;
      }),
    readFailure,
  );

/** What is to be sealed now of what was posted before that instant, and whether there is more. */
const due = async (
  db: Kysely<DB>,
  pool: Kysely<DB>,
  to: Micros,
): Promise<{ readonly made: readonly NewSeal[]; readonly isMore: boolean }> => {
  if (await isBeingSeeded(db)) return { made: [], isMore: false };
  const heads = new Map<string, Head>(await headsOf(db));
  // Whoever is the first merchant to have been sealed: all are sealed up to the same instant.
  const from = [...heads.values()].reduce(
    (latest, { posted_to }) => (posted_to > latest ? posted_to : latest),
    0n as Micros,
  );
  const made: NewSeal[] = [];
  const add = (rows: readonly Sealable[], since: Micros, until: Micros): void => {
    for (const [merchant, own] of Map.groupBy(rows, ({ merchant_id }) => merchant_id)) {
      const next = following(merchant, heads.get(merchant), own, since, until);
      made.push(next);
      heads.set(merchant, next);
    }
  };
  // A past that was made up while others were sealed lies before that instant.
  for (const late of from === 0n ? [] : await unsealed(pool, from)) {
    for (let since = late.from, isMore = true; isMore;) {
      const part = await sealable(db, late.merchant, since, from);
      add(part.rows, since, part.until);
      ({ until: since, isMore } = part);
    }
  }
  const { rows, until, isMore } = await sealable(db, null, from, to);
  add(rows, from, until);
  return { made, isMore };
};

/** Held by whoever writes a past that was made up: until all of it is there, none of it is sealed. */
export const SEEDING_LOCK = 7_046_029_254_386_353_131n;

const isBeingSeeded = async (db: Kysely<DB>): Promise<boolean> => {
  const { rows } = await sql<{ got: boolean }>`
    select pg_try_advisory_xact_lock_shared(${SEEDING_LOCK}::bigint) as got`.execute(db);
  return rows[0]?.got !== true;
};

/**
 * Merchants of whom nothing is sealed though they have posted something before that instant, and when they first did. To be
 * asked over indexes, as the pool does: of those who are sealed no account is looked at.
 */
const unsealed = async (
  db: Kysely<DB>,
  before: Micros,
): Promise<readonly { readonly merchant: string; readonly from: Micros }[]> => {
  const { rows } = await sql<{ merchant: string; from: Micros }>`
    select m.id as merchant, first."from" from merchants m
    cross join lateral (
      select min(t.posted_at) as "from" from accounts a
      cross join lateral (
        (select posted_at from transfers where debit = a.id order by posted_at limit 1)
        union all (select posted_at from transfers where credit = a.id order by posted_at limit 1)) t
      where a.merchant_id = m.id and a.sequence > 0) first
    where not exists (select from seals s where s.merchant_id = m.id)
      and first."from" < ${toIsoMicros(before)}::timestamptz`.execute(db);
  return rows;
};

const following = (
  merchant: string,
  head: Head | undefined,
  rows: readonly Sealable[],
  from: Micros,
  to: Micros,
): NewSeal => ({
  ...{ merchant, number: (head?.number ?? 0n) + 1n, sequence: (head?.sequence ?? 0n) + BigInt(rows.length) },
  ...{ posted_from: from, posted_to: to },
  hash: chained(
    head?.hash ?? NOTHING,
    rows.map(({ hash }) => hash),
  ),
  digests: Buffer.concat(rows.map(({ hash }) => hash.subarray(0, DIGEST_BYTES))),
});

/** The last seal of each merchant, by his UUID. */
const headsOf = async (db: Kysely<DB>): Promise<Map<string, Sealed>> => {
  const { rows } = await sql<Sealed>`
    select distinct on (merchant_id) merchant_id, number, posted_to, sequence, hash from seals
    order by merchant_id, number desc`.execute(db);
  return new Map(rows.map((row) => [row.merchant_id, row]));
};

interface NewSeal extends Head {
  readonly merchant: string;
  readonly posted_from: Micros;
  readonly digests: Buffer;
}

const bytes = (values: readonly Buffer[]): string => plain(values.map((value) => `"\\\\x${value.toString('hex')}"`));

const write = async (db: Kysely<DB>, seals: readonly NewSeal[], now: Micros): Promise<void> => {
  await sql`
    insert into seals (merchant_id, number, posted_from, posted_to, sequence, hash, digests, sealed_at)
    select w.merchant_id, w.number, w.posted_from, w.posted_to, w.sequence, w.hash, w.digests,
      ${toIsoMicros(now)}::timestamptz
    from unnest(${plain(seals.map(({ merchant }) => merchant))}::uuid[], ${plain(seals.map(({ number }) => number))}::bigint[],
      ${plain(seals.map((one) => toIsoMicros(one.posted_from)))}::timestamptz[],
      ${plain(seals.map((one) => toIsoMicros(one.posted_to)))}::timestamptz[],
      ${plain(seals.map(({ sequence }) => sequence))}::bigint[], ${bytes(seals.map(({ hash }) => hash))}::bytea[],
      ${bytes(seals.map(({ digests }) => digests))}::bytea[]) w (merchant_id, number, posted_from, posted_to, sequence, hash, digests)`.execute(
    db,
  );
};

export interface LastSeal {
  readonly sequence: bigint;
  readonly hash: string;
  readonly to: Micros;
}

/** The last seal of a merchant: how many transfers it counts, and the hash over them; null before the first. */
export const lastSeal = async (db: Kysely<DB>, merchant: MerchantId): Promise<LastSeal | null> => {
  const { rows } = await sql<Sealed>`
    select merchant_id, number, posted_to, sequence, hash from seals where merchant_id = ${uuidOf(merchant)}::uuid
    order by number desc limit 1`.execute(db);
  return rows[0] ? { sequence: rows[0].sequence, hash: rows[0].hash.toString('hex'), to: rows[0].posted_to } : null;
};

/** Each row that differs from what was sealed, and each seal that rows are missing from; and how many rows were looked at. */
export const brokenSeals = async (
  db: Kysely<DB>,
  merchant: MerchantId | null,
): Promise<Map<MerchantId, { counted: number; findings: Finding[] }>> => {
  const of = (t: string): RawBuilder<unknown> =>
    merchant === null ? sql`` : sql`and ${sql.ref(t)}.merchant_id = ${uuidOf(merchant)}::uuid`;
  // A seal says where its rows stand; one row that was moved in time is looked for in all of that merchant's seals.
  const { rows } = await sql<{
    merchant: string;
    counted: bigint;
    found: { transfer: string | null; detail: string }[] | null;
  }>`
    with sealed as (
      select s.merchant_id, s.number, s.posted_from, s.posted_to, s.digests, length(s.digests) / ${DIGEST_BYTES} as rows
      from seals s where true ${of('s')}),
    ends as (select merchant_id, max(posted_to) as sealed_to from sealed group by merchant_id),
    digests as (
      select merchant_id, substring(digests from 1 + ${DIGEST_BYTES} * n for ${DIGEST_BYTES}) as digest, number
      from sealed cross join lateral generate_series(0, rows - 1) n),
    standing as (
      select t.merchant_id, t.id, t.posted_at, substring(${rowHash('t')} from 1 for ${DIGEST_BYTES}) as digest
      from transfers t join ends e using (merchant_id) where t.posted_at < e.sealed_to ${of('t')}),
    changed as (
      select s.merchant_id, s.id from standing s
      where not exists (select from digests d where d.merchant_id = s.merchant_id and d.digest = s.digest)),
    gone as (
      select d.merchant_id, d.number, count(*) as n from digests d
      where not exists (select from standing s where s.merchant_id = d.merchant_id and s.digest = d.digest) group by 1, 2),
    found as (
      select merchant_id, id as transfer, 'it is not as it was when it was sealed' as detail from changed
      union all
      select g.merchant_id, null, format('%s of what seal %s has, from %s to %s, is not here', g.n, g.number, s.posted_from, s.posted_to)
      from gone g join sealed s using (merchant_id, number)
      where g.n > (select count(*) from changed c where c.merchant_id = g.merchant_id))
    select e.merchant_id as merchant, (select count(*) from standing s where s.merchant_id = e.merchant_id) as counted,
      (select json_agg(json_build_object('transfer', transfer, 'detail', detail)) from (
        select transfer, detail from found f where f.merchant_id = e.merchant_id limit 100) first) as found
    from ends e`.execute(db);
  return new Map(
    rows.map(({ merchant: own, counted, found }) => [
      idOf('mer', own),
      {
        counted: Number(counted),
        findings: (found ?? []).map(({ transfer, detail }) => ({
          check: 'seals_hold',
          account: null,
          transfer: transfer === null ? null : idOf('tr', transfer),
          subject: transfer === null ? 'seals' : idOf('tr', transfer),
          detail,
        })),
      },
    ]),
  );
};

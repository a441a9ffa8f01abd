/**
 * Whether the books prove themselves, asked of the database alone. Each check is one statement over one snapshot: it
 * counts what it looked at, and names what is wrong: which account, which row. A row that is wrong makes those after it
 * wrong too; it alone is named.
 */
import { sql, type Kysely, type RawBuilder } from 'kysely';
import { ok, ResultAsync } from 'neverthrow';
import type { CheckName, Finding } from '../domain/proof.ts';
import { idOf, uuidOf, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import type { StorageError } from '../domain/refusals.ts';
import { jsons, plain } from './arrays.ts';
import type { Database } from './database.ts';
import { readFailure } from './failure.ts';
import { finalBefore } from './horizon.ts';
import type { DB } from './schema.ts';
import { entriesAndBalances } from './proof-entries.ts';
import { partsOf, toldOf, type Parts, type Row, type Scope } from './proof-query.ts';
import { brokenSeals } from './seals.ts';

/** What a check came to, for one merchant. */
export interface Checked {
  readonly merchant: MerchantId;
  readonly check: CheckName;
  /** How many rows it looked at. */
  readonly counted: number;
  /** Each once; of more than a hundred the first. */
  readonly findings: readonly Finding[];
}

interface Proved {
  readonly checked: readonly Checked[];
  /** What was posted before this was all there. */
  readonly to: Micros;
}

/** Errors of all: `database_unavailable`. */
export interface Proofs {
  /**
   * Proves the books in one snapshot, on a connection of its own, and keeps what came of it. The whole of a million
   * transfers takes some forty seconds.
   */
  readonly prove: (scope: Scope, now: Micros) => ResultAsync<Proved, StorageError>;
  /** The last proof of all of a merchant's books, and the last of what was posted since one; null where there was none. */
  readonly read: (merchant: MerchantId) => ResultAsync<KeptProofs, StorageError>;
  /** Has all of a merchant's books proven soon; once, however often it is asked for meanwhile. */
  readonly ask: (merchant: MerchantId, now: Micros) => ResultAsync<void, StorageError>;
  /** Proves the books of who has waited longest for it; answers whether there was anybody. */
  readonly proveAsked: (now: Micros) => ResultAsync<boolean, StorageError>;
}

/** What is kept of a proof. */
export interface KeptProof {
  readonly provedAt: Micros;
  /** What was posted before this was all there. */
  readonly provedTo: Micros;
  readonly checks: readonly Omit<Checked, 'merchant'>[];
}

interface KeptProofs {
  readonly whole: KeptProof | null;
  readonly since: KeptProof | null;
  /** When one was asked for that has not ended yet. */
  readonly askedAt: Micros | null;
}

export const createProofs = ({ scan, pool }: Pick<Database, 'scan' | 'pool'>): Proofs => {
  const prove: Proofs['prove'] = (scope, now) =>
    ResultAsync.fromPromise(
      finalBefore(pool, now).then((to) =>
        scan(async (db) => {
          const checked: Checked[] = [];
          for (const query of CHECKS) checked.push(...(await run(db, query(partsOf(scope)))));
          if (scope.since === null) checked.push(...(await checkSeals(db, scope.merchant, checked)));
          return { checked, to };
        }),
      ),
      readFailure,
    ).andThen((proved) =>
      ResultAsync.fromPromise(keepProof(pool, proved, scope.since === null, now), readFailure).map(() => proved),
    );
  return {
    prove,
    read: (merchant) => ResultAsync.fromPromise(readProofs(pool, merchant), readFailure),
    ask: (merchant, now) =>
      ResultAsync.fromPromise(
        sql`
          insert into proof_requests (merchant_id, asked_at)
          values (${uuidOf(merchant)}::uuid, ${toIsoMicros(now)}::timestamptz) on conflict do nothing`.execute(pool),
        readFailure,
      ).map(() => undefined),
    proveAsked: (now) =>
      ResultAsync.fromPromise(firstAsked(pool), readFailure).andThen((first) =>
        first === undefined
          ? ok(false)
          : prove({ merchant: idOf('mer', first), since: null }, now).andThen(() =>
              ResultAsync.fromPromise(
                pool.deleteFrom('proof_requests').where('merchant_id', '=', first).execute(),
                readFailure,
              ).map(() => true),
            ),
      ),
  };
};

const firstAsked = (db: Kysely<DB>): Promise<string | undefined> =>
  db
    .selectFrom('proof_requests')
    .select('merchant_id')
    .orderBy('asked_at')
    .limit(1)
    .executeTakeFirst()
    .then((row) => row?.merchant_id);

/** A row that was named before is not named again. */
const checkSeals = async (
  db: Kysely<DB>,
  merchant: MerchantId | null,
  before: readonly Checked[],
): Promise<Checked[]> => {
  const named = new Set(before.flatMap(({ findings }) => findings.map(({ transfer }) => transfer)));
  const broken = await brokenSeals(db, merchant);
  return [...broken].map(([of, { counted, findings }]) => ({
    ...{ merchant: of, check: 'seals_hold', counted },
    findings: findings.filter(({ transfer }) => transfer === null || !named.has(transfer)),
  }));
};

const run = async (db: Kysely<DB>, query: RawBuilder<Row>): Promise<Checked[]> => {
  const { rows } = await query.execute(db);
  return rows.map(({ check, merchant, counted, found }) => ({
    ...{ merchant: idOf('mer', merchant), check, counted: Number(counted) },
    findings: (found ?? []).map(({ account, transfer, subject, detail }) => ({
      check,
      account: account === null ? null : idOf('acct', account),
      transfer: transfer === null ? null : idOf('tr', transfer),
      subject,
      detail,
    })),
  }));
};

const CHECKS: readonly ((parts: Parts) => RawBuilder<Row>)[] = [
  ({ of }) =>
    toldOf(
      'debits_equal_credits',
      sql`looked as (select a.merchant_id from accounts a where true ${of('a')}),
        found as (
          select a.merchant_id, null::uuid as account, null::uuid as transfer, currency as subject,
            format('debits of %s and credits of %s', sum(debits), sum(credits)) as detail
          from accounts a where true ${of('a')} group by a.merchant_id, currency having sum(debits) <> sum(credits))`,
    ),
  entriesAndBalances,
  ({ of, since }) =>
    toldOf(
      'payments_are_posted',
      sql`looked as (select p.merchant_id, p.id, p.amount_captured, p.amount_refunded, p.amount_returned from payments p
          where true ${of('p')} ${since ? sql`and p.created_at >= ${since}` : sql``}),
        posted as (
          select t.merchant_id, t.payment_id as id, coalesce(sum(amount) filter (where kind = 'payment'), 0) as paid,
            coalesce(sum(case kind when 'refund' then amount when 'refund_reversed' then -amount end), 0) as refunded,
            coalesce(sum(amount) filter (where kind = 'payment_returned'), 0) as returned
          from transfers t where payment_id is not null ${of('t')}
            ${since ? sql`and payment_id in (select id from looked)` : sql``} group by 1, 2),
        found as (
          select p.merchant_id, null::uuid as account, null::uuid as transfer,
            'pay_' || replace(p.id::text, '-', '') as subject,
            format('it was paid %s, refunded %s and returned %s, and %s, %s and %s of it are posted', amount_captured,
              amount_refunded, amount_returned, coalesce(paid, 0), coalesce(refunded, 0), coalesce(returned, 0)) as detail
          from looked p left join posted using (merchant_id, id)
          where coalesce(paid, 0) <> amount_captured or coalesce(refunded, 0) <> amount_refunded
            or coalesce(returned, 0) <> amount_returned)`,
    ),
  ({ of, since }) =>
    toldOf(
      'postings_have_causes',
      sql`looked as (select t.merchant_id, t.id, t.kind, t.payment_id, t.reverses from transfers t
          where (payment_id is not null or reverses is not null) ${of('t')}
            ${since ? sql`and t.posted_at >= ${since}` : sql``}),
        found as (
          select t.merchant_id, null::uuid as account, t.id as transfer, 'tr_' || replace(t.id::text, '-', '') as subject,
            case when t.payment_id is not null then format('a %s, and its payment is not here', t.kind)
              else 'it takes back a transfer that is not here' end as detail
          from looked t
          left join payments p on p.merchant_id = t.merchant_id and p.id = t.payment_id
          left join transfers r on r.merchant_id = t.merchant_id and r.id = t.reverses
          where t.payment_id is not null and p.id is null or t.reverses is not null and r.id is null
          union all
          select merchant_id, null, null, 'pay_' || replace(payment_id::text, '-', ''),
            format('Stripe kept %s %s of it, and %s are posted', coalesce(k.fee, 0), currency, coalesce(p.fee, 0))
          from (select b.merchant_id, b.payment_id, currency, sum(fee) as fee from balance_transactions b where true ${of('b')}
            group by 1, 2, 3) k
          full join (select t.merchant_id, t.payment_id, currency,
            sum(case kind when 'fee' then amount else -amount end) as fee from transfers t
            where kind in ('fee', 'fee_returned') ${of('t')} group by 1, 2, 3) p using (merchant_id, payment_id, currency)
          where coalesce(k.fee, 0) <> coalesce(p.fee, 0)
          union all
          select merchant_id, null, null, 'payouts in ' || currency,
            format('shares of %s, and %s are posted', coalesce(k.amount, 0), coalesce(p.amount, 0))
          from (select o.merchant_id, currency, sum(amount) as amount from payouts o where status = 'paid' ${of('o')}
            group by 1, 2) k
          full join (select t.merchant_id, currency, sum(case kind when 'payout' then amount else -amount end) as amount
            from transfers t where kind in ('payout', 'payout_reversed') ${of('t')} group by 1, 2) p
            using (merchant_id, currency)
          where coalesce(k.amount, 0) <> coalesce(p.amount, 0))`,
    ),
  ({ of, since }) =>
    toldOf(
      'replies_are_true',
      sql`replies as (
          select c.merchant_id, c.operation, c.key, c.body::jsonb as shown from claims c
          where c.status between 200 and 299 ${of('c')} ${since ? sql`and c.created_at >= ${since}` : sql``}),
        looked as (
          select merchant_id, operation, key, shown from replies where shown ->> 'object' in ('transfer', 'payment', 'refund')
          union all
          select merchant_id, operation, key, one from replies
            cross join lateral jsonb_array_elements(shown -> 'data') one
          where shown ->> 'object' = 'bulk_transfer' and one ->> 'object' = 'transfer'),
        named as (
          select l.*, shown ->> 'object' as object,
            case when shown ->> 'id' ~ '^[a-z]+_[0-9a-f]{32}$' then substring(shown ->> 'id' from '[0-9a-f]{32}$')::uuid end as id
          from looked l),
        standing as (
          select n.*, t.id is not null as is_here, jsonb_build_object('amount', t.amount, 'currency', t.currency,
              'from', 'acct_' || replace(t.debit::text, '-', ''), 'to', 'acct_' || replace(t.credit::text, '-', ''),
              'from_balance_after', t.debit_balance_after::text, 'to_balance_after', t.credit_balance_after::text,
              'kind', t.kind) as stands
          from named n left join transfers t on t.merchant_id = n.merchant_id and t.id = n.id where object = 'transfer'
          union all
          -- a page is not told whose it is, and an amount may be another until a card is charged
          select n.*, p.id is not null, jsonb_build_object('currency', p.currency)
              || case when shown ->> 'customer' is null then '{}'
                else jsonb_build_object('customer', 'cus_' || replace(p.customer_id::text, '-', '')) end
              || case when shown ->> 'status' in ('succeeded', 'processing', 'requires_capture')
                then jsonb_build_object('amount', p.amount) else '{}' end
          from named n left join payments p on p.merchant_id = n.merchant_id and p.id = n.id where object = 'payment'
          union all
          select n.*, r.id is not null, jsonb_build_object('currency', r.currency,
              'payment', 'pay_' || replace(r.payment_id::text, '-', ''))
          from named n left join refunds r on r.merchant_id = n.merchant_id and r.id = n.id where object = 'refund'),
        found as (
          select merchant_id, null::uuid as account, case when object = 'transfer' then id end as transfer,
            operation || ' under ' || key as subject,
            case when is_here then format('it was told %s, and stands here as %s', (
                select string_agg(f.key || ' ' || coalesce(shown ->> f.key, 'nothing'), ', ') from jsonb_each(stands) f
                where shown -> f.key is distinct from f.value),
              (select string_agg(f.key || ' ' || (f.value #>> '{}'), ', ') from jsonb_each(stands) f
                where shown -> f.key is distinct from f.value))
              else format('it was told of %s, which is not here', shown ->> 'id') end as detail
          from standing where not is_here or not shown @> stands)`,
    ),
];

/** Of each merchant that was looked at. */
const keepProof = async (db: Kysely<DB>, { checked, to }: Proved, whole: boolean, now: Micros): Promise<void> => {
  const of = [...Map.groupBy(checked, ({ merchant }) => merchant)];
  await sql`
    insert into proofs (merchant_id, whole, proved_at, proved_to, checks)
    select w.merchant_id, ${whole}::boolean, ${toIsoMicros(now)}::timestamptz, ${toIsoMicros(to)}::timestamptz, w.checks
    from unnest(${plain(of.map(([merchant]) => uuidOf(merchant)))}::uuid[],
      ${jsons(of.map(([, own]) => JSON.stringify(own.map(({ merchant: _, ...kept }) => kept))))}::jsonb[]) w (merchant_id, checks)
    on conflict (merchant_id, whole) do update set proved_at = excluded.proved_at, proved_to = excluded.proved_to,
      checks = excluded.checks`.execute(db);
};

const readProofs = async (db: Kysely<DB>, merchant: MerchantId): Promise<KeptProofs> => {
  const { rows } = await sql<KeptProof & { readonly whole: boolean }>`
    select whole, proved_at as "provedAt", proved_to as "provedTo", checks from proofs
    where merchant_id = ${uuidOf(merchant)}::uuid`.execute(db);
  const asked = await sql<{ readonly at: Micros }>`
    select asked_at as at from proof_requests where merchant_id = ${uuidOf(merchant)}::uuid`.execute(db);
  const keptOf = (isWhole: boolean): KeptProof | null => rows.find(({ whole }) => whole === isWhole) ?? null;
  return { whole: keptOf(true), since: keptOf(false), askedAt: asked.rows[0]?.at ?? null };
};

/** What the last proof of all of a merchant's books found. */
export const findingsOf = async (db: Kysely<DB>, merchant: MerchantId): Promise<readonly Finding[]> => {
  const { whole } = await readProofs(db, merchant);
  return whole?.checks.flatMap(({ findings }) => findings) ?? [];
};

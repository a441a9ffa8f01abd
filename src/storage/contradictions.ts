/** Where Stripe and the books say different things: written down once, open until a fact or a person has resolved it. */
import { sql, type Kysely, type Selectable } from 'kysely';
import { err, ok, type ResultAsync } from 'neverthrow';
import { CONTRADICTION_KINDS, type Contradiction, type ContradictionKind } from '../domain/contradiction.ts';
import { idOf, uuidOf, type ContradictionId, type MerchantId } from '../domain/ids.ts';
import type { ListError, StorageError } from '../domain/refusals.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { COLUMNS, columnsOf } from './columns.ts';
import { run } from './failure.ts';
import { findOne, paged } from './find.ts';
import { pageOf, type Page, type PageOf } from './pages.ts';
import type { DB } from './schema.ts';
import { execute } from './tables/bulk.ts';
import { named, nameFor, writeContradictions } from './tables/contradictions.ts';
import type { Turns } from './turns.ts';

/** One that was written down. */
export interface KeptContradiction extends Contradiction {
  readonly id: ContradictionId;
  readonly seenAt: Micros;
  readonly resolvedAt: Micros | null;
  /** What was done about it. */
  readonly resolution: string | null;
}

export interface ContradictionFilter extends Page<ContradictionId> {
  readonly status: 'open' | 'resolved' | undefined;
}

/** Errors of all: `database_unavailable`. */
export interface Contradictions {
  /** Writes them down, where they are new, or other than they were; answers how many are. */
  readonly open: (found: readonly Contradiction[], now: Micros) => ResultAsync<number, StorageError>;
  /** What it is about has come right. */
  readonly settle: (
    kind: ContradictionKind,
    subject: string,
    resolution: string,
    now: Micros,
  ) => ResultAsync<void, StorageError>;
  readonly list: (
    merchant: MerchantId,
    filter: ContradictionFilter,
  ) => ResultAsync<PageOf<KeptContradiction>, ListError>;
  /** A person has decided. Errors: `contradiction_not_found`, also where it is resolved. */
  readonly resolve: (
    merchant: MerchantId,
    id: ContradictionId,
    resolution: string,
    now: Micros,
  ) => ResultAsync<KeptContradiction, StorageError | PaymentError<'contradiction_not_found'>>;
  /** Of all merchants, the oldest that are open. */
  readonly oldest: (limit: number) => ResultAsync<KeptContradiction[], StorageError>;
  /** How many are open, by kind. */
  readonly count: () => ResultAsync<Readonly<Record<ContradictionKind, number>>, StorageError>;
}

/** Every kind is told of, also where none is open. */
const NONE = Object.fromEntries(CONTRADICTION_KINDS.map((kind) => [kind, 0])) as Record<ContradictionKind, number>;

export const createContradictions = (db: Kysely<DB>, turns: Turns): Contradictions => {
  const list = async (
    merchant: MerchantId,
    filter: ContradictionFilter,
  ): Promise<PageOf<KeptContradiction> | undefined> => {
    const beside = filter.startingAfter ?? filter.endingBefore;
    if (beside && !(await findOne(db, 'contradictions', merchant, uuidOf(beside)))) return undefined;
    let query = db
      .selectFrom('contradictions')
      .select(COLUMNS.contradictions)
      .where('merchant_id', '=', uuidOf(merchant));
    if (filter.status) query = query.where('resolved_at', filter.status === 'open' ? 'is' : 'is not', null);
    const { from, before } = filter.created ?? {};
    if (from !== undefined) query = query.where(sql<boolean>`seen_at >= ${toIsoMicros(from)}::timestamptz`);
    if (before !== undefined) query = query.where(sql<boolean>`seen_at < ${toIsoMicros(before)}::timestamptz`);
    if (beside)
      query = query.where(
        sql<boolean>`(seen_at, id) ${sql.raw(filter.endingBefore ? '>' : '<')}
          (select c.seen_at, c.id from contradictions c where c.id = ${uuidOf(beside)}::uuid)`,
      );
    const order = filter.endingBefore ? 'asc' : 'desc';
    const rows = await query
      .orderBy('seen_at', order)
      .orderBy('id', order)
      .limit(filter.limit + 1)
      .execute();
    return pageOf(rows.map(contradictionOf), filter);
  };

  return {
    open: (found, now) =>
      found.length === 0
        ? run(Promise.resolve(0))
        : run(execute(db, writeContradictions, named(found), now)).map(({ numAffectedRows }) =>
            Number(numAffectedRows ?? 0n),
          ),
    settle: (kind, subject, resolution, now) =>
      run(
        sql`update contradictions set resolved_at = ${toIsoMicros(now)}::timestamptz, resolution = ${resolution}
          where id = ${nameFor({ kind, subject })}::uuid and resolved_at is null`.execute(db),
      ).map(() => undefined),
    list: (merchant, filter) => paged(filter, run(turns(merchant, () => list(merchant, filter)))),
    resolve: (merchant, id, resolution, now) =>
      run(
        sql<Selectable<DB['contradictions']>>`
          update contradictions set resolved_at = ${toIsoMicros(now)}::timestamptz, resolution = ${resolution}
          where id = ${uuidOf(id)}::uuid and merchant_id = ${uuidOf(merchant)}::uuid and resolved_at is null
          returning ${columnsOf('contradictions', 'contradictions')}`.execute(db),
      ).andThen(({ rows: [row] }) => (row ? ok(contradictionOf(row)) : err(paymentError('contradiction_not_found')))),
    oldest: (limit) =>
      run(
        db
          .selectFrom('contradictions')
          .select(COLUMNS.contradictions)
          .where('resolved_at', 'is', null)
          .orderBy('seen_at')
          .limit(limit)
          .execute(),
      ).map((rows) => rows.map(contradictionOf)),
    count: () =>
      run(
        sql<{ kind: string; n: bigint }>`
          select kind, count(*) as n from contradictions where resolved_at is null group by kind`.execute(db),
      ).map(({ rows }) => ({ ...NONE, ...Object.fromEntries(rows.map(({ kind, n }) => [kind, Number(n)])) })),
  };
};

const contradictionOf = (row: Selectable<DB['contradictions']>): KeptContradiction => ({
  id: idOf('ctr', row.id),
  merchant: row.merchant_id === null ? null : idOf('mer', row.merchant_id),
  kind: row.kind as ContradictionKind,
  payment: row.payment_id === null ? null : idOf('pay', row.payment_id),
  subject: row.subject,
  amount: row.amount,
  currency: row.currency,
  detail: row.detail,
  seenAt: row.seen_at as Micros,
  resolvedAt: row.resolved_at as Micros | null,
  resolution: row.resolution,
});

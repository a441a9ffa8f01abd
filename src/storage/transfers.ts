/** Transfers, read and listed. */
import { sql, type Kysely, type RawBuilder, type Selectable } from 'kysely';
import { uuidOf, type AccountId, type MerchantId, type TransferId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { REVERSALS_MAX, type PostedTransfer, type TransferKind } from '../domain/transfer.ts';
import { columnsOf } from './columns.ts';
import { horizon } from './horizon.ts';
import { transferOf } from './tables/ledger.ts';
import { pageOf, type Page, type PageOf } from './pages.ts';
import type { DB } from './schema.ts';

export interface TransferFilter extends Page<TransferId> {
  readonly account: AccountId | undefined;
  readonly reference: string | undefined;
  readonly kind: TransferKind | undefined;
}

export interface FoundTransfer {
  readonly transfer: PostedTransfer;
  /** How much of it was taken back. */
  readonly reversed: bigint;
}

type Row = Selectable<DB['transfers']>;

export const readTransfer = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  id: TransferId,
): Promise<FoundTransfer | undefined> => {
  const { rows } = await sql<Row & { reversed: bigint }>`
    select ${columnsOf('transfers', 't')}, coalesce((select sum(r.amount) from (
      select r.amount from transfers r where r.merchant_id = t.merchant_id and r.reverses = t.id
      limit ${REVERSALS_MAX}) r), 0)::bigint as reversed
    from transfers t where t.merchant_id = ${uuidOf(merchant)}::uuid and t.id = ${uuidOf(id)}::uuid`.execute(db);
  const [row] = rows;
  return row && { transfer: transferOf(row), reversed: row.reversed };
};

/**
 * Newest first: by id, or of one account by when they were posted. Undefined: the page's own id is not there. An
 * account's entries come in order, so that one behind which a page ended is joined by none before it.
 */
export const listTransfers = async (
  db: Kysely<DB>,
  merchant: MerchantId,
  filter: TransferFilter,
  now: Micros,
): Promise<PageOf<PostedTransfer> | undefined> => {
  const { account, startingAfter, endingBefore, limit } = filter;
  const cursor = startingAfter ?? endingBefore;
  const at = cursor && (await readTransfer(db, merchant, cursor))?.transfer.postedAt;
  if (cursor && at === undefined) return undefined;
  const isUp = endingBefore !== undefined;
  const direction = isUp ? sql`asc` : sql`desc`;
  const isPast = isUp ? sql`>` : sql`<`;
  const wanted = matching(merchant, filter);
  const rowsOf = async (query: RawBuilder<Row>): Promise<readonly Row[]> => (await query.execute(db)).rows;

  if (account === undefined) {
    const edge = cursor ? sql`and t.id ${isPast} ${uuidOf(cursor)}::uuid` : sql``;
    const seen = isUp ? sql`and t.id < ${await horizon(db, now)}::uuid` : sql``;
    const rows = await rowsOf(sql<Row>`
      select ${columnsOf('transfers', 't')} from transfers t where ${wanted} ${edge} ${seen}
      order by t.id ${direction} limit ${limit + 1}`);
    return pageOf(rows.map(transferOf), filter);
  }
  const edge = at === undefined ? sql`` : sql`and t.posted_at ${isPast} ${toIsoMicros(at)}::timestamptz`;
  const leg = (side: 'debit' | 'credit'): RawBuilder<Row> => sql<Row>`
    (select ${columnsOf('transfers', 't')} from transfers t
     where t.${sql.ref(side)} = ${uuidOf(account)}::uuid and ${wanted} ${edge}
     order by t.posted_at ${direction} limit ${limit + 1})`;
  const rows = await rowsOf(sql<Row>`
    select ${columnsOf('transfers', 't')} from (${leg('debit')} union all ${leg('credit')}) t
    order by t.posted_at ${direction} limit ${limit + 1}`);
  return pageOf(rows.map(transferOf), filter);
};

const matching = (merchant: MerchantId, { reference, kind, created = {} }: TransferFilter): RawBuilder<unknown> =>
  sql.join(
    [
      sql`t.merchant_id = ${uuidOf(merchant)}::uuid`,
      ...(reference === undefined ? [] : [sql`t.reference = ${reference}`]),
      ...(kind === undefined ? [] : [sql`t.kind = ${kind}`]),
      ...(created.from === undefined ? [] : [sql`t.posted_at >= ${toIsoMicros(created.from)}::timestamptz`]),
      ...(created.before === undefined ? [] : [sql`t.posted_at < ${toIsoMicros(created.before)}::timestamptz`]),
    ],
    sql` and `,
  );

/** One row by its key, and a page of a list: as most tables are read. */
import { CompiledQuery, sql, type Kysely, type RawBuilder } from 'kysely';
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import { uuidOf, type Id, type MerchantId } from '../domain/ids.ts';
import type { ListError, StorageError } from '../domain/refusals.ts';
import type { Micros } from '../domain/time.ts';
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';
import { columnList, columnsOf } from './columns.ts';
import { horizon } from './horizon.ts';
import { madeWithin, pageOf, type Page, type PageOf } from './pages.ts';
import type { DB } from './schema.ts';
import type { Row } from './tables/table.ts';
import type { Statement } from './transaction.ts';

/** Tables whose rows are a merchant's, and have an id. */
type Owned = {
  [T in keyof DB]: 'merchant_id' | 'id' extends keyof DB[T] ? T : never;
}[keyof DB];

const texts = new Map<Owned, string>();

/** That row of the merchant's. `id` as it stands in the table. */
export const findOne = async <T extends Owned>(
  db: Kysely<DB>,
  table: T,
  merchant: MerchantId,
  id: string,
): Promise<Row<T> | undefined> => {
  let text = texts.get(table);
  if (text === undefined) {
    text = `select ${columnList(table, 't')} from ${table} t where t.merchant_id = $1 and t.id = $2`;
    texts.set(table, text);
  }
  const { rows } = await db.executeQuery<Row<T>>(CompiledQuery.raw(text, [uuidOf(merchant), id]));
  return rows[0];
};

/** Of those rows, which arrays of merchants and ids name. `isLocked`: in that order, until the transaction ends. */
export const keyed = <T extends Owned>(
  table: T,
  { idType = 'uuid', isLocked = false }: { readonly idType?: 'uuid' | 'text'; readonly isLocked?: boolean } = {},
): ((merchants: string, ids: string) => Statement<Row<T>>) => {
  const lock = isLocked ? 'order by t.merchant_id, t.id for no key update of t' : '';
  const text = `select ${columnList(table, 't')} from ${table} t
    join unnest($1::uuid[], $2::${idType}[]) k (merchant_id, id) using (merchant_id, id) ${lock}`;
  return (merchants, ids) => ({ sql: text, parameters: [merchants, ids] });
};

/** What was found; refused with that code, where there is none. */
export const orRefuse =
  <Code extends ErrorCode>(code: Code) =>
  <Found>(found: Found | undefined): Result<Found, PaymentError<Code>> =>
    found === undefined ? err(paymentError(code)) : ok(found);

/** The same of a row, as it is read. */
export const readOr =
  <R, Read, Code extends ErrorCode>(read: (row: R) => Read, code: Code) =>
  (row: R | undefined): Result<Read, PaymentError<Code>> =>
    orRefuse(code)(row && read(row));

interface List<T extends Owned, Read> {
  readonly table: T;
  readonly merchant: MerchantId;
  /** What narrows it. */
  readonly where: readonly (RawBuilder<unknown> | undefined)[];
  readonly read: (row: Row<T>) => Read;
  /** For a list that others may write to while it is read: a page before an id ends at the horizon. */
  readonly now?: Micros;
}

/** A page of a list in the order of its ids, newest first. Undefined: the id that it begins at is not there. */
export const listPage = async <T extends Owned, Read>(
  db: Kysely<DB>,
  { table, merchant, where, read, now }: List<T, Read>,
  page: Page<Id<string>>,
): Promise<PageOf<Read> | undefined> => {
  const { startingAfter, endingBefore, limit, created } = page;
  const cursor = startingAfter ?? endingBefore;
  if (cursor && !(await findOne(db, table, merchant, uuidOf(cursor)))) return undefined;
  const newest = endingBefore && now !== undefined ? await horizon(db, now) : undefined;
  const conditions = [
    sql`t.merchant_id = ${uuidOf(merchant)}::uuid`,
    ...where,
    created && madeWithin(created),
    startingAfter && sql`t.id < ${uuidOf(startingAfter)}::uuid`,
    endingBefore && sql`t.id > ${uuidOf(endingBefore)}::uuid`,
    newest === undefined ? undefined : sql`t.id < ${newest}::uuid`,
  ].filter((condition) => condition !== undefined);
  const { rows } = await sql<Row<T>>`
    select ${columnsOf(table, 't')} from ${sql.table(table)} t where ${sql.join(conditions, sql` and `)}
    order by t.id ${endingBefore ? sql`asc` : sql`desc`} limit ${limit + 1}`.execute(db);
  return pageOf(rows.map(read), page);
};

/** The page, where the id is there that it begins at. */
export const paged = <T>(
  { startingAfter }: Pick<Page<unknown>, 'startingAfter'>,
  page: ResultAsync<PageOf<T> | undefined, StorageError>,
): ResultAsync<PageOf<T>, ListError> =>
  page.andThen((found): Result<PageOf<T>, ListError> => {
    if (found) return ok(found);
    const param = startingAfter === undefined ? 'ending_before' : 'starting_after';
    return err(paymentError('invalid_request', { param, message: `${param}: It is not in this list.` }));
  });

/** How a check of the books is asked: for one merchant or all, since an instant or of everything; and what it answers. */
import { sql, type RawBuilder } from 'kysely';
import type { CheckName } from '../domain/proof.ts';
import { uuidOf, type MerchantId } from '../domain/ids.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';

/** Of a merchant, or of all; of what was posted since an instant, or of everything. */
export interface Scope {
  readonly merchant: MerchantId | null;
  readonly since: Micros | null;
}

export interface Row {
  readonly check: CheckName;
  readonly merchant: string;
  readonly counted: string;
  readonly found:
    readonly { account: string | null; transfer: string | null; subject: string; detail: string }[] | null;
}

/** More of one check say nothing new. */
const FINDINGS_MAX = 100;

export interface Parts {
  /** `and merchant_id = …`, of a table under an alias. */
  readonly of: (alias: string) => RawBuilder<unknown>;
  readonly since: RawBuilder<unknown> | null;
}

export const partsOf = ({ merchant, since }: Scope): Parts => ({
  of: (alias) => (merchant === null ? sql`` : sql`and ${sql.ref(alias)}.merchant_id = ${uuidOf(merchant)}::uuid`),
  since: since === null ? null : sql`${toIsoMicros(since)}::timestamptz`,
});

/** Tables of a statement, by their names: what a check looked at, and what of it is wrong. */
interface Tables {
  readonly looked: string;
  readonly found: string;
}

/** Of each merchant how much was looked at, and the first of what is wrong; of several checks, where they share their sums. */
export const told = (
  parts: RawBuilder<unknown>,
  checks: readonly (readonly [check: CheckName, tables: Tables])[],
): RawBuilder<Row> => {
  const one = ([check, { looked, found }]: (typeof checks)[number]): RawBuilder<unknown> => sql`
    select ${check}::text as check, merchant_id as merchant, coalesce(n, 0) as counted, found
    from (select merchant_id, count(*) as n from ${sql.ref(looked)} group by merchant_id) counts
    full join (
      select merchant_id, json_agg(json_build_object('account', account, 'transfer', transfer, 'subject', subject, 'detail', detail)
        order by place) as found
      from (select f.*, row_number() over (partition by merchant_id order by subject) as place from ${sql.ref(found)} f) placed
      where place <= ${FINDINGS_MAX} group by merchant_id) picked using (merchant_id)`;
  return sql<Row>`with ${parts} ${sql.join(checks.map(one), sql` union all `)}`;
};

/** A statement that is one check alone: `looked` and `found`. */
export const toldOf = (check: CheckName, parts: RawBuilder<unknown>): RawBuilder<Row> =>
  told(parts, [[check, { looked: 'looked', found: 'found' }]]);

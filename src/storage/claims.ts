/** What is known under an idempotency key, and what it waits for while there is no reply. */
import { sql, type RawBuilder, type Selectable } from 'kysely';
import type { StoredClaim } from '../domain/stored-claim.ts';
import { idOf } from '../domain/ids.ts';
import type { Micros } from '../domain/time.ts';
import type { DB } from './schema.ts';

export type ClaimRow = Pick<Selectable<DB['claims']>, 'id' | 'request_hash' | 'status' | 'body'> & {
  readonly payment_id: string | null;
  readonly owned_until: Micros | null;
  readonly fence: number | null;
};

/** Of claims `c`, with their attempts. */
export const CLAIM_COLUMNS: RawBuilder<unknown> = sql`c.id, c.request_hash, c.status, c.body, a.payment_id, a.owned_until, a.fence`;

/**
 * What those claims wait for, of which it is asked. There is no index for it, whose upkeep each charge would pay: it is
 * looked for among the open attempts of the merchant, and only for who repeats a request that has no reply yet.
 */
export const withAttempt = (isAsked: RawBuilder<unknown>): RawBuilder<unknown> => sql`
  left join lateral (
    select payment_id, coalesce(leased_until, owned_until) as owned_until, fence from attempts
    where ${isAsked} and c.status is null and outcome is null and merchant_id = c.merchant_id and claim_id = c.id limit 1
  ) a on true`;

export const storedClaimOf = (row: ClaimRow): StoredClaim => ({
  requestHash: row.request_hash.replaceAll('-', ''),
  reply: row.status === null || row.body === null ? null : { status: row.status, body: row.body },
  ...(row.payment_id === null || row.owned_until === null || row.fence === null
    ? {}
    : { waitsFor: { payment: idOf('pay', row.payment_id), ownedUntil: row.owned_until, fence: row.fence } }),
});

/** Contradictions: the same one is the same row, whoever finds it. */
import { createHash } from 'node:crypto';
import type { Contradiction } from '../../domain/contradiction.ts';
import { insert, type Bulk } from './bulk.ts';
import { bigint, id, orNull, text, uuid } from './codec.ts';
import { beside, once, stamped, table, type Table } from './table.ts';

interface Named extends Contradiction {
  /** A UUID. */
  readonly named: string;
}

const CONTRADICTIONS: Table<'contradictions', Contradiction, Named> = table(
  'contradictions',
  {
    merchant: once(orNull(id('mer'))),
    kind: once(text()),
    payment: once(orNull(id('pay'))),
    subject: once(text()),
    amount: once(orNull(bigint)),
    currency: once(orNull(text())),
    detail: once(text()),
  },
  { id: beside('key', uuid(), (c) => c.named), seen_at: stamped('once') },
);

export const nameFor = ({ kind, subject }: Pick<Contradiction, 'kind' | 'subject'>): string =>
  createHash('sha256').update(`${kind} ${subject}`).digest('hex').slice(0, 32);

/** Each once, and sorted, as all that is locked: two processes may find the same. */
export const named = (found: readonly Contradiction[]): Named[] =>
  [...new Map(found.map((one) => [nameFor(one), one]))]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, one]) => ({ ...one, named: name }));

/**
 * What is found once more as it was, a person may have resolved; where it is otherwise now, it has come up again, and is
 * open again.
 */
export const writeContradictions: Bulk<Named> = insert(CONTRADICTIONS, {
  onConflict: `(id) do update set amount = excluded.amount, currency = excluded.currency, detail = excluded.detail,
      seen_at = case when contradictions.resolved_at is null then contradictions.seen_at else excluded.seen_at end,
      resolved_at = null, resolution = null
    where (contradictions.amount, contradictions.detail) is distinct from (excluded.amount, excluded.detail)`,
});

/** What Stripe and the books say differently, or a person must decide: shown, and resolved. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { CONTRADICTIONS } from '../domain/contradiction.ts';
import type { ContradictionId, MerchantId } from '../domain/ids.ts';
import type { ListError, StorageError } from '../domain/refusals.ts';
import { pageView } from '../domain/reply.ts';
import { toIso } from '../domain/time.ts';
import type { ContradictionView, ListView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import type { ContradictionFilter, KeptContradiction } from '../storage/contradictions.ts';

type Given = Pick<Context, 'contradictions' | 'clock'>;

/** Newest first. Errors: `invalid_request` for a cursor that is not there, `database_unavailable`. */
export const listContradictions = (
  ctx: Given,
  merchant: MerchantId,
  filter: ContradictionFilter,
): ResultAsync<ListView<ContradictionView>, ListError> =>
  ctx.contradictions.list(merchant, filter).map(pageView('/v1/contradictions', contradictionView));

/** A person says what was done about it. Errors: `contradiction_not_found`, `database_unavailable`. */
export const resolveContradiction = (
  ctx: Given,
  merchant: MerchantId,
  id: ContradictionId,
  reason: string,
): ResultAsync<ContradictionView, StorageError | PaymentError<'contradiction_not_found'>> =>
  ctx.contradictions.resolve(merchant, id, reason, ctx.clock.now()).map(contradictionView);

const contradictionView = (one: KeptContradiction): ContradictionView => ({
  id: one.id,
  object: 'contradiction',
  kind: one.kind,
  status: one.resolvedAt === null ? 'open' : 'resolved',
  payment: one.payment,
  subject: one.subject,
  amount: one.amount === null ? null : Number(one.amount),
  currency: one.currency,
  message: CONTRADICTIONS[one.kind],
  detail: one.detail,
  resolution: one.resolution,
  created_at: toIso(one.seenAt),
  resolved_at: one.resolvedAt === null ? null : toIso(one.resolvedAt),
});

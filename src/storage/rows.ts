/** Rows of the database, as what they are in the domain. What a constraint guarantees is not checked again. */
import type { Selectable } from 'kysely';
import type { Account, AccountKind } from '../domain/account.ts';
import type { Customer, Item } from '../domain/change.ts';
import type { Currency } from '../domain/currency.ts';
import { derivedId, idOf, type DisputeId, type ItemId } from '../domain/ids.ts';
import type {
  Attempt,
  AttemptBase,
  CaptureMethod,
  ClaimId,
  ConfirmAttempt,
  Dispute,
  DisputeStatus,
  LastError,
  NextAction,
  Payment,
  PaymentStatus,
  Refund,
  RefundStatus,
  SecondCharge,
} from '../domain/payment.ts';
import type { Micros } from '../domain/time.ts';
import type { DB } from './schema.ts';

type Row<Table extends keyof DB> = Selectable<DB[Table]>;

export const accountOf = (row: Row<'accounts'>): Account => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('acct', row.id),
  kind: row.kind as AccountKind,
  customer: row.customer_id === null ? null : idOf('cus', row.customer_id),
  currency: row.currency as Currency,
  debits: row.debits,
  credits: row.credits,
  pending: row.pending,
  sequence: row.sequence,
  postedAt: row.posted_at as Micros,
});

export const customerOf = (row: Row<'customers'>): Customer => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('cus', row.id),
  name: row.name,
  email: row.email,
  metadata: row.metadata as Record<string, string>,
  erasedAt: row.erased_at as Micros | null,
  createdAt: row.created_at as Micros,
});

export const paymentOf = (row: Row<'payments'>): Payment => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('pay', row.id),
  customer: idOf('cus', row.customer_id),
  amount: row.amount,
  amountCaptured: row.amount_captured,
  amountRefunded: row.amount_refunded,
  currency: row.currency as Currency,
  status: row.status as PaymentStatus,
  paymentMethod: row.payment_method,
  captureMethod: row.capture_method as CaptureMethod,
  returnUrl: row.return_url,
  description: row.description,
  metadata: row.metadata as Record<string, string>,
  reference: row.reference,
  clientSecret: row.client_secret,
  nextAction: row.next_action as NextAction | null,
  lastError: row.last_error as LastError | null,
  intent: row.intent,
  attempt: row.attempt === null ? null : idOf('att', row.attempt),
  underWay: row.status === 'processing' && row.attempt !== null && row.attempt !== row.ended_attempt,
  mayExist: row.may_exist,
  refundsPending: row.refunds_pending,
  createdAt: row.created_at as Micros,
});

export const itemOf = (row: Row<'items'>): Item => ({
  merchant: idOf('mer', row.merchant_id),
  id: row.id as ItemId,
  name: row.name,
  unitPrice: row.unit_price,
  currency: row.currency as Currency,
});

export const attemptOf = (row: Row<'attempts'>): Attempt => {
  const base = attemptBaseOf(row);
  switch (row.kind as Attempt['kind']) {
    case 'confirm':
      return {
        ...base,
        kind: 'confirm',
        paymentMethod: row.payment_method ?? '',
        inPage: row.in_page,
        stripeCustomer: row.stripe_customer,
        usedFor: row.used_for as ConfirmAttempt['usedFor'],
      };
    case 'capture':
      return { ...base, kind: 'capture', amount: row.amount };
    case 'cancel':
      return { ...base, kind: 'cancel' };
    case 'refund':
      return {
        ...base,
        kind: 'refund',
        refund: idOf('re', row.refund_id ?? ''),
        amount: row.amount ?? 0n,
        reason: row.reason,
      };
  }
};

const attemptBaseOf = (row: Row<'attempts'>): AttemptBase => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('att', row.id),
  payment: idOf('pay', row.payment_id),
  claim: row.claim_id === null ? null : (row.claim_id.replaceAll('-', '') as ClaimId),
  // The release before sent the attempt's own id, and stored none.
  stripeKey: row.stripe_key ?? idOf('att', row.id),
  requestId: row.request_id,
  replyStatus: row.reply_status === 201 ? 201 : 200,
  showsSecret: row.shows_secret,
  ownedUntil: (row.leased_until ?? row.owned_until) as Micros,
  fence: row.fence,
  startedAt: row.started_at as Micros,
  seenTo: row.seen_to,
});

/** A transfer that was posted of a refund or a dispute, by whichever version. */
export interface Posted {
  readonly kind: string;
  readonly amount: bigint;
}
type Reversals = ReadonlyMap<string, Posted>;

/** What was posted of it is told by the ledger: the release before does not note it. */
export const refundOf = (row: Row<'refunds'>, reversals: Reversals = new Map()): Refund => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('re', row.id),
  payment: idOf('pay', row.payment_id),
  amount: row.amount,
  currency: row.currency as Currency,
  status: row.status as RefundStatus,
  reason: row.reason,
  failureReason: row.failure_reason,
  stripeId: row.stripe_id,
  posted: row.posted || reversals.has(derivedId('tr', idOf('re', row.id))),
  reversed: row.reversed || reversals.has(derivedId('tr', idOf('re', row.id), 1)),
  createdAt: row.created_at as Micros,
});

export const disputeOf = (row: Row<'disputes'>, reversals: Reversals): Dispute => ({
  merchant: idOf('mer', row.merchant_id),
  id: idOf('dp', row.id),
  payment: idOf('pay', row.payment_id),
  amount: row.amount,
  currency: row.currency as Currency,
  status: row.status as DisputeStatus,
  reason: row.reason,
  stripeId: row.stripe_id,
  withdrawn: row.withdrawn,
  reinstated: row.reinstated,
  lines: row.lines,
  lost: row.lost,
  turns: row.turns,
  earlier: earlierOf(idOf('dp', row.id), reversals),
  createdAt: row.created_at as Micros,
});

/** In the release before, what opens a dispute and what ends it are posted under ids that follow from the dispute's. */
const earlierOf = (id: DisputeId, reversals: Reversals): Dispute['earlier'] => {
  const opened = reversals.get(derivedId('tr', id));
  const end = reversals.get(derivedId('tr', id, 1));
  return {
    opened: opened?.amount ?? 0n,
    won: end?.kind === 'dispute_won' ? end.amount : 0n,
    lost: end?.kind === 'dispute_lost' ? end.amount : 0n,
  };
};

export const secondChargeOf = (row: Row<'second_charges'>): SecondCharge => ({
  merchant: idOf('mer', row.merchant_id),
  intent: row.id,
  payment: idOf('pay', row.payment_id),
  currency: row.currency as Currency,
  received: row.received,
  returned: row.returned,
});

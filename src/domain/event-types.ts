/** What merchants are told of: every type of event there is. */
import { PAYMENT_STATUSES, type DisputeStatus, type PaymentStatus, type RefundStatus } from './payment.ts';
import type { MethodNews } from './saved.ts';

export type EventType =
  | `payment.${PaymentStatus | 'failed' | 'returned'}`
  | `refund.${RefundStatus}`
  | `dispute.${DisputeStatus}`
  | `setup.${'requires_action' | 'succeeded' | 'failed'}`
  | MethodNews
  | 'webhook_endpoint.disabled';

/** Each type once; one that is missing breaks the build. */
const KNOWN = {
  ...Object.fromEntries(PAYMENT_STATUSES.map((status) => [`payment.${status}`, true])),
  ...({ 'payment.failed': true, 'payment.returned': true } as const),
  ...({ 'refund.pending': true, 'refund.succeeded': true, 'refund.failed': true } as const),
  ...({ 'dispute.open': true, 'dispute.won': true, 'dispute.lost': true } as const),
  ...({ 'setup.requires_action': true, 'setup.succeeded': true, 'setup.failed': true } as const),
  ...({
    'payment_method.attached': true,
    'payment_method.updated': true,
    'payment_method.detached': true,
  } as const),
  ...({ 'webhook_endpoint.disabled': true } as const),
} satisfies Record<Exclude<EventType, `payment.${PaymentStatus}`>, true>;

/** All of them, in the order of a payment's life. */
export const EVENT_TYPES: readonly string[] = Object.keys(KNOWN);

export const isEventType = (text: string): text is EventType => Object.hasOwn(KNOWN, text);

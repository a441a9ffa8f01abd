/**
 * A cardholder disputes a payment at her bank. Nobody here asks for it: Stripe tells of it, by an event or by a line of
 * its balance. What it takes, gives back and keeps is decided in `domain/disputes.ts`.
 */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Applied, Effect, Event } from '../domain/change.ts';
import type { DisputeFact } from '../domain/fact.ts';
import { idAt, newId } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import { disputeView } from '../domain/reply.ts';
import type { Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';

/**
 * What Stripe has of a dispute is applied to ours, whoever learned of it; the first time makes it, under an id that
 * follows from Stripe's, and with its time. Errors: that it could not be written; it is tried again.
 */
export const disputeTold = (
  ctx: Pick<Context, 'commit'>,
  payment: Payment,
  found: DisputeFact,
): ResultAsync<Applied, PaymentError> =>
  ctx.commit({
    merchant: payment.merchant,
    payment: { kind: 'dispute', payment, dispute: idAt('dp', found.stripeId, found.createdAt), found },
    events: disputeEvents,
  });

const disputeEvents = ({ dispute }: Effect, now: Micros): Event[] =>
  dispute
    ? [
        {
          merchant: dispute.merchant,
          id: newId('evt', now),
          type: `dispute.${dispute.status}`,
          subject: dispute.payment,
          data: JSON.stringify(disputeView(dispute)),
        },
      ]
    : [];

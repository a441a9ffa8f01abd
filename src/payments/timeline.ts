/** `GET /v1/payments/:id/timeline`: what happened to a payment, in order, in words that need no explanation. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { CONTRADICTION_KINDS, CONTRADICTIONS } from '../domain/contradiction.ts';
import { parseCurrency, toDecimal } from '../domain/currency.ts';
import type { MerchantId, PaymentId } from '../domain/ids.ts';
import type { Payment, PaymentStatus } from '../domain/payment.ts';
import { toIsoMicros } from '../domain/time.ts';
import type { LaneError } from '../domain/refusals.ts';
import type { HappeningView, TimelineView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import type { Happening } from '../storage/history.ts';

/** Errors: `payment_not_found`, `database_unavailable`. */
export const readTimeline = (
  ctx: Pick<Context, 'reads'>,
  merchant: MerchantId,
  id: PaymentId,
): ResultAsync<TimelineView, PaymentError<'payment_not_found'> | LaneError> =>
  ctx.reads.payment(merchant, id).andThen((payment) =>
    ctx.reads.history(merchant, id).map((history): TimelineView => ({
      object: 'timeline',
      payment: id,
      status: payment.status,
      data: [created(payment), ...history.map((happening) => entry(happening, payment))],
    })),
  );

const created = ({ createdAt, amount, currency, customer, captureMethod }: Payment): HappeningView => ({
  at: toIsoMicros(createdAt),
  what: `Payment of ${toDecimal(amount, currency)} ${currency} created${captureMethod === 'manual' ? ', to be captured later' : ''}`,
  details: { customer },
});

const entry = ({ at, what, details }: Happening, payment: Payment): HappeningView => ({
  at: toIsoMicros(at),
  what: inWords(what, details, payment),
  details,
});

const inWords = (what: Happening['what'], details: Happening['details'], payment: Payment): string => {
  const say = (name: string): string => String(details[name] ?? '');
  const amount = details['amount'];
  // What Stripe settles in another currency is posted in that.
  const its = parseCurrency(say('currency')) ?? payment.currency;
  const minor = typeof amount === 'string' ? BigInt(amount) : payment.amount;
  const money = `${toDecimal(minor, its)} ${its}`;
  switch (what) {
    case 'attempt began':
      return `${began(say('kind'), money, say('payment_method'))}${details['off_session'] === true ? ', off session: the cardholder is not there' : ''}`;
    case 'attempt ended': {
      const reason = details['reason'];
      const swept = Number(details['fence']) > 1 ? ', as the sweeper found out' : '';
      const left = payment.amount - minor;
      const released =
        say('kind') === 'capture' && say('outcome') === 'succeeded' && left > 0n
          ? `; the other ${toDecimal(left, its)} ${its} are free again on the card`
          : '';
      return `${ended(say('kind'), say('outcome'), money)}${released}${typeof reason === 'string' ? `: ${reason}` : ''}${swept}`;
    }
    case 'posted':
      return `${money} ${POSTED[say('kind')] ?? say('kind')}${say('description') && ` (${say('description')})`}`;
    case 'event':
      return `Event ${say('type')} recorded for the merchant${details['answers'] === true ? '' : unasked(details['reason'])}`;
    case 'delivery':
      return delivered(say('type'), details['status'], say('error'));
    case 'contradiction':
      return `Stripe and the books differ (${say('subject')}). ${contradictionOf(say('kind'))} ${say('detail')}`;
    case 'contradiction resolved':
      return `That ${say('subject')} differs is settled: ${say('resolution')}`;
    case 'told by stripe':
      return `Stripe reported ${say('type')}${reported(details['outcome'])}`;
  }
};

/** What a person is told of a kind. */
const contradictionOf = (kind: string): string => {
  const known = CONTRADICTION_KINDS.find((one) => one === kind);
  return known === undefined ? kind : CONTRADICTIONS[known];
};

const began = (kind: string, money: string, card: string): string => {
  if (kind === 'confirm') return `Charge of ${money} to ${card} sent to Stripe`;
  if (kind === 'cancel') return 'Cancellation sent to Stripe';
  return `${kind === 'refund' ? 'Refund' : 'Capture'} of ${money} sent to Stripe`;
};

/** What an attempt came to; where another was quicker, what it found. */
const ended = (kind: string, outcome: string, money: string): string => {
  const asked = OUTCOMES[kind]?.[outcome]?.replace('MONEY', money);
  return asked ?? `${NAMES[kind] ?? kind} found that the payment ${STATES_THEN[outcome] ?? outcome}`;
};

const NAMES: Readonly<Record<string, string>> = {
  confirm: 'Charge',
  capture: 'Capture',
  cancel: 'Cancellation',
  refund: 'Refund',
};

const OUTCOMES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  confirm: {
    succeeded: 'Charge succeeded',
    declined: 'Charge declined',
    failed: 'Charge refused',
    requires_action: 'Charge waits for the customer to pass 3-D Secure',
    processing: 'Charge is on its way: the bank has not answered yet',
    requires_capture: 'Charge authorized: MONEY are held on the card, and not yet taken',
  },
  capture: { succeeded: 'Capture of MONEY succeeded', declined: 'Capture declined', failed: 'Capture refused' },
  cancel: { canceled: 'Cancellation succeeded', failed: 'Cancellation refused' },
  refund: { succeeded: 'Refund accepted by Stripe', failed: 'Refund refused by Stripe' },
};

const POSTED: Readonly<Record<string, string>> = {
  payment: 'added to the wallet of the customer: paid',
  payment_returned: 'taken from the wallet of the customer: the bank has returned the debit, which had been paid',
  refund: 'taken from the wallet of the customer: refunded to the card',
  refund_reversed: 'put back into the wallet of the customer: the card did not take the refund',
  dispute_opened: 'withdrawn by the bank, and not from the wallet: the customer disputes the payment',
  dispute_reinstated: 'given back by the bank',
  dispute_loss_returned: 'put back into the wallet of the customer: the bank decided the other way',
  second_charge: 'charged a second time: to go back to the card',
  second_charge_returned: 'sent back to the card: it had been charged a second time',
  second_charge_disputed: 'taken back by the bank: it had been charged a second time',
  second_charge_dispute_returned: 'given back by the bank: it had been charged a second time, and is to go back',
  dispute_lost: 'taken from the wallet of the customer: the dispute was lost',
  fee: 'kept by Stripe: its fee',
  fee_returned: 'given back by Stripe: a fee of its own',
  converted_out: 'turned into another currency by Stripe',
  converted_in: 'come of it in this currency',
};

const delivered = (type: string, status: unknown, error: string): string => {
  const isTaken = typeof status === 'number' && status >= 200 && status < 300;
  if (isTaken) return `Event ${type} delivered to the merchant`;
  return `Event ${type} not delivered: ${typeof status === 'number' ? `the endpoint answered ${status}` : error}`;
};

/** What no request of the merchant brought about. */
const unasked = (reason: unknown): string => `, as Stripe reported${typeof reason === 'string' ? `: ${reason}` : ''}`;

/** What was done about it: `seen: succeeded` and such, as the inbox noted it. */
const reported = (outcome: unknown): string => {
  if (typeof outcome !== 'string') return ', which is not yet applied';
  const [what = '', state] = outcome.split(': ');
  if (state === undefined) return `: ${what}`;
  // Stripe was asked when the event was applied: by then more may have happened.
  if (what === 'refund' || what === 'dispute') return `; when it was looked up, the ${what} was ${state}`;
  return `; when it was looked up, the payment ${STATES_THEN[state] ?? state}`;
};

const STATES_THEN: Readonly<Record<string, string>> = {
  requires_payment_method: 'waited for a card',
  requires_confirmation: 'waited to be confirmed',
  requires_action: 'waited for the customer',
  processing: 'was under way',
  requires_capture: 'waited to be captured',
  succeeded: 'was paid',
  canceled: 'was canceled',
} satisfies Record<PaymentStatus, string>;

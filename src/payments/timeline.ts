/** `GET /v1/payments/:id/timeline`: what happened to a payment, in order, in words that need no explanation. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { parseCurrency, toDecimal, type Currency } from '../domain/currency.ts';
import type { MerchantId, PaymentId } from '../domain/ids.ts';
import type { Payment, PaymentStatus } from '../domain/payment.ts';
import { toIsoMicros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { Happening } from '../storage/history.ts';

/** Errors: `payment_not_found`, `database_unavailable`. */
export const readTimeline = (ctx: Context, merchant: MerchantId, id: PaymentId): ResultAsync<object, PaymentError> =>
  ctx.reads.payment(merchant, id).andThen((payment) =>
    ctx.reads.history(merchant, id).map((history) => ({
      object: 'timeline',
      payment: id,
      status: payment.status,
      data: [created(payment), ...history.map((happening) => entry(happening, payment.currency))],
    })),
  );

const created = ({ createdAt, amount, currency, customer, captureMethod }: Payment): object => ({
  at: toIsoMicros(createdAt),
  what: `Payment of ${toDecimal(amount, currency)} ${currency} created${captureMethod === 'manual' ? ', to be captured later' : ''}`,
  details: { customer },
});

const entry = ({ at, what, details }: Happening, currency: Currency): object => ({
  at: toIsoMicros(at),
  what: inWords(what, details, currency),
  details,
});

const inWords = (what: Happening['what'], details: Happening['details'], currency: Currency): string => {
  const say = (name: string): string => String(details[name] ?? '');
  const amount = details['amount'];
  // What Stripe settles in another currency is posted in that.
  const its = parseCurrency(say('currency')) ?? currency;
  const money = typeof amount === 'string' ? `${toDecimal(BigInt(amount), its)} ${its}` : '';
  switch (what) {
    case 'attempt began':
      return began(say('kind'), money, say('payment_method'));
    case 'attempt ended': {
      const reason = details['reason'];
      const swept = Number(details['fence']) > 1 ? ', as the sweeper found out' : '';
      return `${ended(say('kind'), say('outcome'))}${typeof reason === 'string' ? `: ${reason}` : ''}${swept}`;
    }
    case 'posted':
      return `${money} ${POSTED[say('kind')] ?? say('kind')}`;
    case 'event':
      return `Event ${say('type')} recorded for the merchant${details['answers'] === true ? '' : unasked(details['reason'])}`;
    case 'delivery':
      return delivered(say('type'), details['status'], say('error'));
    case 'told by stripe':
      return `Stripe reported ${say('type')}${reported(details['outcome'])}`;
  }
};

const began = (kind: string, money: string, card: string): string => {
  if (kind === 'confirm') return `Charge of ${card} sent to Stripe`;
  if (kind === 'cancel') return 'Cancellation sent to Stripe';
  return `${kind === 'refund' ? 'Refund' : 'Capture'} of ${money || 'the whole amount'} sent to Stripe`;
};

/** What an attempt came to; where another was quicker, what it found. */
const ended = (kind: string, outcome: string): string => {
  const asked = OUTCOMES[kind]?.[outcome];
  return asked ?? `${NAMES[kind] ?? kind} found that the payment ${STATES[outcome] ?? outcome}`;
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
    requires_capture: 'Charge authorized: the card holds the money',
  },
  capture: { succeeded: 'Capture succeeded', declined: 'Capture declined', failed: 'Capture refused' },
  cancel: { canceled: 'Cancellation succeeded', failed: 'Cancellation refused' },
  refund: { succeeded: 'Refund accepted by Stripe', failed: 'Refund refused by Stripe' },
};

const POSTED: Readonly<Record<string, string>> = {
  payment: 'added to the wallet of the customer: paid',
  refund: 'taken from the wallet of the customer: refunded to the card',
  refund_reversed: 'put back into the wallet of the customer: the card did not take the refund',
  dispute_opened: 'withdrawn by the bank: the customer disputes the payment',
  dispute_won: 'given back by the bank: the dispute was won',
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
  if (what === 'refund' || what === 'dispute') return `: the ${what} is ${state}`;
  return `: the payment ${STATES[state] ?? state}`;
};

const STATES: Readonly<Record<string, string>> = {
  requires_payment_method: 'waits for a card',
  requires_confirmation: 'waits to be confirmed',
  requires_action: 'waits for the customer',
  processing: 'is under way',
  requires_capture: 'waits to be captured',
  succeeded: 'is paid',
  canceled: 'is canceled',
} satisfies Record<PaymentStatus, string>;

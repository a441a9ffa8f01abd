/**
 * The life of a payment: every step that it may take, who may cause it, and what it posts. What is not in the table is
 * refused. Pure.
 */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';
import type { PaymentStep } from './change.ts';
import { walletId, type AccountId } from './ids.ts';
import type { Dispute, Payment, PaymentAttempt, PaymentStatus, Refund } from './payment.ts';
import { posting } from './postings.ts';
import type { Transfer } from './transfer.ts';

/** The API, on a request; a webhook, or a look at Stripe; the sweeper, which finishes what a request began. */
export type Cause = 'api' | 'webhook' | 'recovery';

export interface Arrow {
  readonly from: PaymentStatus | 'new';
  readonly to: PaymentStatus;
  readonly by: readonly Cause[];
  readonly when: string;
}

const everyone = ['api', 'webhook', 'recovery'] as const;
const caller = ['api'] as const;
const answered = ['api', 'recovery'] as const;
const told = ['webhook', 'recovery'] as const;

/** A payment becomes `succeeded` by an arrow of this table alone, and every such arrow posts what was captured. */
export const ARROWS: readonly Arrow[] = [
  { from: 'new', to: 'requires_payment_method', by: caller, when: 'created without a card' },
  { from: 'new', to: 'requires_confirmation', by: caller, when: 'created with a card' },
  { from: 'new', to: 'processing', by: caller, when: 'created with confirm' },
  { from: 'requires_payment_method', to: 'processing', by: caller, when: 'confirm or cancel begins' },
  { from: 'requires_confirmation', to: 'processing', by: caller, when: 'confirm or cancel begins' },
  { from: 'requires_action', to: 'processing', by: caller, when: 'another card, or cancel begins' },
  { from: 'requires_capture', to: 'processing', by: caller, when: 'capture or cancel begins' },
  { from: 'processing', to: 'succeeded', by: everyone, when: 'paid' },
  { from: 'processing', to: 'requires_payment_method', by: answered, when: 'declined' },
  { from: 'processing', to: 'requires_confirmation', by: answered, when: 'never confirmed' },
  { from: 'processing', to: 'requires_action', by: answered, when: 'challenged' },
  { from: 'processing', to: 'requires_capture', by: answered, when: 'authorized' },
  { from: 'processing', to: 'canceled', by: everyone, when: 'canceled' },
  { from: 'requires_action', to: 'succeeded', by: told, when: 'challenge passed' },
  { from: 'requires_action', to: 'requires_capture', by: told, when: 'challenge passed' },
  { from: 'requires_action', to: 'requires_payment_method', by: told, when: 'challenge failed' },
  { from: 'requires_action', to: 'canceled', by: told, when: 'canceled at Stripe' },
  { from: 'requires_capture', to: 'succeeded', by: told, when: 'captured at Stripe' },
  { from: 'requires_capture', to: 'canceled', by: told, when: 'hold expired' },
  { from: 'requires_payment_method', to: 'succeeded', by: told, when: 'paid at Stripe' },
  { from: 'requires_payment_method', to: 'requires_capture', by: told, when: 'authorized at Stripe' },
  { from: 'requires_payment_method', to: 'canceled', by: everyone, when: 'canceled' },
  { from: 'requires_confirmation', to: 'succeeded', by: told, when: 'paid at Stripe' },
  { from: 'requires_confirmation', to: 'requires_capture', by: told, when: 'authorized at Stripe' },
  { from: 'requires_confirmation', to: 'canceled', by: everyone, when: 'canceled' },
];

export const mayGo = (from: Arrow['from'], to: PaymentStatus, by: Cause): boolean =>
  ARROWS.some((arrow) => arrow.from === from && arrow.to === to && arrow.by.includes(by));

/** From where an operation may begin, and what a caller is told who tries it from elsewhere. */
const BEGINNINGS: Readonly<Record<PaymentAttempt['kind'], { from: readonly PaymentStatus[]; refusal: ErrorCode }>> = {
  confirm: {
    from: ['requires_payment_method', 'requires_confirmation', 'requires_action'],
    refusal: 'payment_not_confirmable',
  },
  capture: { from: ['requires_capture'], refusal: 'payment_not_capturable' },
  cancel: {
    from: ['requires_payment_method', 'requires_confirmation', 'requires_action', 'requires_capture'],
    refusal: 'payment_not_cancelable',
  },
};

/** What a step finds. */
export interface Subject {
  /** Whether the customer of a payment that comes to be is the merchant's. */
  readonly ownsCustomer: boolean;
  readonly payment: Payment | undefined;
  readonly refund: Refund | undefined;
  readonly dispute: Dispute | undefined;
}

/** Money of a wallet that may not be spent meanwhile; below zero where it is set free. */
export interface Hold {
  readonly account: AccountId;
  readonly amount: bigint;
}

/** What a step leaves behind. */
export interface Stepped {
  readonly payment: Payment;
  readonly refund: Refund | null;
  readonly dispute: Dispute | null;
  readonly transfers: readonly Transfer[];
  readonly hold: Hold | null;
}

/** Takes a step, if it may be taken; `settled before` where someone else has taken it already. */
export const take = (subject: Subject, step: PaymentStep): Result<Stepped | 'settled before', PaymentError> => {
  if (step.kind === 'create')
    return subject.ownsCustomer
      ? ok(only(step.payment))
      : err(paymentError('customer_not_found', { param: 'customer' }));
  const { payment } = subject;
  if (!payment) return err(paymentError('payment_not_found'));
  switch (step.kind) {
    case 'begin':
      return begin(payment, step);
    case 'settle':
      if (payment.status !== 'processing' || payment.attempt !== step.attempt) return ok('settled before');
      return ok(settled(payment, step.settlement));
    case 'observe':
      if (payment.attempt !== step.seen || !mayGo(payment.status, step.settlement.status, 'webhook'))
        return ok('settled before');
      return ok(settled(payment, step.settlement));
    case 'cancel':
      return payment.intent === null && mayGo(payment.status, 'canceled', 'api')
        ? ok(only({ ...payment, status: 'canceled', nextAction: null }))
        : err(paymentError('payment_not_cancelable', { payment: payment.id }));
    case 'refund':
      return refund(payment, step.refund);
    case 'settle refund':
      return settleRefund(payment, subject.refund, step);
    case 'refund found':
      return subject.refund ? ok('settled before') : ok(refundFound(payment, step.refund));
    case 'dispute':
      return dispute(payment, subject.dispute, step.dispute);
  }
};

const only = (payment: Payment): Stepped => ({ payment, refund: null, dispute: null, transfers: [], hold: null });

type Step<Kind extends PaymentStep['kind']> = Extract<PaymentStep, { readonly kind: Kind }>;

const begin = (
  payment: Payment,
  { payment: { returnUrl }, attempt, seen }: Step<'begin'>,
): Result<Stepped, PaymentError> => {
  const { from, refusal } = BEGINNINGS[attempt.kind];
  if (!from.includes(payment.status) || payment.attempt !== seen)
    return err(paymentError(refusal, { payment: payment.id }));
  if (attempt.kind === 'capture' && (attempt.amount ?? 0n) > payment.amount)
    return err(paymentError('capture_exceeds_payment', { payment: payment.id, param: 'amount' }));
  const paymentMethod = attempt.kind === 'confirm' ? attempt.paymentMethod : payment.paymentMethod;
  const begun = { ...payment, status: 'processing', attempt: attempt.id, paymentMethod, returnUrl } as const;
  return ok(only({ ...begun, nextAction: null, lastError: null }));
};

/** What Stripe says is what it is; money that it has taken is posted. */
const settled = (payment: Payment, found: Step<'settle'>['settlement']): Stepped => {
  const { status, amountCaptured, intent, nextAction, lastError } = found;
  const after = { ...payment, status, amountCaptured, intent: intent ?? payment.intent, nextAction, lastError };
  return {
    ...only(after),
    transfers: status === 'succeeded' ? [posting('payment', payment, amountCaptured, payment.id)] : [],
  };
};

const hold = ({ customer, currency }: Payment, amount: bigint): Hold => ({
  account: walletId(customer, currency),
  amount,
});

/** Held first: what is being refunded can be neither spent nor refunded again. */
const refund = (payment: Payment, wanted: Refund): Result<Stepped, PaymentError> => {
  if (payment.status !== 'succeeded') return err(paymentError('payment_not_refundable', { payment: payment.id }));
  const left = payment.amountCaptured - payment.amountRefunded - payment.refundsPending;
  if (wanted.amount > left)
    return err(paymentError('refund_exceeds_payment', { payment: payment.id, param: 'amount' }));
  const after = { ...payment, refundsPending: payment.refundsPending + wanted.amount };
  return ok({ ...only(after), refund: wanted, hold: hold(payment, wanted.amount) });
};

const settleRefund = (
  payment: Payment,
  held: Refund | undefined,
  { to, stripeId, failureReason }: Step<'settle refund'>,
): Result<Stepped | 'settled before', PaymentError> => {
  if (!held) return err(paymentError('refund_not_found'));
  const after: Refund = { ...held, status: to, stripeId: stripeId ?? held.stripeId, failureReason };
  if (held.status === 'pending' && to === 'pending')
    return ok(after.stripeId === held.stripeId ? 'settled before' : { ...only(payment), refund: after });
  const { amount } = held;
  if (held.status === 'pending') {
    const freed = { ...payment, refundsPending: payment.refundsPending - amount };
    const released = { refund: after, dispute: null, hold: hold(payment, -amount) };
    if (to === 'failed') return ok({ ...released, payment: freed, transfers: [] });
    return ok({
      ...released,
      payment: { ...freed, amountRefunded: payment.amountRefunded + amount },
      transfers: [posting('refund', payment, amount, held.id)],
    });
  }
  if (held.status === 'succeeded' && to === 'failed')
    return ok({
      ...only({ ...payment, amountRefunded: payment.amountRefunded - amount }),
      refund: after,
      transfers: [posting('refund_reversed', payment, amount, held.id)],
    });
  return ok('settled before');
};

/** Made in Stripe's dashboard, and not asked for here: a fact. */
const refundFound = (payment: Payment, found: Refund): Stepped => {
  const { status, amount } = found;
  if (status === 'pending')
    return {
      ...only({ ...payment, refundsPending: payment.refundsPending + amount }),
      refund: found,
      hold: hold(payment, amount),
    };
  if (status === 'failed') return { ...only(payment), refund: found };
  return {
    ...only({ ...payment, amountRefunded: payment.amountRefunded + amount }),
    refund: found,
    transfers: [posting('refund', payment, amount, found.id)],
  };
};

/** Opened, and then won or lost once; told of its end alone, it is opened and ended together. */
const dispute = (
  payment: Payment,
  known: Dispute | undefined,
  found: Dispute,
): Result<Stepped | 'settled before', PaymentError> => {
  if (known && (known.status === found.status || known.status !== 'open')) return ok('settled before');
  const held: Dispute = known ? { ...known, status: found.status } : found;
  const end = found.status === 'won' ? 'dispute_won' : 'dispute_lost';
  const transfers = [
    ...(known ? [] : [posting('dispute_opened', payment, held.amount, held.id)]),
    ...(found.status === 'open' ? [] : [posting(end, payment, held.amount, held.id)]),
  ];
  return ok({ ...only(payment), dispute: held, transfers });
};

/** The accounts that a step may post to or hold in: they are locked before it is known whether it will. */
export const accountsOf = (step: PaymentStep): readonly { account: AccountId; currency: Payment['currency'] }[] => {
  const of = (payment: Payment, ...rules: Parameters<typeof posting>[0][]): ReturnType<typeof accountsOf> =>
    rules.flatMap((rule) => {
      const { debit, credit } = posting(rule, payment, 1n, payment.id);
      return [debit, credit].map((account) => ({ account, currency: payment.currency }));
    });
  switch (step.kind) {
    case 'create':
    case 'begin':
    case 'cancel':
      return [];
    case 'settle':
    case 'observe':
      return step.settlement.status === 'succeeded' ? of(step.payment, 'payment') : [];
    case 'refund':
    case 'settle refund':
    case 'refund found':
      return of(step.payment, 'refund');
    case 'dispute':
      return of(step.payment, 'dispute_opened', 'dispute_lost');
  }
};

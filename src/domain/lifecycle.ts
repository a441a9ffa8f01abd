/**
 * The life of a payment: every step that it may take, who may cause it, and what it posts. What is not in the table is
 * refused. Pure.
 */
import { err, ok, type Result } from 'neverthrow';
import { ERRORS, paymentError, type ErrorCode, type PaymentError } from '../error.ts';
import type { PaymentStep } from './change.ts';
import type { Contradiction, ContradictionKind } from './contradiction.ts';
import type { IntentFact, Settlement } from './fact.ts';
import { idAt, type AccountId, type AttemptId, type TransferId } from './ids.ts';
import {
  isToken,
  type LastError,
  type Payment,
  type PaymentAttempt,
  type PaymentStatus,
  type SecondCharge,
} from './payment.ts';
import { posting } from './postings.ts';
import { disputed } from './disputes.ts';
import { refundAsked, refundSettled } from './refunds.ts';
import { returned } from './returns.ts';
import { concernsSecond, news, unchanged, type Step, type Stepped, type Subject } from './step.ts';
import { updated } from './update.ts';

/** A request of a caller; the answer to the attempt that it began; what Stripe has, whoever looked. */
export type Cause = 'request' | 'answer' | 'fact';

export interface Transition {
  readonly from: PaymentStatus | 'new';
  readonly to: PaymentStatus;
  readonly by: readonly Cause[];
  readonly when: string;
}

const anyone = ['request', 'answer', 'fact'] as const;
const request = ['request'] as const;
const answer = ['answer', 'fact'] as const;
const fact = ['fact'] as const;

/** Every change of a payment's status asks this table. */
export const TRANSITIONS: readonly Transition[] = [
  { from: 'new', to: 'requires_payment_method', by: request, when: 'created without a card' },
  { from: 'new', to: 'requires_confirmation', by: request, when: 'created with a card' },
  { from: 'new', to: 'processing', by: request, when: 'created with confirm' },
  { from: 'requires_payment_method', to: 'processing', by: anyone, when: 'confirm or cancel begins' },
  { from: 'requires_confirmation', to: 'processing', by: anyone, when: 'confirm or cancel begins' },
  { from: 'requires_action', to: 'processing', by: anyone, when: 'another card, or cancel begins' },
  { from: 'requires_capture', to: 'processing', by: anyone, when: 'capture or cancel begins' },
  { from: 'processing', to: 'succeeded', by: answer, when: 'paid' },
  { from: 'processing', to: 'requires_payment_method', by: answer, when: 'declined' },
  { from: 'processing', to: 'requires_confirmation', by: answer, when: 'never confirmed' },
  { from: 'processing', to: 'requires_action', by: answer, when: 'challenged' },
  { from: 'processing', to: 'requires_capture', by: answer, when: 'authorized' },
  { from: 'processing', to: 'canceled', by: answer, when: 'canceled' },
  { from: 'requires_action', to: 'succeeded', by: fact, when: 'challenge passed' },
  { from: 'requires_action', to: 'requires_capture', by: fact, when: 'challenge passed' },
  { from: 'requires_action', to: 'requires_payment_method', by: fact, when: 'challenge failed' },
  { from: 'requires_action', to: 'canceled', by: fact, when: 'canceled at Stripe' },
  { from: 'requires_capture', to: 'succeeded', by: fact, when: 'captured at Stripe' },
  { from: 'requires_capture', to: 'canceled', by: fact, when: 'hold expired' },
  { from: 'requires_payment_method', to: 'succeeded', by: fact, when: 'paid at Stripe' },
  { from: 'requires_payment_method', to: 'requires_action', by: fact, when: 'challenged at Stripe' },
  { from: 'requires_payment_method', to: 'requires_capture', by: fact, when: 'authorized at Stripe' },
  { from: 'requires_payment_method', to: 'canceled', by: ['request', 'fact'], when: 'canceled' },
  { from: 'requires_confirmation', to: 'succeeded', by: fact, when: 'paid at Stripe' },
  { from: 'requires_confirmation', to: 'requires_action', by: fact, when: 'challenged at Stripe' },
  { from: 'requires_confirmation', to: 'requires_capture', by: fact, when: 'authorized at Stripe' },
  { from: 'requires_confirmation', to: 'canceled', by: ['request', 'fact'], when: 'canceled' },
  { from: 'canceled', to: 'succeeded', by: fact, when: 'paid, though called off' },
  { from: 'canceled', to: 'requires_capture', by: fact, when: 'authorized, though called off' },
  { from: 'canceled', to: 'processing', by: fact, when: 'under way at Stripe, though called off' },
];

export const mayGo = (from: Transition['from'], to: PaymentStatus, by: Cause): boolean =>
  TRANSITIONS.some((one) => one.from === from && one.to === to && one.by.includes(by));

/** From where an operation may begin, and what a caller is told who tries it from elsewhere. */
const BEGINNINGS: Readonly<Record<PaymentAttempt['kind'], { from: readonly PaymentStatus[]; refusal: ErrorCode }>> = {
  confirm: {
    from: ['requires_payment_method', 'requires_confirmation', 'requires_action'],
    refusal: 'payment_not_confirmable',
  },
  capture: { from: ['requires_capture'], refusal: 'payment_not_capturable' },
  cancel: {
    // `processing`: where Stripe itself waits for the bank, and may yet be asked to let it be.
    from: ['requires_payment_method', 'requires_confirmation', 'requires_action', 'requires_capture', 'processing'],
    refusal: 'payment_not_cancelable',
  },
};

/** Takes a step, if it may be taken. */
export const applyTransition = (subject: Subject, step: PaymentStep): Result<Stepped, PaymentError> => {
  if (step.kind === 'create') {
    const { customer } = subject;
    if (!customer) return err(paymentError('customer_not_found', { param: 'customer' }));
    const paymentMethod = step.payment.paymentMethod ?? (step.attempt && customer.defaultMethod);
    if (step.attempt && paymentMethod === null)
      return err(paymentError('payment_method_required', { param: 'payment_method' }));
    // He was deleted at Stripe since he was asked for: of nobody's card nothing would be kept.
    if (step.attempt?.usedFor === 'save' && customer.stripeId === null) return err(paymentError('contention'));
    const attempt = step.attempt &&
      paymentMethod !== null && { ...step.attempt, paymentMethod, stripeCustomer: customer.stripeId };
    return mayGo('new', step.payment.status, 'request')
      ? ok({ ...news({ ...step.payment, paymentMethod }), attempt: attempt || null })
      : err(paymentError('internal', { cause: new Error(`no payment comes to be ${step.payment.status}`) }));
  }
  const { payment } = subject;
  if (!payment) return err(paymentError('payment_not_found'));
  switch (step.kind) {
    case 'begin':
      return begin(payment, step);
    case 'settle':
      return settle(payment, subject, step);
    case 'observe':
      return observe(payment, subject, step.found, step.payment, step.payment.attempt);
    case 'update':
      return updated(payment, step.wanted).map(unchanged);
    case 'cancel':
      // Stripe has never been asked.
      return payment.attempt === null && mayGo(payment.status, 'canceled', 'request')
        ? ok(news({ ...payment, status: 'canceled', nextAction: null }))
        : err(paymentError('payment_not_cancelable', { payment: payment.id }));
    case 'refund':
      return refundAsked(payment, subject.refundParts, step.refund).map((asked) => ({
        ...asked,
        attempt: step.attempt,
      }));
    case 'settle refund':
      // It came to have another intent meanwhile: what is known of that one was not read.
      if (step.payment.intent !== payment.intent) return err(paymentError('contention'));
      return refundSettled(payment, subject, step);
    case 'return':
      return returned(payment, subject.second, step);
    case 'dispute':
      if (step.payment.intent !== payment.intent) return err(paymentError('contention'));
      return ok(disputed(payment, subject.dispute, subject.second, step));
  }
};

const begin = (
  payment: Payment,
  { payment: { returnUrl }, attempt, seen }: Step<'begin'>,
): Result<Stepped, PaymentError> => {
  const { from, refusal } = BEGINNINGS[attempt.kind];
  if (!from.includes(payment.status) || payment.underWay || payment.attempt !== seen)
    return err(
      paymentError(refusal, { payment: payment.id, message: `${ERRORS[refusal].message} It is ${payment.status}.` }),
    );
  if (attempt.kind === 'confirm' && attempt.usedFor === 'save' && attempt.stripeCustomer === null)
    return err(
      paymentError(refusal, { payment: payment.id, message: 'Its customer was erased: no card is kept for him.' }),
    );
  if (attempt.kind === 'capture' && (attempt.amount ?? 0n) > payment.amount)
    return err(paymentError('capture_exceeds_payment', { payment: payment.id, param: 'amount' }));
  const paymentMethod = attempt.kind === 'confirm' ? attempt.paymentMethod : payment.paymentMethod;
  const begun = { ...payment, status: 'processing', attempt: attempt.id, underWay: true, paymentMethod } as const;
  return ok({ ...news({ ...begun, returnUrl, nextAction: null, lastError: null }), attempt });
};

/** What an attempt came to closes it; what Stripe has is posted, be the attempt open or long closed. */
const settle = (
  payment: Payment,
  subject: Subject,
  { attempt, settlement, payment: seen }: Step<'settle'>,
): Result<Stepped, PaymentError> => {
  const { found } = settlement;
  if (payment.underWay && payment.attempt === attempt) {
    // Of another intent than its own, an attempt cannot tell; and its end would leave it open what became of its own.
    if (found && payment.intent !== null && payment.intent !== found.intent) return err(paymentError('contention'));
    const rested = { ...payment, underWay: false };
    return found ? byFact(rested, found, settlement, seen, subject, true) : ok(byBelief(rested, settlement));
  }
  return found ? observe(payment, subject, found, seen, attempt) : ok(unchanged(payment));
};

/** What Stripe has, as somebody saw it who knew of that attempt as the latest. */
const observe = (
  payment: Payment,
  subject: Subject,
  found: IntentFact,
  seen: Payment,
  latest: AttemptId | null,
): Result<Stepped, PaymentError> => {
  // What was so before another attempt, or while it is at work, has gone by: but for money that has moved.
  const isStale = payment.underWay || payment.attempt !== latest;
  const isOwn = payment.intent === null || payment.intent === found.intent;
  return isStale && isOwn && found.amountReceived === 0n
    ? ok(unchanged(payment))
    : byFact(payment, found, null, seen, subject, false);
};

/** Nothing was found at Stripe: the caller may try again, and what is found later is posted all the same. */
const byBelief = (payment: Payment, { outcome, refusal, mayExist }: Settlement): Stepped => {
  const status = outcome === 'canceled' ? 'canceled' : 'requires_payment_method';
  return news({
    ...payment,
    status: mayGo(payment.status, status, 'answer') ? status : payment.status,
    lastError: status === 'canceled' ? null : refusal,
    mayExist: payment.mayExist || mayExist,
  });
};

/** What Stripe says is what it is; money that it has taken is posted. */
const byFact = (
  before: Payment,
  found: IntentFact,
  settlement: Settlement | null,
  seen: Payment,
  { second, owner }: Pick<Subject, 'second' | 'owner'>,
  isOpen: boolean,
): Result<Stepped, PaymentError> => {
  const isOther = before.intent !== null && before.intent !== found.intent;
  // It came to have an intent meanwhile: what is known of another was not read.
  if (isOther && !concernsSecond(seen, found.intent)) return err(paymentError('contention'));
  const says = saying(before, found);
  if (found.currency !== before.currency || (before.intent !== found.intent && found.amount !== before.amount))
    return isOpen
      ? err(paymentError('internal', { cause: new Error(`${found.intent} is not what was asked for`) }))
      : ok({
          ...unchanged(before),
          contradictions: [says('intent_differs', `It is of ${found.amount} ${found.currency}.`)],
        });
  if (owner !== undefined && owner !== before.id)
    return ok({ ...unchanged(before), contradictions: [says('intent_reused', `It pays for ${owner}.`)] });

  const holds = found.amountReceived > 0n || found.status === 'requires_capture';
  // What its own may still come to is waited for; and what was posted as a second charge stays one.
  const isFree = !before.underWay && before.amountCaptured === 0n && before.status !== 'requires_capture';
  const adopts = isOther && holds && isFree && !second;
  if (isOther && !adopts) return ok(another(before, found, second));

  const captured = found.amountReceived > before.amountCaptured ? found.amountReceived : before.amountCaptured;
  const moved = captured - before.amountCaptured;
  const status = statusAfter(before, found, isOpen, adopts || moved > 0n);
  const after: Payment = {
    ...before,
    status,
    amountCaptured: captured,
    paymentMethod: found.method?.id ?? methodAfter(before.paymentMethod, found.paymentMethod),
    intent: found.intent,
    mayExist: false,
    nextAction: status === found.status ? found.nextAction : null,
    lastError:
      status === 'requires_payment_method'
        ? reasonOf(settlement, found)
        : // Why a debit has come back is told for ever.
          before.amountReturned > 0n
          ? before.lastError
          : null,
  };
  const isAgainst = moved > 0n || (status !== before.status && status === 'requires_capture');
  return ok({
    ...unchanged(after),
    isNews: status !== before.status || moved > 0n || (isOpen && status === 'processing'),
    transfers: moved > 0n ? [posting('payment', before, moved, captureId(before, found))] : [],
    contradictions: [
      ...(isAgainst && before.status === 'canceled'
        ? [says('paid_after_cancel', `Stripe has it as ${found.status}.`)]
        : []),
      ...(isAgainst && before.mayExist && !isOpen
        ? [says('paid_after_refusal', `Stripe has it as ${found.status}.`)]
        : []),
      ...(adopts ? [says('second_intent', `Its own was ${before.intent}.`)] : []),
      ...(captured > before.amount && moved > 0n
        ? [says('over_captured', `${captured} were captured, of ${before.amount}.`)]
        : []),
    ],
  });
};

/** A confirmation token is used once, and gives way to the payment method that was behind it. */
const methodAfter = (before: string | null, found: string | null): string | null =>
  before !== null && isToken(before) ? found : before;

const reasonOf = (settlement: Settlement | null, found: IntentFact): LastError | null =>
  settlement ? (settlement.refusal ?? found.lastError) : found.lastError;

/** A status that does not follow is a look that came late: what it tells has gone by. */
const statusAfter = (before: Payment, found: IntentFact, isOpen: boolean, isSure: boolean): PaymentStatus => {
  if (found.status === before.status) return before.status;
  // Canceled is the last word of an intent; where it was ours alone, Stripe may know better.
  if (before.status === 'canceled' && before.intent === found.intent && !isSure) return before.status;
  const isTold = mayGo(before.status, found.status, isOpen ? 'answer' : 'fact');
  return isTold ? found.status : before.status;
};

/**
 * Another PaymentIntent than the payment's own: it changes nothing of the payment. Money that it took is posted as what
 * it is, and is to go back.
 */
const another = (payment: Payment, found: IntentFact, known: SecondCharge | undefined): Stepped => {
  const says = saying(payment, found);
  const rested = { ...unchanged(payment), second: known ?? null };
  const before = known?.received ?? 0n;
  if (found.amountReceived > before)
    return {
      ...rested,
      second: {
        merchant: payment.merchant,
        intent: found.intent,
        payment: payment.id,
        currency: payment.currency,
        received: found.amountReceived,
        returned: known?.returned ?? 0n,
      },
      transfers: [posting('second_charge', payment, found.amountReceived - before, captureId(payment, found))],
      contradictions: [
        says('second_charge', `Its own is ${payment.intent ?? ''}; ${found.amountReceived} were taken by this one.`),
      ],
    };
  return found.status === 'requires_capture'
    ? { ...rested, contradictions: [says('second_intent', 'It holds money that is not wanted.')] }
    : rested;
};

/** Of what was captured of an intent up to this sum. */
const captureId = ({ createdAt }: Payment, { intent, amountReceived }: IntentFact): TransferId =>
  idAt('tr', `${intent} ${amountReceived}`, createdAt);

const saying =
  ({ merchant, id }: Payment, { intent, amountReceived, amount, currency }: IntentFact) =>
  (kind: ContradictionKind, detail: string): Contradiction => ({
    merchant,
    kind,
    payment: id,
    subject: intent,
    amount: amountReceived > 0n ? amountReceived : amount,
    currency,
    detail,
  });

/** The accounts that a step may post to or hold in: they are locked before it is known whether it will. */
export const accountsOf = (step: PaymentStep): readonly { account: AccountId; currency: Payment['currency'] }[] => {
  const of = (payment: Payment, ...rules: Parameters<typeof posting>[0][]): ReturnType<typeof accountsOf> =>
    rules.flatMap((rule) => {
      const { debit, credit } = posting(rule, payment, 1n, NO_TRANSFER);
      return [debit, credit].map((account) => ({ account, currency: payment.currency }));
    });
  switch (step.kind) {
    case 'create':
    case 'begin':
    case 'update':
    case 'cancel':
      return [];
    case 'settle':
    case 'observe': {
      const found = step.kind === 'settle' ? step.settlement.found : step.found;
      if (!found || found.amountReceived === 0n) return [];
      return concernsSecond(step.payment, found.intent)
        ? of(step.payment, 'payment', 'second_charge')
        : of(step.payment, 'payment');
    }
    case 'refund':
      return of(step.payment, 'refund');
    case 'settle refund':
      return concernsSecond(step.payment, step.settlement.found?.intent ?? null)
        ? of(step.payment, 'refund', 'second_charge')
        : of(step.payment, 'refund');
    case 'return':
      return concernsSecond(step.payment, step.found.intent)
        ? of(step.payment, 'payment_returned', 'second_charge_returned')
        : of(step.payment, 'payment_returned');
    case 'dispute':
      return concernsSecond(step.payment, step.found.intent)
        ? of(step.payment, 'dispute_opened', 'second_charge_disputed')
        : of(step.payment, 'dispute_opened', 'dispute_lost');
  }
};
const NO_TRANSFER = 'tr_' as TransferId;

/**
 * Cards, at Stripe. This folder alone calls the stripe package (the sandbox has its types): it throws, and that ends here.
 *
 * What Stripe says for certain is an outcome (paid, declined, refused, or the customer must act). What leaves us in the
 * dark is an error, `provider_unavailable` with `outcome: unknown`: a charge may exist, and only a resend under the same
 * key, or a look at Stripe's own records, can tell.
 */
import { ResultAsync } from 'neverthrow';
import type Stripe from 'stripe';
import { STRIPE_DEADLINE_MS } from '../domain/deadlines.ts';
import {
  settlementOf,
  type IntentFact,
  type RefundFact,
  type RefundSettlement,
  type Settlement,
} from '../domain/fact.ts';
import {
  isToken,
  type ConfirmAttempt,
  type LastError,
  type MethodType,
  type Payment,
  type PaymentAttempt,
  type RefundAttempt,
} from '../domain/payment.ts';
import type { StripeError } from '../domain/refusals.ts';
import { paymentError } from '../error.ts';
import type { Breaker } from './breaker.ts';
import { findIntent, Unfinished } from './find.ts';
import { asError, persist, type Failed, type Nth } from './persist.ts';
import {
  factOf,
  isKeyOfAnother,
  isServerError,
  isTrouble,
  refundFactOf,
  refusalOf,
  SHOWING_METHOD,
  wasReplayed,
  withoutIds,
  type Refusal,
} from './outcome.ts';
import { REFUND_TAG } from '../domain/tags.ts';
import { CLAIM_TAG, tagged, tagsOf, type Tags } from './tags.ts';

export interface Cards {
  /**
   * Confirms, captures or cancels, under a key that follows from the claim: sent again, it does nothing twice.
   *
   * What it answers settles the attempt. The first send is settled by its own answer; one that may have been sent before
   * is settled by a success, by an answer that Stripe repeats, or by the intent itself, and by no refusal: Stripe answers
   * 401, 403, 429 and most 400s before it looks at the key (https://docs.stripe.com/error-low-level#idempotency).
   * Errors: `provider_unavailable` with `outcome: unknown`.
   */
  readonly send: (payment: Payment, attempt: PaymentAttempt, nth: Nth) => ResultAsync<Settlement, Unsettled>;
  /** What Stripe has on record of a payment; null if it has nothing. Errors: `provider_unavailable`. */
  readonly find: (payment: Payment, attempt: PaymentAttempt) => ResultAsync<IntentFact | null, Unsettled>;
  /** Sends money back, under such a key. Errors: as `send`. */
  readonly refund: (payment: Payment, attempt: RefundAttempt, nth: Nth) => ResultAsync<RefundSettlement, Unsettled>;
  /** What Stripe has on record of a refund; null if it has nothing. Errors: `provider_unavailable`. */
  readonly findRefund: (payment: Payment, attempt: RefundAttempt) => ResultAsync<RefundFact | null, StripeError>;
  /** Whether Stripe answers at all. Errors: `provider_unavailable`. */
  readonly ping: () => ResultAsync<void, StripeError>;
}

/** Why nothing is settled, and what is known all the same. */
export type Unsettled = StripeError & {
  /** Sending it again is of no use: Stripe repeats its answer, or refuses it before it looks whether it knows the key. */
  readonly mustLook?: boolean;
  /** Stripe failed while it worked on it, and may still make the object. */
  readonly serverError?: boolean;
  /** What it was refused for, by an answer that does not settle it. */
  readonly refusal?: LastError;
  /** How far a look has come that is to be gone on with. */
  readonly seenTo?: string;
};

/** `methodTypes`: what the installation lets customers pay with. */
export const createCards = (stripe: Stripe, breaker: Breaker, methodTypes: readonly MethodType[]): Cards => {
  /** A call that moves money. */
  const act = <T>(work: () => Promise<T>, deadlineMs = STRIPE_DEADLINE_MS): Promise<T> =>
    breaker.call(work, deadlineMs);
  /** A look at Stripe's records. */
  const look = <T>(work: () => Promise<T>): ResultAsync<T, Unsettled> =>
    ResultAsync.fromPromise(breaker.call(work), unknownOutcome);

  const send = async (payment: Payment, attempt: PaymentAttempt, nth: Nth): Promise<Settlement> => {
    const intent = await intentOf(payment, attempt);
    if (intent === null) return CALLED_OFF;
    if (isOver(intent)) return settlementOf(intent, null);
    const sent = await persist(nth, (deadlineMs) =>
      act(() => call(stripe, payment, intent?.intent, attempt, methodTypes), deadlineMs),
    );
    if (sent.answer) return settlementOf(factOf(sent.answer), sent.answer.lastResponse.requestId);
    if (isKeyOfAnother(sent.error)) return settlementOf(await adopt(payment, attempt, sent.error), null);
    return afterError(sent, intent?.intent ?? null, attempt);
  };

  /**
   * The intent that an attempt is about: undefined where it is to be made, null where there is none to be canceled. One
   * that may exist is looked for first: it is the payment's, and another would be a second charge.
   */
  const intentOf = async (
    payment: Payment,
    attempt: PaymentAttempt,
  ): Promise<IntentFact | { readonly intent: string } | null | undefined> => {
    if (payment.intent !== null) return { intent: payment.intent };
    if (attempt.kind === 'confirm' && !payment.mayExist) return undefined;
    // By whichever of its attempts it was made.
    const isIt = (tags: Tags): boolean => tagged(tags)?.payment === payment.id;
    const found = await findIntent(stripe, { payment, isIt, since: payment.createdAt, seenTo: attempt.seenTo }, false);
    return found ?? (attempt.kind === 'confirm' ? undefined : null);
  };

  /** An earlier life of the claim has sent it, and is forgotten here: what it made is this payment's. */
  const adopt = async (payment: Payment, attempt: PaymentAttempt, error: unknown): Promise<IntentFact> => {
    const found = await ofClaim(payment, attempt);
    if (!found) throw asError(error);
    return factOf(await stripe.paymentIntents.update(found.intent, { metadata: tagsOf(payment, attempt) }));
  };

  /** What an attempt has made: it has its claim. What the release before has made has none, nor any that names a claim. */
  const ofClaim = (payment: Payment, attempt: PaymentAttempt): Promise<IntentFact | null> => {
    const isEarlier = attempt.claim === null || attempt.stripeKey === attempt.id;
    const isIt = (tags: Tags): boolean =>
      isEarlier ? tagged(tags)?.payment === payment.id : tags?.[CLAIM_TAG] === attempt.claim;
    return findIntent(stripe, { payment, isIt, since: attempt.startedAt, seenTo: attempt.seenTo }, true);
  };

  /** What a refusal means: it changes nothing, and so the intent is read, which may have a challenge that is open. */
  const afterError = async (
    { error, isFirst }: Failed,
    intent: string | null,
    { kind }: PaymentAttempt,
  ): Promise<Settlement> => {
    const refusal = refusalOf(error);
    if (!refusal) throw asError(error);
    const { outcome, error: reason, found, stripeRequestId } = refusal;
    if (!found && !isFirst && !wasReplayed(error)) throw new Undecided(refusal, error);
    if (intent === null || (kind === 'confirm' && found))
      return { outcome, refusal: reason, found, mayExist: outcome === 'declined' && !found, stripeRequestId };
    const stands = settlementOf(factOf(await stripe.paymentIntents.retrieve(intent)), stripeRequestId);
    const isSettled = ['succeeded', 'canceled', 'processing'].includes(stands.outcome);
    return isSettled ? stands : { ...stands, outcome, refusal: reason ?? stands.refusal };
  };

  const refund = async (payment: Payment, attempt: RefundAttempt, nth: Nth): Promise<RefundSettlement> => {
    const sent = await persist(nth, (deadlineMs) =>
      act(
        () =>
          stripe.refunds.create(
            {
              payment_intent: payment.intent ?? '',
              amount: Number(attempt.amount),
              metadata: tagsOf(payment, attempt),
              ...(attempt.reason === null ? {} : { reason: attempt.reason }),
            },
            { idempotencyKey: attempt.stripeKey },
          ),
        deadlineMs,
      ),
    );
    if (sent.answer)
      return { found: known(sent.answer, attempt), refusal: null, stripeRequestId: sent.answer.lastResponse.requestId };
    if (isKeyOfAnother(sent.error)) {
      const found = await findRefund(payment, attempt);
      if (!found) throw asError(sent.error);
      const renamed = await stripe.refunds.update(found.stripeId, { metadata: tagsOf(payment, attempt) });
      return {
        found: known(renamed, attempt),
        refusal: null,
        stripeRequestId: null,
      };
    }
    const refusal = refusalOf(sent.error);
    if (!refusal) throw asError(sent.error);
    if (!sent.isFirst && !wasReplayed(sent.error)) throw new Undecided(refusal, sent.error);
    const reason = {
      code: 'provider_refused',
      message: refusal.error?.message ?? withoutIds(sent.error.message),
    } as const;
    return { found: null, refusal: reason, stripeRequestId: refusal.stripeRequestId };
  };

  const findRefund = async (payment: Payment, attempt: RefundAttempt): Promise<RefundFact | null> => {
    for await (const made of stripe.refunds.list({ payment_intent: payment.intent ?? '', limit: 100 })) {
      const isIt =
        made.metadata?.[REFUND_TAG] === attempt.refund ||
        (attempt.claim !== null && made.metadata?.[CLAIM_TAG] === attempt.claim);
      if (isIt) return known(made, attempt);
    }
    return null;
  };

  return {
    send: (payment, attempt, nth) => ResultAsync.fromPromise(send(payment, attempt, nth), unknownOutcome),
    find: (payment, attempt) =>
      look(async () =>
        payment.intent === null
          ? ofClaim(payment, attempt)
          : factOf(await stripe.paymentIntents.retrieve(payment.intent, SHOWING_METHOD)),
      ),
    refund: (payment, attempt, nth) => ResultAsync.fromPromise(refund(payment, attempt, nth), unknownOutcome),
    findRefund: (payment, attempt) => look(() => findRefund(payment, attempt)),
    ping: () => look(() => stripe.balance.retrieve()).map(() => undefined),
  };
};

/** Stripe was asked for what it has, and has nothing that could be canceled. */
const CALLED_OFF: Settlement = {
  outcome: 'canceled',
  refusal: null,
  found: null,
  mayExist: true,
  stripeRequestId: null,
};

/** Whether an intent that was found has come to its end, so that there is nothing to ask of it. */
const isOver = (intent: IntentFact | { readonly intent: string } | undefined): intent is IntentFact =>
  intent !== undefined &&
  'status' in intent &&
  ['succeeded', 'canceled', 'processing', 'requires_capture'].includes(intent.status);

const known = (refund: Stripe.Refund, { refund: ours }: RefundAttempt): RefundFact => {
  const fact = refundFactOf(refund, ours);
  if (!fact) throw new Error(`a refund in ${refund.currency}, which is not known here`);
  return fact;
};

/** A refusal that does not settle what may have been sent before. */
class Undecided extends Error {
  readonly refusal: Refusal;
  constructor(refusal: Refusal, cause: unknown) {
    super(refusal.error?.message ?? 'refused', { cause });
    this.refusal = refusal;
  }
}

type Answered = Stripe.Response<Stripe.PaymentIntent>;

const call = async (
  stripe: Stripe,
  payment: Payment,
  intent: string | undefined,
  attempt: PaymentAttempt,
  methodTypes: readonly MethodType[],
): Promise<Answered> => {
  const options = { idempotencyKey: attempt.stripeKey };
  if (attempt.kind === 'confirm') {
    const types = typesFor(payment, attempt, methodTypes);
    const card = {
      ...(isToken(attempt.paymentMethod)
        ? { confirmation_token: attempt.paymentMethod }
        : { payment_method: attempt.paymentMethod }),
      ...challengeOf(attempt, payment),
      ...(attempt.usedFor === 'save' ? { setup_future_usage: 'off_session' as const, ...SHOWING_METHOD } : {}),
      ...(attempt.usedFor === 'off_session' ? { off_session: true } : {}),
      // With a confirmation token comes what its customer has agreed to in the page.
      ...(types.includes('sepa_debit') && !isToken(attempt.paymentMethod) ? { mandate_data: AGREED } : {}),
    };
    const customer = attempt.stripeCustomer === null ? {} : { customer: attempt.stripeCustomer };
    if (intent !== undefined) {
      // It may have been made before its customer was known at Stripe.
      if (attempt.stripeCustomer !== null) await stripe.paymentIntents.update(intent, customer);
      const narrowed = methodTypes.length > 1 ? { allowed_payment_method_types: types } : {};
      return stripe.paymentIntents.confirm(intent, { ...card, ...narrowed }, options);
    }
    return stripe.paymentIntents.create(
      {
        amount: Number(payment.amount),
        currency: payment.currency,
        allowed_payment_method_types: types,
        capture_method: payment.captureMethod,
        confirm: true,
        metadata: tagsOf(payment, attempt),
        ...customer,
        ...(payment.description === null ? {} : { description: payment.description }),
        ...card,
      },
      options,
    );
  }
  if (attempt.kind === 'cancel') return stripe.paymentIntents.cancel(intent ?? '', {}, options);
  const amount = attempt.amount === null ? {} : { amount_to_capture: Number(attempt.amount) };
  return stripe.paymentIntents.capture(intent ?? '', amount, options);
};

/**
 * What may pay. A bank account is debited in eur, all at once, and while its owner is there; none is kept:
 * https://docs.stripe.com/payments/sepa-debit
 */
const typesFor = (
  { currency, captureMethod }: Payment,
  { usedFor }: ConfirmAttempt,
  allowed: readonly MethodType[],
): MethodType[] =>
  allowed.filter(
    (type) => type === 'card' || (currency === 'eur' && captureMethod === 'automatic' && usedFor === null),
  );

/** Who names a bank account by its id has shown its owner the mandate, and was agreed with: that is all Stripe is told of it. */
const AGREED: Stripe.PaymentIntentCreateParams.MandateData = { customer_acceptance: { type: 'offline', offline: {} } };

/** How the customer would meet a challenge. Who can be sent nowhere is not: the card is declined, and the reason says so. */
const challengeOf = (
  { inPage, usedFor }: ConfirmAttempt,
  { returnUrl }: Payment,
): Pick<Stripe.PaymentIntentConfirmParams, 'use_stripe_sdk' | 'return_url' | 'error_on_requires_action'> =>
  // Who is not there is not asked: Stripe declines, and says why.
  usedFor === 'off_session'
    ? {}
    : {
        ...(inPage ? { use_stripe_sdk: true } : returnUrl === null ? { error_on_requires_action: true } : {}),
        ...(returnUrl === null ? {} : { return_url: returnUrl }),
      };

/** What no one can tell yet. Whatever is not Stripe's own trouble is a fault of ours: `internal`, and unknown too. */
const unknownOutcome = (error: unknown): Unsettled => {
  const isUndecided = error instanceof Undecided;
  const cause = isUndecided ? error.cause : error;
  const refusal = isUndecided && error.refusal.isOfRequest ? error.refusal.error : null;
  return {
    ...paymentError(
      isTrouble(cause) || isUndecided || error instanceof Unfinished ? 'provider_unavailable' : 'internal',
      {
        outcome: 'unknown',
        cause,
      },
    ),
    mustLook: wasReplayed(cause) || isKeyOfAnother(cause) || isUndecided,
    serverError: isServerError(cause),
    ...(refusal ? { refusal } : {}),
    ...(error instanceof Unfinished ? { seenTo: error.seenTo } : {}),
  };
};

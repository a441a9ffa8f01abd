/** A setup: a card is kept without a charge. No money hangs on it, so what Stripe has of it is all there is to know. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import type { CustomerId, MerchantId, SetupId } from './ids.ts';
import type { LastError, NextAction } from './payment.ts';
import type { MethodFact } from './saved.ts';
import { toMs, type Micros } from './time.ts';
import { TRIES_MAX, TRIES_WITHIN_MS } from './tries.ts';

/** Stripe's: https://docs.stripe.com/payments/paymentintents/lifecycle */
export const SETUP_STATUSES = [
  'requires_payment_method',
  'requires_confirmation',
  'requires_action',
  'processing',
  'succeeded',
  'canceled',
] as const;
export type SetupStatus = (typeof SETUP_STATUSES)[number];

export interface Setup {
  readonly merchant: MerchantId;
  readonly id: SetupId;
  readonly customer: CustomerId;
  readonly status: SetupStatus;
  readonly paymentMethod: string | null;
  readonly returnUrl: string | null;
  readonly clientSecret: string;
  readonly nextAction: NextAction | null;
  readonly lastError: LastError | null;
  /** Stripe's id of the SetupIntent. */
  readonly intent: string;
  /** How many cards were tried on it, since when; null where none was. */
  readonly tries: number;
  readonly triedSince: Micros | null;
  readonly createdAt: Micros;
}

/** A SetupIntent as it stands at Stripe. */
export interface SetupFact {
  readonly intent: string;
  readonly status: SetupStatus;
  readonly paymentMethod: string | null;
  /** What is attached, or was tried; null where Stripe did not show it. */
  readonly method: MethodFact | null;
  readonly nextAction: NextAction | null;
  readonly lastError: LastError | null;
}

export type SetupStep =
  | { readonly kind: 'create'; readonly setup: Setup; readonly found: SetupFact }
  /** Another card is about to be tried. */
  | { readonly kind: 'try'; readonly setup: Setup }
  /** What Stripe answered to a confirmation. */
  | { readonly kind: 'confirm'; readonly setup: Setup; readonly found: SetupFact }
  /** What Stripe had, as somebody saw it who knew it as `setup` before he looked. */
  | { readonly kind: 'observe'; readonly setup: Setup; readonly found: SetupFact };

export interface SetupStepped {
  readonly setup: Setup;
  readonly isNews: boolean;
}

/** Errors: `customer_not_found`, `setup_not_found`, `setup_not_confirmable`, `too_many_attempts`. */
export const applySetupStep = (
  { ownsCustomer, setup: before }: { readonly ownsCustomer: boolean; readonly setup: Setup | undefined },
  step: SetupStep,
  now: Micros,
): Result<
  SetupStepped,
  PaymentError<'customer_not_found' | 'setup_not_found' | 'setup_not_confirmable' | 'too_many_attempts'>
> => {
  if (step.kind === 'create')
    return ownsCustomer
      ? ok({ setup: standing(step.setup, step.found), isNews: true })
      : err(paymentError('customer_not_found', { param: 'customer' }));
  if (!before) return err(paymentError('setup_not_found'));
  if (step.kind === 'try') {
    // What it came to is asked for again where a reply was lost; without end it would be Stripe's time that somebody takes.
    if (isOver(before)) return tried(before, now, 2 * TRIES_MAX).mapErr(() => paymentError('setup_not_confirmable'));
    return ownsCustomer
      ? tried(before, now, TRIES_MAX)
      : err(paymentError('setup_not_confirmable', { message: 'Its customer was erased: no card is kept for him.' }));
  }
  // Its last word: what was seen before that has gone by.
  if (isOver(before) || before.intent !== step.found.intent) return ok({ setup: before, isNews: false });
  // It was confirmed meanwhile: what was so before that has gone by, too.
  if (step.kind === 'observe' && !isOver(step.found) && !isAsSeen(before, step.setup))
    return ok({ setup: before, isNews: false });
  const setup = standing({ ...before, returnUrl: step.setup.returnUrl }, step.found);
  return ok({
    setup,
    isNews: setup.status !== before.status || setup.lastError?.message !== before.lastError?.message,
  });
};

const tried = (
  setup: Setup,
  now: Micros,
  triesMax: number,
): Result<SetupStepped, PaymentError<'too_many_attempts'>> => {
  const { tries, triedSince } = setup;
  const passedMs = triedSince === null ? TRIES_WITHIN_MS : toMs(now) - toMs(triedSince);
  if (passedMs >= TRIES_WITHIN_MS) return ok({ setup: { ...setup, tries: 1, triedSince: now }, isNews: false });
  return tries < triesMax
    ? ok({ setup: { ...setup, tries: tries + 1 }, isNews: false })
    : err(
        paymentError('too_many_attempts', {
          message: 'Too many cards were tried on this setup.',
          retryAfterS: Math.ceil((TRIES_WITHIN_MS - passedMs) / 1000),
        }),
      );
};

const isAsSeen = (now: Setup, seen: Setup): boolean =>
  now.status === seen.status &&
  now.paymentMethod === seen.paymentMethod &&
  now.lastError?.message === seen.lastError?.message;

const isOver = ({ status }: Pick<Setup, 'status'>): boolean => status === 'succeeded' || status === 'canceled';

const standing = (setup: Setup, { status, paymentMethod, nextAction, lastError }: SetupFact): Setup => ({
  ...setup,
  status,
  paymentMethod: paymentMethod ?? setup.paymentMethod,
  nextAction,
  lastError,
});

/** 3-D Secure: when the bank wants its customer, and the page where he answers. */
import type { Stripe } from 'stripe';
import { newSecret } from './ids.ts';
import type { Scope } from './scope.ts';
import type { TestCard } from './test-cards.ts';

/** What a confirmation says of the customer and of the way to him. */
export interface ChallengeParams {
  readonly return_url?: string | undefined;
  /** The page asks by itself, with Stripe.js, and wants no address to go to. */
  readonly use_stripe_sdk?: boolean | undefined;
}

export interface Circumstances {
  readonly offSession: boolean;
  /** `request_three_d_secure`. */
  readonly wish: string | undefined;
  /** The card was set up, with its owner, for payments without him. */
  readonly isSetUp: boolean;
}

/** Whether the card's owner is to be asked. */
export const wantsOwner = (card: TestCard, { offSession, wish, isSetUp }: Circumstances): boolean => {
  const asked = wish === 'any' || wish === 'challenge';
  if (card.authentication === undefined) return asked;
  switch (card.authentication) {
    case 'unsupported':
      return false;
    case 'required':
      return true;
    case 'on_session':
      return !offSession;
    case 'until_set_up':
      return !offSession || !isSetUp;
    case 'unreachable':
      return asked;
  }
};

type Waiting = Stripe.PaymentIntent | Stripe.SetupIntent;

interface NextAction {
  readonly type: 'redirect_to_url' | 'use_stripe_sdk';
  readonly redirect_to_url?: Stripe.PaymentIntent.NextAction.RedirectToUrl;
  readonly use_stripe_sdk?: Stripe.PaymentIntent.NextAction.UseStripeSdk;
}

/** Sends the owner to a page of the sandbox. The token makes the page of an attempt that another has replaced worthless. */
export const nextAction = (scope: Scope, id: string, params: ChallengeParams): NextAction => {
  const url = `${scope.origin}/_sandbox/3ds/${id}?attempt=${newSecret('', 24)}`;
  return params.return_url === undefined || params.use_stripe_sdk === true
    ? {
        type: 'use_stripe_sdk',
        use_stripe_sdk: { source: newSecret('payatt_', 24), stripe_js: url, type: 'three_d_secure_redirect' },
      }
    : { type: 'redirect_to_url', redirect_to_url: { return_url: params.return_url, url } };
};

/** What an intent waits for its customer to do: the page, and where to go from there. */
export interface Challenge {
  readonly url: string;
  readonly returnUrl: string | null;
}

/** The challenge that is open, if one is. */
export const challengeOf = (intent: Waiting): Challenge | undefined => {
  if (intent.status !== 'requires_action') return undefined;
  const { redirect_to_url: redirect, use_stripe_sdk: sdk } = intent.next_action ?? {};
  const url = redirect?.url ?? sdk?.['stripe_js'];
  return typeof url === 'string' ? { url, returnUrl: redirect?.return_url ?? null } : undefined;
};

/** What the charge, or the attempt of a setup, says of a challenge that was passed. */
export const AUTHENTICATED: Stripe.Charge.PaymentMethodDetails.Card.ThreeDSecure = {
  authentication_flow: 'challenge',
  electronic_commerce_indicator: '05',
  exemption_indicator: null,
  result: 'authenticated',
  result_reason: null,
  transaction_id: '7f1a3c5e-9b2d-4e6f-8a1c-3d5e7f9b1a2c',
  version: '2.2.0',
};

/** Why a card is declined, in Stripe's words. */
export interface Decline {
  readonly code: string;
  readonly declineCode?: string;
  readonly message: string;
  readonly adviceCode: 'confirm_card_data' | 'do_not_try_again' | 'try_again_later' | null;
  /** What the network answers, ISO 8583's field 39; null where Radar blocked it before the network saw it. */
  readonly networkCode: string | null;
  readonly sellerMessage: string;
  readonly blocked?: true;
  /** No charge was tried: there is none, not even a failed one. */
  readonly chargeless?: true;
}

export const declined = (declineCode: string, networkCode: string, message = 'Your card was declined.'): Decline => ({
  code: 'card_declined',
  declineCode,
  message,
  adviceCode: declineCode === 'lost_card' || declineCode === 'stolen_card' ? 'do_not_try_again' : 'try_again_later',
  networkCode,
  sellerMessage: 'The bank did not return any further details with this decline.',
});

/** What most declines are. */
export const GENERIC_DECLINE: Decline = declined('generic_decline', '01');
export const INSUFFICIENT_FUNDS: Decline = declined('insufficient_funds', '51', 'Your card has insufficient funds.');

/** Radar's, before the bank was asked. */
export const BLOCKED: Decline = {
  code: 'card_declined',
  declineCode: 'fraudulent',
  message: 'Your card was declined.',
  adviceCode: 'do_not_try_again',
  networkCode: null,
  sellerMessage: 'Stripe blocked this payment as too risky.',
  blocked: true,
};

/** The bank wants the customer, and the customer is not there (`off_session`). */
export const AUTHENTICATION_REQUIRED: Decline = {
  code: 'authentication_required',
  declineCode: 'authentication_required',
  message: 'Your card was declined. This transaction requires authentication.',
  adviceCode: null,
  networkCode: null,
  sellerMessage: 'The bank requires the customer to authenticate this payment.',
  chargeless: true,
};

/** The bank wants the customer, and the caller does not (`error_on_requires_action`). */
export const AUTHENTICATION_NOT_HANDLED: Decline = {
  ...AUTHENTICATION_REQUIRED,
  declineCode: 'authentication_not_handled',
  message:
    'This payment required an authentication action to complete, but `error_on_requires_action` was set. When ' +
    "you're ready, you can upgrade your integration to handle actions at " +
    'https://stripe.com/docs/payments/payment-intents/upgrade-to-handle-actions.',
};

/** A debit that was on its way, and was called off before the bank had it. */
export const CALLED_OFF: Decline = {
  code: 'payment_intent_payment_attempt_expired',
  message: 'The payment was canceled before the bank was asked for it.',
  adviceCode: null,
  networkCode: null,
  sellerMessage: 'The payment was canceled.',
};

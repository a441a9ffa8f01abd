/** What each error means. */
import type { ErrorCode, ErrorSpec } from './error.ts';

const invalid = { type: 'invalid_request_error', outcome: 'none', retry: 'never', stored: false } as const;
const absent = { ...invalid, status: 404 } as const;
const declined = { type: 'card_error', status: 402, outcome: 'none', retry: 'new_key', stored: true } as const;
const wrongState = { ...invalid, status: 409, stored: true } as const;
const ours = { type: 'api_error', outcome: 'none', retry: 'same_key', stored: false } as const;

const checkId = 'Check the id, and that the key belongs to the merchant who owns it.';

/** What each of them means; a code without its line here does not compile. `/docs/errors` is made from it. */
export const ERRORS: Readonly<Record<ErrorCode, ErrorSpec>> = {
  invalid_request: {
    ...invalid,
    status: 400,
    message: 'The request is not valid.',
    advice: 'Mend the field that `param` names, and send it again; the same idempotency key may be used.',
  },
  card_number_refused: {
    ...invalid,
    status: 400,
    message: 'The request holds a card number. Card numbers are never accepted here.',
    advice: 'Send a payment method made by Stripe.js (`pm_…`), never the number itself.',
  },
  idempotency_key_required: {
    ...invalid,
    status: 400,
    message: 'A request that moves money needs an Idempotency-Key header.',
    advice: 'Send `Idempotency-Key: <a UUID of your own>`, and the same one when you repeat this request.',
  },
  idempotency_key_reused: {
    ...invalid,
    status: 400,
    type: 'idempotency_error',
    message: 'This idempotency key was used before with another body.',
    advice: 'Use a new key for a new request; a retry must repeat the body as it was.',
  },
  unauthenticated: {
    ...invalid,
    status: 401,
    message: 'No valid API key was given. Send it as `Authorization: Bearer <key>`.',
    advice: 'Check the key: it may be mistyped, revoked, or a demo key on a service that has none.',
  },
  forbidden: {
    ...invalid,
    status: 403,
    message: 'The role of this key does not allow this request.',
    advice: 'Use a key of the role that this route asks for: secret, publishable, finance or on-call.',
  },
  webhook_signature_invalid: {
    ...invalid,
    status: 400,
    message: 'The signature of this webhook is missing, wrong, or older than five minutes.',
    advice: 'Check `STRIPE_WEBHOOK_SECRET`, and that nothing between Stripe and here changes the body.',
  },
  route_not_found: {
    ...absent,
    message: 'There is no such route.',
    advice: 'Check the method and the path.',
  },
  customer_not_found: { ...absent, message: 'There is no such customer.', advice: checkId },
  payment_not_found: { ...absent, message: 'There is no such payment.', advice: checkId },
  refund_not_found: { ...absent, message: 'There is no such refund.', advice: checkId },
  setup_not_found: { ...absent, message: 'There is no such setup.', advice: checkId },
  payment_method_not_found: {
    ...absent,
    message: 'There is no such saved payment method.',
    advice: 'List those of the customer: it may have been detached, or be another customer’s.',
  },
  account_not_found: { ...absent, message: 'There is no such account.', advice: checkId },
  transfer_not_found: { ...absent, message: 'There is no such transfer.', advice: checkId },
  dispute_not_found: { ...absent, message: 'There is no such dispute.', advice: checkId },
  payout_not_found: { ...absent, message: 'There is no such payout.', advice: checkId },
  item_not_found: { ...absent, message: 'There is no such item.', advice: checkId },
  event_not_found: { ...absent, message: 'There is no such event.', advice: checkId },
  contradiction_not_found: {
    ...absent,
    message: 'There is no such contradiction that is open.',
    advice: 'List those that are: it may have been resolved by what Stripe did since, or by somebody else.',
  },
  webhook_endpoint_not_found: { ...absent, message: 'There is no such webhook endpoint.', advice: checkId },
  body_too_large: {
    ...invalid,
    status: 413,
    message: 'The body is larger than 256 KiB.',
    advice: 'Send less in one request, or split a bulk request.',
  },
  card_declined: {
    ...declined,
    message: 'Your card was declined.',
    advice: 'Show the message, ask for another card, and confirm again under a new key. `decline_code` says more.',
  },
  authentication_required: {
    ...declined,
    message: 'Your bank asks you to approve this payment.',
    advice:
      'The card is good, and its bank asks for the cardholder. Where he was away (`off_session`), send him to `url`, a ' +
      'path of this service. Or confirm the payment again under a new key with the customer present: with `return_url`, ' +
      'or with `next_action: "stripe_js"` in a page.',
  },
  expired_card: {
    ...declined,
    message: 'Your card has expired.',
    advice: 'Ask for another card, and confirm again under a new key.',
  },
  incorrect_cvc: {
    ...declined,
    message: "Your card's security code is incorrect.",
    advice: 'Ask for the security code again, and confirm again under a new key.',
  },
  processing_error: {
    ...declined,
    message: 'An error occurred while processing your card. Try again in a little bit.',
    advice: 'Nothing was charged. Confirm again under a new key.',
  },
  insufficient_funds: {
    ...declined,
    type: 'invalid_request_error',
    message: 'The wallet holds less than the amount.',
    advice:
      "Read the wallet's balance; fund it, or ask for less, under a new key. To refund what a debit has taken, reverse the " +
      'debit first: `POST /v1/transfers/:id/reverse`.',
  },
  currency_mismatch: {
    ...wrongState,
    message: "The currency differs from the account's.",
    advice: 'Accounts hold one currency each: name an account of the currency that you move.',
  },
  transfer_not_allowed: {
    ...wrongState,
    message: 'Only wallets can be named in a transfer; platform accounts move by the posting rules alone.',
    advice: 'Name two different wallets of your own customers.',
  },
  transfer_not_reversible: {
    ...wrongState,
    message: 'Only a debit, usage or a transfer between wallets can be taken back.',
    advice: 'What a card has paid is refunded. What Stripe has done is a fact, and a reversal itself is final.',
  },
  reversal_exceeds_transfer: {
    ...wrongState,
    message: 'The reversal is larger than what is left of the transfer.',
    advice: 'Take back at most its amount, less what has been taken back already.',
  },
  balance_limit_exceeded: {
    ...wrongState,
    message: 'The account would pass the largest balance that the ledger holds.',
    advice: 'Move less.',
  },
  item_exists: {
    ...wrongState,
    stored: false,
    message: 'There is an item of this id already.',
    advice: 'Choose another id, or leave it out.',
  },
  webhook_endpoint_limit: {
    ...wrongState,
    stored: false,
    message: 'A merchant has at most 16 webhook endpoints.',
    advice: 'Delete one that is no longer used, or let one endpoint receive more types of events.',
  },
  webhook_endpoint_disabled: {
    ...wrongState,
    stored: false,
    message: 'This webhook endpoint is disabled.',
    advice: 'Mend what made it fail, enable it again with `disabled: false`, and redeliver.',
  },
  webhook_secret_limit: {
    ...invalid,
    status: 429,
    message: 'This webhook endpoint has 16 older secrets that still sign.',
    advice:
      'Each of them signs for 24 hours after it was replaced, and none is dropped before. `Retry-After` says when the ' +
      'oldest has done, and makes room for another.',
  },
  payment_not_confirmable: {
    ...wrongState,
    message: 'This payment cannot be confirmed in its present state.',
    advice: 'Read the payment: it may have been paid, canceled, or be under way.',
  },
  setup_not_confirmable: {
    ...wrongState,
    message: 'This setup cannot be confirmed in its present state.',
    advice: 'Read it: it may have succeeded. For another card make another setup.',
  },
  payment_not_capturable: {
    ...wrongState,
    message: 'This payment holds nothing that could be captured.',
    advice: 'Only a payment with `capture_method: manual` that is `requires_capture` is captured, once.',
  },
  payment_not_updatable: {
    ...wrongState,
    message: 'The amount of this payment can no longer be changed.',
    advice: 'It is fixed from the first confirmation on. Cancel the payment, and make another.',
  },
  payment_not_cancelable: {
    ...wrongState,
    message: 'This payment cannot be canceled in its present state.',
    advice: 'It may be paid, canceled, or under way: read it. What is paid is refunded.',
  },
  payment_not_refundable: {
    ...wrongState,
    message: 'Only a payment that succeeded can be refunded.',
    advice: 'Read the payment. One that is not yet paid is canceled.',
  },
  capture_exceeds_payment: {
    ...wrongState,
    message: 'The capture is larger than what was authorized.',
    advice: 'Capture at most the amount of the payment.',
  },
  refund_exceeds_payment: {
    ...wrongState,
    message: 'The refund is larger than what is left of the payment.',
    advice: 'Refund at most what was captured, less what has been refunded or is being refunded.',
  },
  payment_method_required: {
    ...wrongState,
    status: 400,
    stored: false,
    message: 'No payment method was named, and there is none to be used instead.',
    advice: 'Send `payment_method`; or have the customer save one, which is then charged where none is named.',
  },
  payment_method_not_usable: {
    ...declined,
    type: 'invalid_request_error',
    message: 'This payment method cannot be used for this payment.',
    advice: 'It may not exist, be used up, or belong to a customer of another merchant. Collect a new one.',
  },
  provider_refused: {
    ...declined,
    type: 'invalid_request_error',
    retry: 'never',
    message: 'Stripe refused the request.',
    advice: 'Nothing was charged. The message says what Stripe found wrong; mend it and use a new key.',
  },
  idempotency_key_in_use: {
    ...invalid,
    status: 409,
    type: 'idempotency_error',
    outcome: 'unknown',
    retry: 'same_key',
    message: 'A request under this idempotency key is still running.',
    advice: 'Wait as long as `Retry-After` says, and send the same request again: it will get the final reply.',
  },
  provider_unavailable: {
    ...ours,
    status: 503,
    message: 'Stripe could not be reached.',
    advice:
      'With `outcome: none` nothing was charged. With `outcome: unknown` a charge may exist: send the same request ' +
      'again under the same key, or read the payment; it is settled within a minute of Stripe answering again.',
  },
  database_unavailable: {
    ...ours,
    status: 503,
    message: 'The database could not be reached.',
    advice: 'Send the same request again under the same key. It is never done twice.',
  },
  contention: {
    ...ours,
    status: 503,
    message: 'Too many writers wait for the same rows.',
    advice: 'Send the same request again under the same key.',
  },
  rate_limited: {
    ...ours,
    type: 'invalid_request_error',
    status: 429,
    message: 'More requests than this merchant may send in a second.',
    advice: 'Wait as long as `Retry-After` says, and send the same request again under the same key.',
  },
  too_many_attempts: {
    ...ours,
    type: 'invalid_request_error',
    status: 429,
    message: 'Too many cards were tried on this payment.',
    advice:
      'Wait as long as `Retry-After` says, and confirm again under the same key. Who tries card after card is mostly ' +
      'someone who tests stolen ones.',
  },
  overloaded: {
    ...ours,
    status: 503,
    message: 'The service is overloaded, and did not begin this request.',
    advice: 'Wait as long as `Retry-After` says, and send the same request again under the same key.',
  },
  internal: {
    ...ours,
    status: 500,
    message: 'Something went wrong on our side.',
    advice: 'Send the same request again under the same key; give us `request_id` if it stays.',
  },
};

/** What a person is told of each state of a checkout. */
import type { CheckoutState, Refusal } from './checkout.ts';

export interface Told {
  /** For a class of the page's: nothing yet, all is well, wait, or it was not paid. */
  readonly tone: '' | 'ok' | 'warn' | 'bad';
  /** Sentences, each a line of its own. */
  readonly said: readonly string[];
}

const AGAIN = 'Nothing was charged. You can use another card.';

/** By Stripe's decline code. A card that was reported lost or stolen is told like any other: its holder may not be its owner. */
const DECLINED: Readonly<Record<string, string>> = {
  insufficient_funds: 'There is not enough money on your card for this.',
  withdrawal_count_limit_exceeded: 'Your card has reached its limit for now.',
  card_velocity_exceeded: 'Your card was used too often within a short time.',
  expired_card: 'Your card has expired.',
  incorrect_cvc: 'The security code of your card is not right.',
  incorrect_number: 'The number of your card is not right.',
  processing_error: 'Your bank could not work on it just now. In a little while the same card may do.',
  try_again_later: 'Your bank could not work on it just now. In a little while the same card may do.',
  authentication_required: 'Your bank could not make sure that it is you.',
  payment_intent_authentication_failure: 'Your bank could not make sure that it is you.',
  payment_method_not_usable: 'This card can’t be used for this payment.',
};
const BY_THE_BANK = 'Your bank has declined your card, and does not say why. It may tell you if you ask.';

const declined = ({ code, declineCode }: Refusal): string =>
  DECLINED[declineCode ?? code] ?? DECLINED[code] ?? BY_THE_BANK;

/** The words for a person, of any state; `amount` is the payment's, as the page writes it. */
export const tell = (state: CheckoutState, amount: string): Told => {
  switch (state.name) {
    case 'loading':
      return { tone: '', said: ['One moment…'] };
    case 'idle':
      return { tone: '', said: ['Nothing is charged before you press Pay.'] };
    case 'confirming':
      return { tone: '', said: ['Your bank is being asked…'] };
    case 'needs_action':
      return {
        tone: 'warn',
        said: state.offers.includes('continue')
          ? ['Your bank wants to know that it is you. Nothing is charged until you have answered.']
          : ['Your bank waits for an answer elsewhere. Instead of that you can use another card.'],
      };
    case 'processing':
      return {
        tone: 'warn',
        said: [
          'Your bank has not decided yet.',
          'This page will tell you, in some minutes at the latest. Please don’t pay again.',
        ],
      };
    case 'succeeded':
      return { tone: 'ok', said: [`Paid: ${amount}. Thank you!`] };
    case 'declined':
      return { tone: 'bad', said: [declined(state.refusal), AGAIN] };
    case 'unknown':
      return {
        tone: 'warn',
        said: [
          'We are finding out whether your card was charged. Please don’t pay again.',
          'Whatever happened, you are charged once at the most. This page will tell you as soon as we know.',
        ],
      };
    case 'failed':
      return {
        tone: 'bad',
        said: ['Nothing was charged: something is wrong on our side. Please try again in a moment.'],
      };
    case 'ended':
      return state.refusal
        ? { tone: 'bad', said: ['This payment can’t be found.'] }
        : { tone: 'bad', said: ['This payment was called off. Nothing was charged.'] };
  }
};

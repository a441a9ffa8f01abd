/** Every call to Stripe about a card is timed, and every attempt is counted by what came of it. */
import type { ResultAsync } from 'neverthrow';
import type { PaymentError } from '../error.ts';
import type { Cards } from './cards.ts';

interface Counts {
  readonly stripeCall: (operation: string, result: string, durationMs: number) => void;
  /** `decline` is one of Stripe's own codes. */
  readonly payment: (outcome: string, decline: string) => void;
}

export const timeCards = (cards: Cards, counts: () => Counts): Cards => {
  const timed = <T, E extends PaymentError>(operation: string, call: () => ResultAsync<T, E>): ResultAsync<T, E> => {
    const startedAt = performance.now();
    const stop = (result: string): void => counts().stripeCall(operation, result, performance.now() - startedAt);
    return call()
      .andTee(() => stop('ok'))
      .orTee(({ code }) => stop(code));
  };
  return {
    send: (payment, attempt, nth) =>
      timed(attempt.kind, () => cards.send(payment, attempt, nth))
        .andTee(({ outcome, refusal }) =>
          counts().payment(outcome, refusal ? (refusal.declineCode ?? refusal.code) : 'none'),
        )
        .orTee(({ code }) => counts().payment('unknown', code)),
    find: (payment, attempt) => timed('find', () => cards.find(payment, attempt)),
    refund: (payment, attempt, nth) => timed('refund', () => cards.refund(payment, attempt, nth)),
    findRefund: (payment, attempt) => timed('find refund', () => cards.findRefund(payment, attempt)),
    ping: () => timed('ping', cards.ping),
  };
};

/** What the model knows, and what its commands are made of. */
import assert from 'node:assert/strict';
import type fc from 'fast-check';
import type { InProcess } from '../in-process.ts';
import type { Stripe } from '../../support/stripe.ts';
import type { World } from '../../support/world.ts';

export type Status =
  | 'requires_payment_method'
  | 'requires_confirmation'
  | 'requires_action'
  | 'requires_capture'
  | 'succeeded'
  | 'canceled';

export const CARDS = {
  pm_card_visa: 'pays',
  pm_card_pendingRefund: 'pays',
  pm_card_refundFail: 'pays',
  pm_card_threeDSecure2Required: 'challenges',
  pm_card_visa_chargeDeclined: 'declines',
  pm_never_seen: 'is unusable',
} as const;
export type Card = keyof typeof CARDS;

export interface Payment {
  readonly id: string;
  readonly amount: number;
  readonly manual: boolean;
  status: Status;
  captured: number;
  card: Card | null;
  /** The bank's page, while it is open. */
  page: string | null;
  /** Whether the service may not have heard of all that is so. */
  lags: boolean;
  /** By what the card does with them. */
  refunds: { readonly amount: number; readonly fails: boolean; readonly heard: boolean }[];
  /** How long its money has been held. */
  heldS: number;
}

/** What a card that is kept does when it is charged and its holder is away. */
export type Away = 'pays' | 'asks' | 'declines';

export interface Saved {
  readonly id: string;
  readonly away: Away;
}

export interface Model {
  readonly customer: string;
  /** In the order in which they were saved. */
  saved: readonly Saved[];
  /** Of them, the one that is charged where none is named. */
  chosen: string | null;
  /** Detached at Stripe, which the service may not have heard. */
  gone: readonly string[];
  readonly payments: Payment[];
  spent: number;
}

export const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** What of a payment may still be refunded: surely, as far as the service has heard, and at the most. */
export const left = ({ captured, refunds }: Payment): { least: number; most: number } => ({
  least: captured - sum(refunds.map(({ amount }) => amount)),
  most: captured - sum(refunds.filter(({ fails, heard }) => !fails && heard).map(({ amount }) => amount)),
});

/** What the wallet has free: what it surely has, and what it has if all good news and no bad have arrived. */
export const free = ({ payments, spent }: Model): { least: number; most: number } => ({
  least:
    sum(payments.map((payment) => (payment.lags ? Math.min(0, left(payment).least) : left(payment).least))) - spent,
  most: sum(payments.map((payment) => left(payment).most)) - spent,
});

export interface Real {
  readonly service: InProcess;
  readonly stripe: Stripe;
  readonly world: World;
  readonly count: (what: string) => void;
}

export type Run = (model: Model, real: Real) => Promise<void>;

export const command = (
  name: string,
  run: Run,
  check: (model: Model) => boolean = () => true,
): fc.AsyncCommand<Model, Real> => ({
  check,
  run,
  toString: () => name,
});

export const ask = async ({ service, count }: Real, name: string, path: string, body: object): Promise<Reply> => {
  const { status, body: shown } = await service.post(path, body);
  count(`${name} ${status}`);
  const page = (shown['next_action'] as { redirect_to_url?: { url: string } } | null)?.redirect_to_url?.url ?? null;
  const error = shown['error'] as { payment?: string; code?: string } | undefined;
  const method = shown['payment_method'];
  return {
    ...{ status, id: String(shown['id'] ?? error?.payment), page, code: error?.code ?? null },
    ...{ method: typeof method === 'string' ? method : null, says: JSON.stringify(shown).slice(0, 400) },
  };
};

export interface Reply {
  readonly status: number;
  readonly id: string;
  readonly page: string | null;
  readonly code: string | null;
  /** That of a payment. */
  readonly method: string | null;
  /** For the message of a failure. */
  readonly says: string;
}

export const expects = ({ status, says }: Reply, allowed: readonly number[], why: string): void =>
  assert.ok(allowed.includes(status), `${why}: answered ${status}, and not ${allowed.join(' or ')}: ${says}`);

/** Of those that `suits`, mostly; any of them where none does, or the draw is high. */
export const pick = ({ payments }: Model, at: number, suits: (payment: Payment) => boolean): Payment => {
  const suited = payments.filter(suits);
  const from = suited.length > 0 && at < SUITED_BELOW ? suited : payments;
  const payment = from[at % from.length];
  assert.ok(payment);
  return payment;
};
export const DRAW_MAX = 11;
const SUITED_BELOW = 9;
export const CONFIRMABLE: readonly Status[] = ['requires_payment_method', 'requires_confirmation', 'requires_action'];
export const isConfirmable = ({ status }: Payment): boolean => CONFIRMABLE.includes(status);
export const isHeld = ({ status }: Payment): boolean => status === 'requires_capture';
export const isPaid = ({ status }: Payment): boolean => status === 'succeeded';
export const isOpen = ({ page }: Payment): boolean => page !== null;
export const some = ({ payments }: Model): boolean => payments.length > 0;

/** What a card does to a payment that may be confirmed; answers the status of the reply. */
export const charge = (payment: Payment, card: Card, page: string | null, paid: number): number => {
  switch (CARDS[card]) {
    case 'pays':
      Object.assign(payment, { card, page: null, heldS: 0, status: payment.manual ? 'requires_capture' : 'succeeded' });
      if (!payment.manual) payment.captured = payment.amount;
      return paid;
    case 'challenges':
      Object.assign(payment, { card, page, status: 'requires_action' });
      return paid;
    case 'declines':
      Object.assign(payment, { card, page: null, status: 'requires_payment_method' });
      return 402;
    case 'is unusable':
      // Stripe's intent stays as it was, with its challenge; where there is none, it wants a card.
      if (payment.status === 'requires_confirmation') payment.status = 'requires_payment_method';
      return 402;
  }
};

/** What a customer has saved, to be charged again without showing his card: who he is at Stripe, and what is attached to him. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import type { CustomerId, MerchantId } from './ids.ts';
import type { Micros } from './time.ts';

/** A customer of ours as Stripe knows him: made when he is first needed, and only once. */
export interface Holder {
  readonly merchant: MerchantId;
  readonly customer: CustomerId;
  /** Null until Stripe has answered: one may be there. */
  readonly stripeId: string | null;
  /** What is charged where nothing is named. */
  readonly defaultMethod: string | null;
  /** How many keys he was asked for under, and since when under the last. */
  readonly tries: number;
  readonly askedAt: Micros;
}

interface CardDetails {
  readonly brand: string;
  readonly last4: string;
  readonly expMonth: number;
  readonly expYear: number;
  readonly country: string | null;
  readonly funding: string;
}

/** A payment method as it stands at Stripe. */
export interface MethodFact {
  readonly id: string;
  /** Stripe's customer whose it is; null for one of nobody. */
  readonly holder: string | null;
  readonly type: string;
  readonly card: CardDetails | null;
  readonly createdAt: Micros;
}

export interface SavedMethod {
  readonly merchant: MerchantId;
  readonly id: string;
  readonly customer: CustomerId;
  readonly type: string;
  readonly card: CardDetails | null;
  /** For good: Stripe lets none be used again. https://docs.stripe.com/api/payment_methods/detach */
  readonly isDetached: boolean;
  readonly createdAt: Micros;
}

export type SavedStep =
  /** Stripe is about to be asked for the customer: for the first time, or anew, where as many `tries` came to nothing. */
  | { readonly kind: 'ask'; readonly customer: CustomerId; readonly tries: number }
  /** Stripe has made the customer. */
  | { readonly kind: 'hold'; readonly customer: CustomerId; readonly stripeId: string }
  /** Stripe has deleted that customer: whoever needs one has another made. */
  | { readonly kind: 'lose'; readonly customer: CustomerId; readonly stripeId: string }
  /** Stripe has the method as his; one of another's is not believed. */
  | { readonly kind: 'keep'; readonly customer: CustomerId; readonly found: MethodFact; readonly isDefault: boolean }
  /** Stripe has taken it from him. */
  | { readonly kind: 'let go'; readonly customer: CustomerId; readonly method: string }
  /** It is what is charged from now on where nothing is named. */
  | { readonly kind: 'choose'; readonly customer: CustomerId; readonly method: string };

/** What a step finds, under lock. */
export interface SavedSubject {
  readonly ownsCustomer: boolean;
  readonly holder: Holder | undefined;
  readonly method: SavedMethod | undefined;
}

export type MethodNews = 'payment_method.attached' | 'payment_method.updated' | 'payment_method.detached';

/** How it leaves them; `news` is what the merchant is told. */
export interface SavedStepped {
  readonly holder: Holder | null;
  readonly method: SavedMethod | null;
  readonly news: MethodNews | null;
}

/** The method that a step is about. */
export const methodOf = (step: SavedStep): string | undefined =>
  step.kind === 'keep' ? step.found.id : 'method' in step ? step.method : undefined;

/** Errors: `customer_not_found`, `payment_method_not_found`. */
export const applySavedStep = (
  merchant: MerchantId,
  { ownsCustomer, holder, method }: SavedSubject,
  step: SavedStep,
  now: Micros,
): Result<SavedStepped, PaymentError<'customer_not_found' | 'payment_method_not_found'>> => {
  const { customer } = step;
  const own = method?.customer === customer ? method : undefined;
  switch (step.kind) {
    case 'ask': {
      if (!ownsCustomer) return err(paymentError('customer_not_found', { param: 'customer' }));
      const asked: Holder = {
        ...{ merchant, customer, stripeId: null, defaultMethod: null },
        ...holder,
        ...((holder?.stripeId ?? null) === null && (holder?.tries ?? 0) === step.tries
          ? { tries: step.tries + 1, askedAt: now }
          : { tries: holder?.tries ?? 1, askedAt: holder?.askedAt ?? now }),
      };
      return ok({ ...NOTHING, holder: asked });
    }
    case 'hold':
      return ok({ ...NOTHING, holder: holder ? { ...holder, stripeId: holder.stripeId ?? step.stripeId } : null });
    case 'lose':
      // Under the key that made him Stripe would answer him again.
      return ok({
        ...NOTHING,
        holder:
          holder?.stripeId === step.stripeId
            ? { ...holder, stripeId: null, defaultMethod: null, tries: holder.tries + 1, askedAt: now }
            : null,
      });
    case 'keep':
      return ok(kept(merchant, holder, own, step, method !== undefined && !own));
    case 'let go': {
      if (!own) return err(paymentError('payment_method_not_found'));
      if (own.isDetached) return ok({ ...NOTHING, method: own });
      return ok({
        holder: holder?.defaultMethod === own.id ? { ...holder, defaultMethod: null } : (holder ?? null),
        method: { ...own, isDetached: true },
        news: 'payment_method.detached',
      });
    }
    case 'choose':
      if (!own || own.isDetached || !holder) return err(paymentError('payment_method_not_found'));
      return ok({ holder: { ...holder, defaultMethod: own.id }, method: own, news: null });
  }
};

const NOTHING: SavedStepped = { holder: null, method: null, news: null };

/** The first that a customer saves is his default; a later one is where it is said. */
const kept = (
  merchant: MerchantId,
  holder: Holder | undefined,
  known: SavedMethod | undefined,
  { customer, found, isDefault }: Extract<SavedStep, { readonly kind: 'keep' }>,
  isOfAnother: boolean,
): SavedStepped => {
  if (!holder || isOfAnother || found.holder === null || holder.stripeId !== found.holder) return NOTHING;
  if (known?.isDetached) return NOTHING;
  // A bank account is debited by a mandate, which is not kept here.
  if (found.type === 'sepa_debit') return NOTHING;
  const { id, type, card } = found;
  const method: SavedMethod = {
    ...{ merchant, id, customer, type, card, isDetached: false },
    createdAt: known?.createdAt ?? found.createdAt,
  };
  const isChosen = isDefault || (known === undefined && holder.defaultMethod === null);
  return {
    holder: isChosen && holder.defaultMethod !== id ? { ...holder, defaultMethod: id } : holder,
    method,
    news: known === undefined ? 'payment_method.attached' : isSame(known.card, card) ? null : 'payment_method.updated',
  };
};

/** Field by field: one of them comes from JSON, whose fields have an order of their own. */
const isSame = (a: CardDetails | null, b: CardDetails | null): boolean =>
  a === null || b === null
    ? a === b
    : a.brand === b.brand &&
      a.last4 === b.last4 &&
      a.expMonth === b.expMonth &&
      a.expYear === b.expYear &&
      a.country === b.country &&
      a.funding === b.funding;

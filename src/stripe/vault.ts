/**
 * What customers have saved, at Stripe. No money moves here, and Stripe's own rules make each of it harmless to repeat:
 * what is attached is attached once, what is detached stays so. So there is no attempt that is written beforehand; what
 * Stripe has is written when it is known, by whoever comes to know it.
 */
import { ResultAsync } from 'neverthrow';
import Stripe from 'stripe';
import { STRIPE_DEADLINE_MS, STRIPE_LOOK_MS } from '../domain/deadlines.ts';
import type { CustomerId, MerchantId, SetupId } from '../domain/ids.ts';
import { isToken, type LastError } from '../domain/payment.ts';
import type { StripeError } from '../domain/refusals.ts';
import type { MethodFact } from '../domain/saved.ts';
import type { SetupFact } from '../domain/setup.ts';
import { toMs, type Micros } from '../domain/time.ts';
import { paymentError, type ErrorCode } from '../error.ts';
import type { Breaker } from './breaker.ts';
import {
  isKeyOfAnother,
  isMissing,
  isTrouble,
  methodFactOf,
  refusalOf,
  SHOWING_METHOD,
  setupFactOf,
  wasReplayed,
} from './outcome.ts';
import { persist } from './persist.ts';
import { customerQuery, isTaggedCustomer, taggedSetup, tagsOfCustomer, tagsOfSetup } from './tags.ts';

/** What Stripe has, or why it has not done what was asked for. */
export type Told<Found> =
  { readonly found: Found; readonly refusal: null } | { readonly found: Found | null; readonly refusal: LastError };

/** Why Stripe has not answered. */
type Silence = StripeError & {
  /** Sending it again under its key is of no use. */
  readonly mustLook: boolean;
  /** Stripe knows that key for something else. */
  readonly isOfAnother: boolean;
};

/** With what a setup is confirmed, and how its customer would meet a challenge of his bank. */
export interface Confirming {
  /** Stripe's id of a payment method, or of a confirmation token. */
  readonly paymentMethod: string;
  readonly returnUrl: string | null;
  readonly inPage: boolean;
}

export interface NewSetup {
  readonly merchant: MerchantId;
  readonly id: SetupId;
  readonly stripeCustomer: string;
  readonly paymentMethod: string | null;
  readonly confirming: Confirming | null;
}

/** How an answer of Stripe's is read: what it shows, also where it refuses; and what that refusal is called here. */
interface Asked<Answer, Found> {
  readonly foundOf: (answer: Answer) => Found;
  readonly shownBy?: (error: Error) => Found | null;
  readonly codeOf?: (error: Error, reason: LastError) => ErrorCode | undefined;
}

/** Errors of all: `provider_unavailable`, with `outcome: unknown` where something was asked for. */
export interface Vault {
  /** Makes the customer; under one key there is one. */
  readonly makeCustomer: (
    merchant: MerchantId,
    customer: CustomerId,
    key: string,
  ) => ResultAsync<Told<string>, Silence>;
  /** Stripe's customer that was made since then and has our tag; null where there is none. */
  readonly findCustomer: (customer: CustomerId, since: Micros, now: Micros) => ResultAsync<string | null, StripeError>;
  /** Whether somebody has deleted that customer of Stripe's. One whom Stripe has never known is of another account. */
  readonly isDeleted: (stripeCustomer: string) => ResultAsync<boolean, StripeError>;
  readonly attach: (method: string, stripeCustomer: string, key: string) => ResultAsync<Told<MethodFact>, Silence>;
  /** Answers the method as it is then: of nobody. */
  readonly detach: (method: string) => ResultAsync<Told<MethodFact>, Silence>;
  /** Deletes a customer, whose methods are then nobody's; again, it does nothing. */
  readonly forget: (stripeCustomer: string) => ResultAsync<void, StripeError>;
  /** As it is now; undefined where Stripe has none. */
  readonly method: (id: string) => ResultAsync<MethodFact | undefined, StripeError>;
  readonly createSetup: (wanted: NewSetup, key: string) => ResultAsync<Told<SetupFact>, Silence>;
  readonly confirmSetup: (intent: string, how: Confirming, key: string) => ResultAsync<Told<SetupFact>, Silence>;
  /** What was made of a setup for that customer of Stripe's, by our tag; null where nothing was. */
  readonly findSetup: (stripeCustomer: string, setup: SetupId) => ResultAsync<SetupFact | null, StripeError>;
  /** As it is now; undefined where Stripe has none. */
  readonly setup: (intent: string) => ResultAsync<SetupFact | undefined, StripeError>;
}

/** No clock that is off by ten minutes hides a customer; and where Stripe failed he may be made some hours later. */
const FOUND_WITHIN_S = { before: 600, after: 32 * 3600 } as const;
/** In one look, if Stripe takes no longer for them than a look may be. */
const PAGES_MAX = 20;
const PAGE = 100;
/** Stripe's index has new objects within a minute, and an hour late at times: https://docs.stripe.com/search#data-freshness. */
const INDEXED_WITHIN_MS = 3_600_000;

export const createVault = (stripe: Stripe, breaker: Breaker): Vault => {
  /** Sends until it is answered. */
  const ask = <Answer, Found>(
    work: () => Promise<Answer>,
    { foundOf, shownBy = () => null, codeOf = () => undefined }: Asked<Answer, Found>,
  ): ResultAsync<Told<Found>, Silence> => {
    const run = async (): Promise<Told<Found>> => {
      const sent = await persist('first', (deadlineMs) => breaker.call(work, deadlineMs));
      if (!sent.error) return { found: foundOf(sent.answer), refusal: null };
      const { error } = sent;
      const refusal = isTrouble(error) ? undefined : refusalOf(error);
      if (!refusal?.error) throw error;
      const code = (refusal.isOfRequest ? codeOf(error, refusal.error) : undefined) ?? refusal.error.code;
      return { found: shownBy(error), refusal: { ...refusal.error, code } };
    };
    return ResultAsync.fromPromise(run(), (error) => ({
      ...paymentError(isTrouble(error) ? 'provider_unavailable' : 'internal', { outcome: 'unknown', cause: error }),
      mustLook: wasReplayed(error) || isKeyOfAnother(error),
      isOfAnother: isKeyOfAnother(error),
    }));
  };
  const look = <T>(work: () => Promise<T>): ResultAsync<T, StripeError> =>
    ResultAsync.fromPromise(breaker.call(work, STRIPE_DEADLINE_MS), (error) =>
      paymentError(isTrouble(error) ? 'provider_unavailable' : 'internal', { cause: error }),
    );

  const findCustomer = async (customer: CustomerId, since: Micros, now: Micros): Promise<string | null> => {
    const sinceS = Math.floor(toMs(since) / 1000);
    const created = { gte: sinceS - FOUND_WITHIN_S.before, lte: sinceS + FOUND_WITHIN_S.after };
    let after: string | undefined;
    const until = performance.now() + STRIPE_LOOK_MS;
    for (let pages = 0; pages < PAGES_MAX && performance.now() < until; pages++) {
      const { data, has_more: hasMore } = await stripe.customers.list({
        ...{ created, limit: PAGE },
        ...(after === undefined ? {} : { starting_after: after }),
      });
      const found = data.find(({ metadata }) => isTaggedCustomer(metadata, customer));
      if (found) return found.id;
      after = data.at(-1)?.id;
      if (!hasMore || after === undefined) return null;
    }
    // They are too many to be looked through.
    const { data } = await stripe.customers.search({ query: customerQuery(customer), limit: 1 });
    const found = data.find(({ metadata }) => isTaggedCustomer(metadata, customer));
    if (!found && toMs(now) - toMs(since) < INDEXED_WITHIN_MS)
      throw new Error('Stripe has made very many customers since then, and may not know them by their tags yet');
    return found?.id ?? null;
  };

  const detach = async (id: string): Promise<Stripe.PaymentMethod> => {
    try {
      return await stripe.paymentMethods.detach(id);
    } catch (error) {
      // It is of nobody already: what counts is how it stands.
      const now = await stripe.paymentMethods.retrieve(id);
      if (now.customer === null) return now;
      throw error;
    }
  };

  return {
    makeCustomer: (merchant, customer, key) =>
      ask(() => stripe.customers.create({ metadata: tagsOfCustomer(merchant, customer) }, { idempotencyKey: key }), {
        foundOf: ({ id }) => id,
      }),
    findCustomer: (customer, since, now) => look(() => findCustomer(customer, since, now)),
    isDeleted: (stripeCustomer) =>
      look(() =>
        stripe.customers
          .retrieve(stripeCustomer)
          .then(({ deleted }) => deleted === true, undefinedIfMissing)
          .then((deleted) => deleted === true),
      ),
    attach: (method, stripeCustomer, key) =>
      ask(
        () => stripe.paymentMethods.attach(method, { customer: stripeCustomer }, { idempotencyKey: key }),
        // Whatever Stripe finds wrong with an attachment, but a decline, is wrong with the method.
        {
          foundOf: methodFactOf,
          codeOf: (_, { code }) => (code === 'provider_refused' ? 'payment_method_not_usable' : undefined),
        },
      ),
    detach: (method) => ask(() => detach(method), { foundOf: methodFactOf }),
    forget: (stripeCustomer) =>
      look(() => stripe.customers.del(stripeCustomer).then(() => undefined, undefinedIfMissing)).map(() => undefined),
    method: (id) =>
      look(() => stripe.paymentMethods.retrieve(id).then((found) => methodFactOf(found), undefinedIfMissing)),
    createSetup: ({ merchant, id, stripeCustomer, paymentMethod, confirming }, key) =>
      ask(
        () =>
          stripe.setupIntents.create(
            {
              customer: stripeCustomer,
              usage: 'off_session',
              allowed_payment_method_types: ['card'],
              metadata: tagsOfSetup(merchant, id),
              ...(confirming ? { ...paramsOf(confirming), confirm: true } : {}),
              ...(!confirming && paymentMethod !== null ? { payment_method: paymentMethod } : {}),
              ...SHOWING_METHOD,
            },
            { idempotencyKey: key },
          ),
        SETUP,
      ),
    confirmSetup: (intent, how, key) =>
      ask(
        () => stripe.setupIntents.confirm(intent, { ...paramsOf(how), ...SHOWING_METHOD }, { idempotencyKey: key }),
        SETUP,
      ),
    // A customer has a handful, and the newest come first.
    findSetup: (stripeCustomer, setup) =>
      look(async () => {
        const { data } = await stripe.setupIntents.list({
          ...{ customer: stripeCustomer, limit: PAGE },
          expand: SHOWING_METHOD.expand.map((field) => `data.${field}`),
        });
        const found = data.find(({ metadata }) => taggedSetup(metadata)?.setup === setup);
        return found ? setupFactOf(found) : null;
      }),
    setup: (intent) =>
      look(() => stripe.setupIntents.retrieve(intent, SHOWING_METHOD).then(setupFactOf, undefinedIfMissing)),
  };
};

const paramsOf = ({
  paymentMethod,
  returnUrl,
  inPage,
}: Confirming): Pick<
  Stripe.SetupIntentConfirmParams & Stripe.SetupIntentCreateParams,
  'confirmation_token' | 'payment_method' | 'use_stripe_sdk' | 'return_url'
> => ({
  ...(isToken(paymentMethod) ? { confirmation_token: paymentMethod } : { payment_method: paymentMethod }),
  ...(inPage || returnUrl === null ? { use_stripe_sdk: true } : {}),
  ...(returnUrl === null ? {} : { return_url: returnUrl }),
});

const SETUP: Asked<Stripe.SetupIntent, SetupFact> = {
  foundOf: setupFactOf,
  shownBy: (error) =>
    error instanceof Stripe.errors.StripeError && error.setup_intent ? setupFactOf(error.setup_intent) : null,
  // It is not in the state that we thought, and shows in which it is.
  codeOf: (error) =>
    error instanceof Stripe.errors.StripeError && error.code === 'setup_intent_unexpected_state'
      ? 'setup_not_confirmable'
      : undefined,
};

const undefinedIfMissing = (error: unknown): undefined => {
  if (isMissing(error)) return undefined;
  throw error;
};

/** Tokens, which most payments no longer need: the test cards', and those of a code that is asked for again. */
import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { cardOf, testCard, testTokenName } from './cards.ts';
import { type Failure, resourceMissing } from './failure.ts';
import { newId } from './ids.ts';
import { save, type Scope } from './scope.ts';

/** A token of the code on a card's back, as a page makes one. */
export const createCvcToken = (scope: Scope): Stripe.Token => {
  const token = {
    id: newId('cvctok_'),
    object: 'token',
    client_ip: null,
    created: scope.clock.nowS(),
    livemode: false,
    type: 'cvc_update',
    used: false,
  } satisfies Stripe.Token;
  save(scope, token);
  return token;
};

/** A token that was made here, or that of a test card. */
export const readToken = (scope: Scope, id: string): Result<Stripe.Token, Failure> => {
  const made = scope.store.get('token', id);
  if (made !== undefined) return ok(made);
  const name = testTokenName(id);
  if (name === undefined) return err(resourceMissing(404, 'token', id, 'token'));
  const { brand, country, exp_month, exp_year, fingerprint, funding, last4, regulated_status } = cardOf(testCard(name));
  const card = {
    id: newId('card_'),
    object: 'card',
    ...{ address_city: null, address_country: null, address_line1: null, address_line1_check: null },
    ...{ address_line2: null, address_state: null, address_zip: null, address_zip_check: null },
    allow_redisplay: 'unspecified',
    brand: BRAND_NAMES[brand] ?? brand,
    ...{ country, cvc_check: 'unchecked', dynamic_last4: null, exp_month, exp_year, fingerprint: fingerprint ?? null },
    ...{ funding, last4, metadata: {}, name: null, regulated_status, tokenization_method: null, wallet: null },
  };
  return ok({
    id,
    object: 'token',
    card: card as unknown as Stripe.Card,
    client_ip: null,
    created: scope.clock.nowS(),
    livemode: false,
    type: 'card',
    used: false,
  });
};

/** Tokens call brands by the names that a person would read. */
const BRAND_NAMES: Readonly<Record<string, string>> = {
  amex: 'American Express',
  diners: 'Diners Club',
  discover: 'Discover',
  jcb: 'JCB',
  mastercard: 'MasterCard',
  unionpay: 'UnionPay',
  visa: 'Visa',
};

import type { Stripe } from 'stripe';
import { DEBITS } from './debits.ts';
import { TEST_CARDS, type TestCard } from './test-cards.ts';

const TEST_DEBITS: ReadonlyMap<string, TestCard> = new Map(DEBITS);

/** Some names are known with their brand too: `visa_chargeDeclined` is `chargeDeclined`. */
const canonical = (name: string): string | undefined => {
  if (TEST_CARDS.has(name)) return name;
  const bare = name.replace(/^visa_/, '');
  return TEST_CARDS.has(bare) ? bare : undefined;
};

/** The name of the test card, or account, that a payment method of Stripe's names: `pm_card_…`, `pm_success_de`. */
export const testCardName = (reference: string): string | undefined => {
  if (reference.startsWith('pm_card_')) return canonical(reference.slice('pm_card_'.length));
  const name = reference.slice('pm_'.length);
  return reference.startsWith('pm_') && TEST_DEBITS.has(name) ? name : undefined;
};

/** The name of the test card that a token names: `tok_…`. */
export const testTokenName = (reference: string): string | undefined =>
  reference.startsWith('tok_') ? canonical(reference.slice('tok_'.length)) : undefined;

/** The test card or account of that name; a payment method of the sandbox always has one. */
export const testCard = (name: string): TestCard => TEST_CARDS.get(name) ?? TEST_DEBITS.get(name) ?? FALLBACK;
const FALLBACK: TestCard = { brand: 'visa', last4: '4242', funding: 'credit', country: 'US' };

/** What a card does, in a sentence for a person. */
export const whatItDoes = (card: TestCard): string => {
  const said: string[] = [];
  switch (card.authentication) {
    case 'required':
      said.push('asks for 3-D Secure at every payment');
      break;
    case 'on_session':
      said.push('asks for 3-D Secure while its owner is there, and pays off session');
      break;
    case 'until_set_up':
      said.push('asks for 3-D Secure until it was set up; on session always');
      break;
    case 'unreachable':
      said.push("needs 3-D Secure, and its bank can't be reached");
      break;
    case 'unsupported':
      said.push("pays, and can't be asked for 3-D Secure");
      break;
    case undefined:
  }
  if (card.decline !== undefined && card.debit !== true) {
    const why = card.decline.declineCode ?? card.decline.code;
    said.push(
      card.decline.blocked === true
        ? 'is blocked by Radar'
        : `${card.declinesOnlyCharges === true ? 'can be saved, and ' : ''}is declined: ${why}`,
    );
  }
  if (card.processing !== undefined) {
    const why = card.debit === true && card.decline !== undefined ? `: ${card.decline.code}` : '';
    said.push(`stays processing for ${lasting(card.processingMs)}, then ${card.processing}${why}`);
  }
  if (card.failsLate !== undefined) said.push(`fails after that: ${card.failsLate.code}`);
  if (card.risk === 'elevated') said.push('pays, with an elevated risk');
  const checks = Object.entries(card.checks ?? {}).map(([what, result]) => `${CHECKED[what] ?? what}: ${result}`);
  if (checks.length > 0) said.push(`pays; ${checks.join(', ')}`);
  if (card.dispute !== undefined) {
    const what = card.dispute.inquiry === true ? 'an inquiry follows' : 'a dispute follows';
    const how = card.dispute.eligible === undefined ? '' : `, ${card.dispute.eligible}`;
    said.push(
      `pays; ${card.dispute.times === undefined ? what : 'two disputes follow'} (${card.dispute.reason}${how})`,
    );
  }
  if (card.warns === true) said.push('pays; an early fraud warning follows');
  if (card.refund === 'pending') said.push('pays; a refund is pending, and then succeeds');
  if (card.refund === 'fails') said.push('pays; a refund succeeds, and then fails');
  if (card.available === 'at_once') said.push('pays, available at once');
  return said.length === 0 ? 'pays' : said.join('; ');
};
const lasting = (ms = 0): string =>
  ms >= 24 * 3600 * 1000 ? `${ms / (24 * 3600 * 1000)} days` : ms >= 60_000 ? `${ms / 60_000} minutes` : 'a while';
const CHECKED: Readonly<Record<string, string>> = { cvc: 'CVC', line1: 'address', postalCode: 'postal code' };

/** The card of a payment method. */
export const cardOf = (card: TestCard): Stripe.PaymentMethod.Card => ({
  brand: card.brand,
  checks: checksOf(card),
  country: card.country,
  display_brand: card.coBrand ?? card.brand,
  exp_month: 12,
  exp_year: 2034,
  fingerprint: `sandbox${card.country}${card.last4}`,
  funding: card.funding,
  generated_from: null,
  last4: card.last4,
  networks: { available: card.coBrand === undefined ? [card.brand] : [card.coBrand, card.brand], preferred: null },
  regulated_status: 'unregulated',
  three_d_secure_usage: { supported: card.authentication !== 'unsupported' },
  wallet: null,
});

/** What the bank said of the address and the code. */
export const checksOf = ({
  checks = {},
}: TestCard): {
  address_line1_check: string | null;
  address_postal_code_check: string | null;
  cvc_check: string | null;
} => ({
  address_line1_check: checks.line1 ?? null,
  address_postal_code_check: checks.postalCode ?? null,
  cvc_check: checks.cvc ?? 'pass',
});

/**
 * The posting rules: what a fact about a payment moves in the ledger. Each is one transfer, from the account that gives
 * (its debits grow) to the one that receives (its credits grow).
 */
import type { AccountKind } from './account.ts';
import { derivedId, platformAccountId, walletId, type AccountId, type Id } from './ids.ts';
import type { Payment } from './payment.ts';
import type { PostingRule, Transfer } from './transfer.ts';

interface Rule {
  readonly from: AccountKind;
  readonly to: AccountKind;
  readonly when: string;
}

/** All that is posted here is a fact at Stripe, and so without condition: a wallet may go below zero. */
export const POSTINGS: Readonly<Record<PostingRule, Rule>> = {
  payment: {
    from: 'stripe_clearing',
    to: 'wallet',
    when: 'Stripe has taken the money: the merchant owes it to the customer.',
  },
  refund: { from: 'wallet', to: 'stripe_clearing', when: 'Stripe has sent money back to the card.' },
  refund_reversed: {
    from: 'stripe_clearing',
    to: 'wallet',
    when: 'The card would not take the refund: the money is the customer’s again.',
  },
  dispute_opened: {
    from: 'disputes',
    to: 'stripe_clearing',
    when: 'The bank has taken the disputed amount from Stripe, for now.',
  },
  dispute_won: { from: 'stripe_clearing', to: 'disputes', when: 'The bank has given it back.' },
  dispute_lost: {
    from: 'wallet',
    to: 'disputes',
    when: 'The bank keeps it: the customer has had it back, and no longer has it here.',
  },
};

/** What a posting needs to know of its payment. */
type Posted = Pick<Payment, 'merchant' | 'id' | 'customer' | 'currency'>;

const accountOf = (kind: AccountKind, { merchant, customer, currency }: Posted): AccountId =>
  kind === 'wallet' ? walletId(customer, currency) : platformAccountId(merchant, kind, currency);

/**
 * The transfer of a rule. Its id follows from what caused it (a payment, a refund, a dispute): the same fact can be
 * posted once, whoever learns of it, and however often.
 */
export const posting = (rule: PostingRule, payment: Posted, amount: bigint, cause: Id<string>): Transfer => {
  const { from, to } = POSTINGS[rule];
  return {
    merchant: payment.merchant,
    id: derivedId('tr', cause, SECOND.has(rule) ? 1 : 0),
    kind: rule,
    debit: accountOf(from, payment),
    credit: accountOf(to, payment),
    amount,
    currency: payment.currency,
    limit: 'none',
    description: null,
    payment: payment.id,
  };
};

/** Those that end what another rule of the same cause began. A dispute ends in one way. */
const SECOND: ReadonlySet<PostingRule> = new Set(['refund_reversed', 'dispute_won', 'dispute_lost']);

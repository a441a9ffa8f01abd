/**
 * The posting rules: what a fact at Stripe moves in the ledger. Each is one transfer, from the account that gives (its
 * debits grow) to the one that receives (its credits grow).
 */
import type { AccountKind } from './account.ts';
import type { BalanceTransaction, KnownShare, PayoutShare } from './balance.ts';
import type { Currency } from './currency.ts';
import {
  derivedId,
  idAt,
  platformAccountId,
  walletId,
  type AccountId,
  type MerchantId,
  type PaymentId,
  type PlatformKind,
  type TransferId,
} from './ids.ts';
import type { Payment } from './payment.ts';
import type { BalanceRule, PaymentRule, PostingRule, Transfer } from './transfer.ts';

interface Rule<Kind> {
  readonly from: Kind;
  readonly to: Kind;
  readonly when: string;
}

type Rules = Readonly<Record<PaymentRule, Rule<AccountKind>> & Record<BalanceRule, Rule<PlatformKind>>>;

/** All that is posted here is a fact at Stripe, and so without condition: a wallet may go below zero. */
export const POSTINGS: Rules = {
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
  payment_returned: {
    from: 'wallet',
    to: 'stripe_clearing',
    when: 'The bank has returned a debit that had been paid: the customer no longer has the money here.',
  },
  dispute_opened: {
    from: 'disputes',
    to: 'stripe_clearing',
    when: 'The bank has taken the disputed amount from Stripe, for now.',
  },
  dispute_reinstated: {
    from: 'stripe_clearing',
    to: 'disputes',
    when: 'The bank has given it back, or the part of it that had been refunded.',
  },
  dispute_lost: {
    from: 'wallet',
    to: 'disputes',
    when: 'The bank keeps what is left of it: the customer has had it back, and no longer has it here.',
  },
  dispute_loss_returned: {
    from: 'disputes',
    to: 'wallet',
    when: 'The bank has decided the other way after all, or has given back more.',
  },
  second_charge: {
    from: 'stripe_clearing',
    to: 'to_return',
    when: 'Stripe has charged for a payment that was paid already: it is to go back.',
  },
  second_charge_returned: { from: 'to_return', to: 'stripe_clearing', when: 'It has gone back to the card.' },
  second_charge_disputed: {
    from: 'to_return',
    to: 'disputes',
    when: 'The bank keeps what it has taken of it: so it has gone back to the customer.',
  },
  second_charge_dispute_returned: {
    from: 'disputes',
    to: 'to_return',
    when: 'The bank has decided the other way after all: it is to go back again.',
  },
  fee: {
    from: 'stripe_fees',
    to: 'stripe_clearing',
    when: 'Stripe has kept a fee: of a charge, a dispute or whatever else a balance transaction is of.',
  },
  fee_returned: { from: 'stripe_clearing', to: 'stripe_fees', when: 'Stripe has given a fee back.' },
  converted_out: {
    from: 'exchange',
    to: 'stripe_clearing',
    when: 'Stripe has turned what it held in this currency into another, or taken from it what a refund in another cost.',
  },
  converted_in: {
    from: 'stripe_clearing',
    to: 'exchange',
    when: 'Stripe has got this for what it held in another currency, or has turned it into a refund in this one.',
  },
  payout: {
    from: 'bank',
    to: 'stripe_clearing',
    when: 'Stripe has paid out: the money is in the bank, and Stripe no longer owes it.',
  },
  payout_reversed: {
    from: 'stripe_clearing',
    to: 'bank',
    when: 'The bank has sent a payout back; or a merchant’s share of one was below zero.',
  },
};

/** What a posting needs to know of its payment. */
type Posted = Pick<Payment, 'merchant' | 'id' | 'customer' | 'currency'>;

const accountOf = (kind: AccountKind, { merchant, customer, currency }: Posted): AccountId =>
  kind === 'wallet' ? walletId(customer, currency) : platformAccountId(merchant, kind, currency);

/** What Stripe has done is posted whatever the accounts hold. */
const fact = (kind: PostingRule, of: Omit<Transfer, 'kind' | 'limit' | 'description'>): Transfer => ({
  ...of,
  kind,
  limit: 'none',
  description: null,
});

/**
 * The transfer of a rule. Its id follows from Stripe's of what caused it: the same fact can be posted once, whoever
 * learns of it, and however often.
 */
export const posting = (rule: PaymentRule, payment: Posted, amount: bigint, id: TransferId): Transfer => {
  const { from, to } = POSTINGS[rule];
  return fact(rule, {
    merchant: payment.merchant,
    id,
    debit: accountOf(from, payment),
    credit: accountOf(to, payment),
    amount,
    currency: payment.currency,
    payment: payment.id,
  });
};

interface Movement {
  readonly rule: BalanceRule;
  readonly merchant: MerchantId;
  readonly payment: PaymentId | null;
  readonly amount: bigint;
  readonly currency: Currency;
  readonly id: TransferId;
}

const movement = ({ rule, merchant, payment, amount, currency, id }: Movement): Transfer => {
  const { from, to } = POSTINGS[rule];
  const debit = platformAccountId(merchant, from, currency);
  const credit = platformAccountId(merchant, to, currency);
  return fact(rule, { merchant, id, debit, credit, amount, currency, payment });
};

/**
 * What a balance transaction moves: Stripe's fee, in the currency that Stripe settles in; and where that is not the
 * payment's, the gross from the one currency to the other. Their ids follow from Stripe's id of it.
 */
export const balancePostings = (transaction: BalanceTransaction): Transfer[] => {
  const { merchant, payment, fee, gross, charged, currency, chargedCurrency } = transaction;
  // A refund may be worth less than the least of the other currency: then its line says nothing.
  const [left, joined] =
    (gross || charged) < 0n
      ? (['converted_in', 'converted_out'] as const)
      : (['converted_out', 'converted_in'] as const);
  const wanted: [BalanceRule, bigint, Currency][] = [[fee < 0n ? 'fee_returned' : 'fee', fee, currency]];
  if (currency !== chargedCurrency) wanted.push([left, charged, chargedCurrency], [joined, gross, currency]);
  const id = idAt('tr', transaction.id, transaction.createdAt);
  // Of the charge, a refund or the dispute: a payment may have a fee of each.
  const description = `${transaction.kind} ${transaction.source}`;
  return wanted.flatMap(([rule, signed, of], nth) =>
    signed === 0n
      ? []
      : [
          {
            ...movement({ rule, merchant, payment, amount: abs(signed), currency: of, id: derivedId('tr', id, nth) }),
            description,
          },
        ],
  );
};

/**
 * What a merchant's share of a payout moves, given what was known of it; `posted before` where nothing is new. One that
 * failed before it was known to be paid moves nothing, and will not be thought to be paid later.
 */
export const payoutPostings = (share: PayoutShare, known: KnownShare | undefined): Transfer[] | 'posted before' => {
  if (known?.status === share.status || known?.status === 'failed') return 'posted before';
  const { merchant, payout, currency, status } = share;
  // What is taken back is what was posted.
  const amount = status === 'failed' ? -(known?.amount ?? 0n) : share.amount;
  if (amount === 0n) return [];
  const rule = amount > 0n ? 'payout' : 'payout_reversed';
  const first = idAt('tr', `${payout} ${merchant} ${currency}`, share.createdAt);
  const id = derivedId('tr', first, status === 'paid' ? 0 : 1);
  return [movement({ rule, merchant, payment: null, amount: abs(amount), currency, id })];
};

const abs = (amount: bigint): bigint => (amount < 0n ? -amount : amount);

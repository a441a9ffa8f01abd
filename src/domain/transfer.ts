/** Transfers: one row each, with both legs. What is not in balance cannot be said. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import { available, posted, type Account } from './account.ts';
import type { Currency } from './currency.ts';
import type { AccountId, MerchantId, PaymentId, TransferId } from './ids.ts';
import { later, plusMicros, type Micros } from './time.ts';

/** The posting rules of a payment's life: `postings.ts` says what each moves. */
export type PaymentRule =
  | 'payment'
  | 'refund'
  | 'refund_reversed'
  | 'dispute_opened'
  | 'dispute_reinstated'
  | 'dispute_lost'
  | 'dispute_loss_returned'
  | 'second_charge'
  | 'second_charge_returned'
  | 'second_charge_disputed'
  | 'second_charge_dispute_returned';
/** Those of Stripe's balance, which touch no wallet. */
export type BalanceRule = 'fee' | 'fee_returned' | 'converted_out' | 'converted_in' | 'payout' | 'payout_reversed';
export type PostingRule = PaymentRule | BalanceRule;

/** What made it: one of those rules, or a request to move money. */
export type TransferKind = PostingRule | 'debit' | 'transfer' | 'usage';

export interface Transfer {
  readonly merchant: MerchantId;
  readonly id: TransferId;
  readonly kind: TransferKind;
  /** The account that gives, and the one that receives. */
  readonly debit: AccountId;
  readonly credit: AccountId;
  /** Positive, in minor units. */
  readonly amount: bigint;
  readonly currency: Currency;
  /** `available`: the debited account must hold it. `none`: it is a fact, whatever the account holds. */
  readonly limit: 'available' | 'none';
  readonly description: string | null;
  readonly payment: PaymentId | null;
}

export interface PostedTransfer extends Transfer {
  readonly postedAt: Micros;
  readonly debitSequence: bigint;
  readonly creditSequence: bigint;
  readonly debitBalanceAfter: bigint;
  readonly creditBalanceAfter: bigint;
}

/** The largest sum of debits or credits: Postgres' bigint. */
const SUM_MAX = 2n ** 63n - 1n;

export interface Posting {
  readonly transfer: PostedTransfer;
  readonly debit: Account;
  readonly credit: Account;
}

/**
 * Moves an amount between two accounts, given their state under lock.
 *
 * The posting time is the later of now and 1 µs after either account's last one: so time and `sequence` agree in every
 * account, and a past balance never changes.
 *
 * Errors: `currency_mismatch`, `transfer_not_allowed`, `insufficient_funds`, `balance_limit_exceeded`.
 */
export const post = (transfer: Transfer, from: Account, to: Account, now: Micros): Result<Posting, PaymentError> => {
  if (from.currency !== transfer.currency || to.currency !== transfer.currency)
    return err(paymentError('currency_mismatch'));
  if (from.id === to.id) return err(paymentError('transfer_not_allowed', { message: 'An account cannot pay itself.' }));
  if (transfer.kind === 'transfer' && (from.kind !== 'wallet' || to.kind !== 'wallet'))
    return err(paymentError('transfer_not_allowed'));
  if (transfer.limit === 'available' && available(from) < transfer.amount)
    return err(paymentError('insufficient_funds'));
  if (from.debits + transfer.amount > SUM_MAX || to.credits + transfer.amount > SUM_MAX)
    return err(paymentError('balance_limit_exceeded'));

  const postedAt = later(now, plusMicros(later(from.postedAt, to.postedAt), 1n));
  const debit: Account = { ...from, debits: from.debits + transfer.amount, sequence: from.sequence + 1n, postedAt };
  const credit: Account = { ...to, credits: to.credits + transfer.amount, sequence: to.sequence + 1n, postedAt };
  return ok({
    debit,
    credit,
    transfer: {
      ...transfer,
      postedAt,
      debitSequence: debit.sequence,
      creditSequence: credit.sequence,
      debitBalanceAfter: posted(debit),
      creditBalanceAfter: posted(credit),
    },
  });
};

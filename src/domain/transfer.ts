/** Transfers: one row each, with both legs. What is not in balance cannot be said. */
import { err, ok, type Result } from 'neverthrow';
import { paymentError, type PaymentError } from '../error.ts';
import { available, posted, type Account } from './account.ts';
import type { Currency } from './currency.ts';
import type { AccountId, MerchantId, PaymentId, TransferId } from './ids.ts';
import { later, plusMicros, type Micros } from './time.ts';

/** The posting rules of a payment's life: `postings.ts` says what each moves. */
const PAYMENT_RULES = [
  'payment',
  'refund',
  'refund_reversed',
  'payment_returned',
  'dispute_opened',
  'dispute_reinstated',
  'dispute_lost',
  'dispute_loss_returned',
  'second_charge',
  'second_charge_returned',
  'second_charge_disputed',
  'second_charge_dispute_returned',
] as const;
export type PaymentRule = (typeof PAYMENT_RULES)[number];
/** Those of Stripe's balance, which touch no wallet. */
const BALANCE_RULES = ['fee', 'fee_returned', 'converted_out', 'converted_in', 'payout', 'payout_reversed'] as const;
export type BalanceRule = (typeof BALANCE_RULES)[number];
export type PostingRule = PaymentRule | BalanceRule;

/** What a request may move; each can be taken back. */
export const REVERSIBLE_KINDS = ['debit', 'transfer', 'usage'] as const;

/** What made it: one of those rules, or a request to move money, or to take it back. */
export type TransferKind = PostingRule | (typeof REVERSIBLE_KINDS)[number] | 'reversal';
export const TRANSFER_KINDS: readonly TransferKind[] = [
  ...REVERSIBLE_KINDS,
  'reversal',
  ...PAYMENT_RULES,
  ...BALANCE_RULES,
];

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
  /** The merchant's own id of what it is for. */
  readonly reference?: string | undefined;
  readonly metadata?: Readonly<Record<string, string>> | undefined;
  readonly reverses?: Reversed | undefined;
}

/** What a reversal takes back, in part or in whole, and why. */
export interface Reversed {
  readonly transfer: TransferId;
  readonly reason: string;
  /** The business day that it belongs to, `2026-03-31`, where that is another: no balance heeds it. */
  readonly effectiveDate: string | null;
}

export interface PostedTransfer extends Transfer {
  readonly postedAt: Micros;
  readonly debitSequence: bigint;
  readonly creditSequence: bigint;
  readonly debitBalanceAfter: bigint;
  readonly creditBalanceAfter: bigint;
}

/** What a transfer has moved, and how much of it was taken back. */
export interface Taken {
  readonly whole: bigint;
  readonly taken: bigint;
  /** In how many parts, of which no more are counted than may be. */
  readonly parts: number;
}

/** All of them are looked at for each: what somebody takes back by the cent would hold up everybody's batch. */
export const REVERSALS_MAX = 1_000;

/**
 * A reversal takes back no more than is left of its transfer after those that are `posted` in the same batch.
 * Errors: `reversal_exceeds_transfer`, `transfer_not_reversible`, `transfer_not_found`.
 */
export const mayReverse = (
  { amount }: Transfer,
  { transfer }: Reversed,
  known: Taken | undefined,
  posted: readonly PostedTransfer[],
): Result<void, PaymentError> => {
  if (!known) return err(paymentError('transfer_not_found'));
  const own = posted.filter(({ reverses }) => reverses?.transfer === transfer);
  if (known.parts + own.length >= REVERSALS_MAX)
    return err(
      paymentError('transfer_not_reversible', {
        message: `It was taken back in ${REVERSALS_MAX} parts: what is left of it goes back by a transfer of its own.`,
      }),
    );
  const taken = own.reduce((sum, one) => sum + one.amount, known.taken);
  return taken + amount > known.whole ? err(paymentError('reversal_exceeds_transfer', { param: 'amount' })) : ok();
};

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

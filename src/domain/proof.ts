/** What the books prove of themselves. */
import type { AccountId, TransferId } from './ids.ts';

/** Each promise, by the name under which a proof shows it, in words. */
export const CHECK_NAMES = {
  debits_equal_credits: 'In each currency, all debits equal all credits.',
  entries_chain: 'Each entry leaves what the one before it left and its own amount; none is missing; times only grow.',
  balances_are_sums: 'Each balance is the sum of its entries, and counts them.',
  payments_are_posted: 'What was paid and refunded of each payment is posted.',
  postings_have_causes: 'Each posting has the payment, the fee, the payout or the transfer that it is of.',
  replies_are_true: 'Each stored reply that tells of money has the row that it tells of.',
  seals_hold: 'Each row that was sealed is as it was then.',
} as const;
export type CheckName = keyof typeof CHECK_NAMES;

/** Something that is wrong, and where. */
export interface Finding {
  readonly check: CheckName;
  readonly account: AccountId | null;
  readonly transfer: TransferId | null;
  /** What it is about, in the words of the API: an id, a currency, a key. */
  readonly subject: string;
  readonly detail: string;
}

/**
 * What kind of movement it is, in the words of Stripe's reports, so that one grouping fits both sides. What moves within
 * the ledger alone, and is nothing at Stripe, keeps our own word. https://docs.stripe.com/reports/reporting-categories
 */
import type { TransferKind } from './transfer.ts';

export const CATEGORIES = [
  'charge',
  'charge_failure',
  'refund',
  'refund_failure',
  'dispute',
  'dispute_reversal',
  'fee',
  'network_cost',
  'payout',
  'payout_reversal',
  'partial_capture_reversal',
  'other_adjustment',
  'currency_conversion',
  'debit',
  'usage',
  'transfer',
  'reversal',
  'other',
] as const;
export type Category = (typeof CATEGORIES)[number];

const OF_KIND: Readonly<Record<TransferKind, Category>> = {
  payment: 'charge',
  payment_returned: 'charge_failure',
  refund: 'refund',
  refund_reversed: 'refund_failure',
  dispute_opened: 'dispute',
  dispute_reinstated: 'dispute_reversal',
  dispute_lost: 'dispute',
  dispute_loss_returned: 'dispute_reversal',
  second_charge: 'charge',
  second_charge_returned: 'refund',
  second_charge_disputed: 'dispute',
  second_charge_dispute_returned: 'dispute_reversal',
  fee: 'fee',
  fee_returned: 'fee',
  converted_out: 'currency_conversion',
  converted_in: 'currency_conversion',
  payout: 'payout',
  payout_reversed: 'payout_reversal',
  debit: 'debit',
  transfer: 'transfer',
  usage: 'usage',
  reversal: 'reversal',
};

/** Of a kind that a later version has posted: `other`. */
export const categoryOf = (kind: string): Category => BY_KIND.get(kind) ?? 'other';
const BY_KIND: ReadonlyMap<string, Category> = new Map(Object.entries(OF_KIND));

/** The kinds that are of a category. */
export const kindsOf = (category: Category): TransferKind[] =>
  (Object.keys(OF_KIND) as TransferKind[]).filter((kind) => OF_KIND[kind] === category);

/** All that are known: what is of none of them is `other`. */
export const KINDS: readonly string[] = Object.keys(OF_KIND);
/** Stripe's `type` of a balance transaction, and where that is `adjustment`, of what it is one. */
export const categoryOfLine = (type: string, source: string, gross: bigint): Category => {
  switch (type) {
    case 'charge':
    case 'payment':
      return 'charge';
    case 'refund':
    case 'payment_refund':
      return gross > 0n && source.startsWith('ch_') ? 'partial_capture_reversal' : 'refund';
    case 'refund_failure':
      return 'refund_failure';
    case 'payment_failure_refund':
    case 'payment_reversal':
      return 'charge_failure';
    case 'adjustment':
      if (!/^(?:dp|du)_/.test(source)) return 'other_adjustment';
      return gross < 0n ? 'dispute' : 'dispute_reversal';
    case 'stripe_fee':
    case 'stripe_fx_fee':
    case 'tax_fee':
      return 'fee';
    case 'network_cost':
      return 'network_cost';
    case 'payout':
      return 'payout';
    case 'payout_cancel':
    case 'payout_failure':
      return 'payout_reversal';
    default:
      return 'other';
  }
};

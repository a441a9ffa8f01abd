/** Lists without a filter: what a page narrows by what it shows. */
import type { ContradictionFilter } from '../storage/contradictions.ts';
import type { PaymentFilter } from '../storage/payment-list.ts';
import type { AccountFilter, RefundFilter } from '../storage/reads.ts';

const NEWEST = { limit: 10, startingAfter: undefined, endingBefore: undefined } as const;

export const allPayments: PaymentFilter = { ...NEWEST, customer: undefined };
export const allRefunds: RefundFilter = { ...NEWEST, payment: undefined };
export const allAccounts: AccountFilter = { ...NEWEST, customer: undefined, currency: undefined, kind: undefined };
export const allContradictions: ContradictionFilter = { ...NEWEST, status: undefined };

import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { recordPayout, recordPayoutFailure } from './balance.ts';
import { refused, type Failure } from './failure.ts';
import { newId } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { save, type Scope } from './scope.ts';

/** Banks take a day or two; here, long enough to be seen pending. */
const PAID_AFTER_MS = 1_000;
/** A bank may send a payout back days after it was paid; here, long enough to be seen paid. */
const FAILS_AFTER_MS = 5_000;
/** The account's bank accounts: of one that is closed, what is paid to it comes back. */
export const ACCOUNTS: readonly ['ba_sandbox', 'ba_sandbox_closed'] = ['ba_sandbox', 'ba_sandbox_closed'];

export interface PayoutParams {
  readonly amount?: number | undefined;
  readonly currency: string;
  readonly destination?: (typeof ACCOUNTS)[number] | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly statement_descriptor?: string | undefined;
}

/**
 * Pays out all that is available in a currency, as Stripe does by itself every day: such a payout is tied to its balance
 * transactions, and one of any other amount, made by hand, would not be.
 */
export const createPayout = (scope: Scope, params: PayoutParams): Result<Stripe.Payout, Failure> => {
  const available = scope.store.payable(params.currency, scope.clock.nowS());
  const amount = params.amount ?? available;
  if (available <= 0 || amount > available)
    return err(
      refused(
        'You have insufficient funds in your Stripe account for this transfer. Your card balance is too low.',
        'balance_insufficient',
      ),
    );
  if (amount < available)
    return err(
      refused(
        `The sandbox pays out all that is available, as an automatic payout does: ${available} ${params.currency}.`,
        undefined,
        'amount',
      ),
    );
  const payout = newPayout(scope, amount, params);
  scope.store.payOut(payout.id, payout.currency, scope.clock.nowS());
  const made = { ...payout, balance_transaction: recordPayout(scope, payout).id };
  save(scope, made, 'payout.created');
  scope.store.schedule(scope.clock.nowMs() + PAID_AFTER_MS, 'pay_payout', made.id);
  return ok(made);
};

const newPayout = (scope: Scope, amount: number, params: PayoutParams) =>
  ({
    id: newId('po_'),
    object: 'payout',
    amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: scope.clock.nowS(),
    automatic: true,
    balance_transaction: null,
    created: scope.clock.nowS(),
    currency: params.currency,
    description: params.description ?? 'STRIPE PAYOUT',
    destination: params.destination ?? 'ba_sandbox',
    failure_balance_transaction: null,
    failure_code: null,
    failure_message: null,
    livemode: false,
    metadata: mergeMetadata({}, params.metadata),
    method: 'standard',
    original_payout: null,
    payout_method: null,
    reconciliation_status: 'in_progress',
    reversed_by: null,
    source_type: 'card',
    statement_descriptor: params.statement_descriptor ?? null,
    status: 'pending',
    trace_id: null,
    type: 'bank_account',
  }) satisfies Stripe.Payout;

/** The bank has it, and Stripe knows which transactions it was made of. */
export const payPayout = (scope: Scope, id: string): void => {
  const payout = scope.store.get('payout', id);
  if (payout?.status !== 'pending') return;
  const paid = { ...payout, status: 'paid', reconciliation_status: 'completed' };
  save(scope, paid, 'payout.paid', 'payout.reconciliation_completed');
  if (payout.destination === 'ba_sandbox_closed')
    scope.store.schedule(scope.clock.nowMs() + FAILS_AFTER_MS, 'fail_payout', id);
};

/** The bank sends it back: it is in the balance again, by a transaction of its own that the next payout pays out. */
export const failPayout = (scope: Scope, id: string): void => {
  const payout = scope.store.get('payout', id);
  if (payout?.status !== 'paid') return;
  const failed = {
    ...payout,
    status: 'failed',
    failure_balance_transaction: recordPayoutFailure(scope, payout).id,
    failure_code: 'account_closed',
    failure_message: 'The bank account has been closed.',
  };
  save(scope, failed, 'payout.failed');
};

import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { recordPayout, recordPayoutCancel, recordPayoutFailure } from './balance.ts';
import { refused, type Failure } from './failure.ts';
import { newId } from './ids.ts';
import { mergeMetadata } from './params.ts';
import { find, findNamed, save, saveChange, type Scope } from './scope.ts';

const DAY_S = 24 * 60 * 60;
/** Banks take what they are sent at the beginning of a day. */
const nextMidnight = (atS: number): number => atS - (atS % DAY_S) + DAY_S;

/** Banks take a day or two; here, long enough to be seen pending. */
const PAID_AFTER_MS = 1_000;
/** A bank may send a payout back days after it was paid; here, long enough to be seen paid. */
const FAILS_AFTER_MS = 5_000;
/** The account's bank accounts: of one that is closed, what is paid to it comes back. */
export const ACCOUNTS: readonly ['ba_sandbox', 'ba_sandbox_closed'] = ['ba_sandbox', 'ba_sandbox_closed'];

export interface PayoutParams {
  readonly amount: number;
  readonly currency: string;
  readonly destination?: (typeof ACCOUNTS)[number] | undefined;
  readonly description?: string | null | undefined;
  readonly metadata?: Record<string, string> | null | undefined;
  readonly statement_descriptor?: string | undefined;
}

const tooLittle = (): Failure =>
  refused(
    'You have insufficient funds in your Stripe account for this transfer. Your card balance is too low. You can use ' +
      'the /v1/balance endpoint to view your Stripe balance.',
    'balance_insufficient',
  );

/** Pays out by hand, any part of what is available: Stripe does not say of which transactions it is made. */
export const createPayout = (scope: Scope, params: PayoutParams): Result<Stripe.Payout, Failure> => {
  if (params.amount > scope.store.payable(params.currency, scope.clock.nowS())) return err(tooLittle());
  return ok(begin(scope, newPayout(scope, params.amount, params, false)));
};

/** Pays out all that is available in a currency, as Stripe does by itself every day, tied to its transactions. */
export const createAutomaticPayout = (
  scope: Scope,
  params: Omit<PayoutParams, 'amount'>,
): Result<Stripe.Payout, Failure> => {
  const available = scope.store.payable(params.currency, scope.clock.nowS());
  if (available <= 0) return err(tooLittle());
  const payout = newPayout(scope, available, params, true);
  scope.store.payOut(payout.id, payout.currency, scope.clock.nowS());
  return ok(begin(scope, payout));
};

const begin = (scope: Scope, payout: Stripe.Payout): Stripe.Payout => {
  const made = { ...payout, balance_transaction: recordPayout(scope, payout).id };
  save(scope, made, 'payout.created');
  scope.store.schedule(scope.clock.nowMs() + PAID_AFTER_MS, 'pay_payout', made.id);
  return made;
};

/** What a payout is made of can be listed of an automatic one alone. */
export const listOfPayout = (scope: Scope, id: string | undefined): Result<null, Failure> => {
  if (id === undefined) return ok(null);
  return findNamed(scope, 'payout', id).andThen(({ automatic }) =>
    automatic
      ? ok(null)
      : err(
          refused(
            'Balance transaction history can only be filtered on automatic transfers, not manual.',
            undefined,
            'payout',
          ),
        ),
  );
};

export const updatePayout = (
  scope: Scope,
  id: string,
  metadata: Record<string, string> | null | undefined,
): Result<Stripe.Payout, Failure> =>
  find(scope, 'payout', id).map((payout) => {
    const updated = { ...payout, metadata: mergeMetadata(payout.metadata ?? {}, metadata) };
    saveChange(scope, updated, 'payout.updated', { metadata: payout.metadata });
    return updated;
  });

/** Calls a payout off that the bank does not have yet, and that was made by hand. */
export const cancelPayout = (scope: Scope, id: string): Result<Stripe.Payout, Failure> =>
  find(scope, 'payout', id).andThen((payout) => {
    if (payout.status !== 'pending' || payout.automatic) {
      return err(refused(`Payouts can only be canceled while they are pending; this one is ${payout.status}.`));
    }
    const canceled = {
      ...payout,
      failure_balance_transaction: recordPayoutCancel(scope, payout).id,
      status: 'canceled',
    };
    save(scope, canceled, 'payout.canceled');
    return ok(canceled);
  });

export const newPayout = (
  scope: Scope,
  amount: number,
  params: Omit<PayoutParams, 'amount'>,
  automatic: boolean,
): Stripe.Payout =>
  ({
    id: newId('po_'),
    object: 'payout',
    amount,
    application_fee: null,
    application_fee_amount: null,
    arrival_date: nextMidnight(scope.clock.nowS()),
    automatic,
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
    reconciliation_status: automatic ? 'in_progress' : 'not_applicable',
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
  if (payout.automatic) {
    const paid = { ...payout, status: 'paid', reconciliation_status: 'completed' as const };
    save(scope, paid, 'payout.paid', 'payout.reconciliation_completed');
  } else save(scope, { ...payout, status: 'paid' }, 'payout.paid');
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

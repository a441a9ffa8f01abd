/**
 * The rules of money, as one pure function.
 *
 * `commit` locks the rows that a batch of changes touches, hands their state to `decide`, and writes what it answers.
 * The changes are decided in turn, each on what the ones before it left. A refusal leaves nothing behind but its claim
 * and its reply, and never touches a neighbour.
 */
import { err, ok, Result } from 'neverthrow';
import { isStored, paymentError, type PaymentError } from '../error.ts';
import type { Account } from './account.ts';
import type {
  Applied,
  Change,
  Claim,
  Customer,
  Effect,
  Event,
  Item,
  PaymentStep,
  Reply,
  Settlement,
} from './change.ts';
import type { AccountId, CustomerId, MerchantId, PaymentId } from './ids.ts';
import { CONFIRMABLE, type Attempt, type ClaimId, type Payment } from './payment.ts';
import type { Micros } from './time.ts';
import { post, type PostedTransfer, type Transfer } from './transfer.ts';

/** A claim as the database has it; no reply while its request is still under way. */
export interface StoredClaim {
  readonly requestHash: string;
  readonly reply: Reply | null;
}

/** The rows that a batch touches, as they are under lock. */
export interface State {
  readonly claims: ReadonlyMap<ClaimId, StoredClaim>;
  /** Whose customer each is. */
  readonly customers: ReadonlyMap<CustomerId, MerchantId>;
  readonly payments: ReadonlyMap<PaymentId, Payment>;
  readonly accounts: ReadonlyMap<AccountId, Account>;
}

/** What a batch writes: each table once. */
export interface Writes {
  readonly customers: Customer[];
  readonly items: Item[];
  readonly claims: { readonly merchant: MerchantId; readonly claim: Claim; readonly reply: Reply | null }[];
  readonly answers: { readonly merchant: MerchantId; readonly claim: ClaimId; readonly reply: Reply }[];
  readonly newPayments: Payment[];
  readonly payments: Map<PaymentId, Payment>;
  readonly attempts: Attempt[];
  readonly settled: {
    readonly merchant: MerchantId;
    readonly payment: PaymentId;
    readonly attempt: number;
    readonly settlement: Settlement;
  }[];
  readonly accounts: Map<AccountId, Account>;
  readonly transfers: PostedTransfer[];
  readonly events: Event[];
}

export interface Decision {
  readonly outcomes: Result<Applied, PaymentError>[];
  readonly writes: Writes;
}

/** Decides each change of a batch, in order. Pure: neither `state` nor `changes` is touched. */
export const decide = (state: State, changes: readonly Change[], now: Micros): Decision => {
  const claims = new Map(state.claims);
  const writes: Writes = {
    customers: [],
    items: [],
    claims: [],
    answers: [],
    newPayments: [],
    payments: new Map(),
    attempts: [],
    settled: [],
    accounts: new Map(),
    transfers: [],
    events: [],
  };
  const outcomes = changes.map((change) => decideOne(state, claims, writes, change, now));
  return { outcomes, writes };
};

const decideOne = (
  state: State,
  claims: Map<ClaimId, StoredClaim>,
  writes: Writes,
  change: Change,
  now: Micros,
): Result<Applied, PaymentError> => {
  const { claim, merchant } = change;
  const taken = claim && claims.get(claim.id);
  if (claim && taken) return replay(taken, claim);

  const drafted = draft(state, writes, change, now);
  if (drafted.isOk() && drafted.value === 'settled before') return answerOfWinner(state, writes, claims, change);

  const result: Result<Effect, PaymentError> = drafted.map((done) => {
    if (done === 'settled before') return NOTHING;
    keep(writes, change, done);
    return done.effect;
  });
  if (result.isErr() && !isStored(result.error)) return err(result.error);

  const reply = change.reply?.(result) ?? null;
  if (claim) {
    claims.set(claim.id, { requestHash: claim.requestHash, reply });
    writes.claims.push({ merchant, claim, reply });
  }
  if (change.answers && reply) writes.answers.push({ merchant, claim: change.answers, reply });
  return result.map((effect) => ({ kind: 'done', effect, reply }));
};

/** The key is taken: by this very request, by one that still runs, or by another request altogether. */
const replay = (taken: StoredClaim, claim: Claim): Result<Applied, PaymentError> => {
  if (taken.requestHash !== claim.requestHash) return err(paymentError('idempotency_key_reused'));
  if (!taken.reply) return err(paymentError('idempotency_key_in_use', { retryAfterS: 1 }));
  return ok({ kind: 'replayed', reply: { ...taken.reply, replayed: true } });
};

/** Someone else has settled this attempt: what they answered is the answer. */
const answerOfWinner = (
  state: State,
  writes: Writes,
  claims: ReadonlyMap<ClaimId, StoredClaim>,
  change: Change,
): Result<Applied, PaymentError> => {
  const reply =
    writes.answers.find((answer) => answer.claim === change.answers)?.reply ??
    (change.answers && claims.get(change.answers)?.reply);
  if (reply) return ok({ kind: 'replayed', reply });
  const payment =
    change.payment?.kind === 'settle' ? (lookUp(state, writes, change.merchant, change.payment.payment) ?? null) : null;
  return ok({ kind: 'done', effect: { ...NOTHING, payment }, reply: null });
};

const NOTHING: Effect = { payment: null, transfers: [], results: [] };

/** What a change would do, not yet kept. */
interface Draft {
  readonly effect: Effect;
  readonly accounts: ReadonlyMap<AccountId, Account>;
}

const draft = (
  state: State,
  writes: Writes,
  change: Change,
  now: Micros,
): Result<Draft | 'settled before', PaymentError> => {
  const stepped: Result<Payment | null | 'settled before', PaymentError> = change.payment
    ? step(state, writes, change.merchant, change.payment)
    : ok(null);
  return stepped.andThen((payment): Result<Draft | 'settled before', PaymentError> => {
    if (payment === 'settled before') return ok(payment);
    return move(state, writes, change, now).map(({ transfers, results, accounts }) => ({
      effect: { payment, transfers, results },
      accounts,
    }));
  });
};

const lookUp = (state: State, writes: Writes, merchant: MerchantId, id: PaymentId): Payment | undefined => {
  const payment = writes.payments.get(id) ?? state.payments.get(id);
  return payment?.merchant === merchant ? payment : undefined;
};

/** The payment as it is after a step, if it may take it. */
const step = (
  state: State,
  writes: Writes,
  merchant: MerchantId,
  wanted: PaymentStep,
): Result<Payment | 'settled before', PaymentError> => {
  switch (wanted.kind) {
    case 'create':
      return state.customers.get(wanted.payment.customer) === merchant
        ? ok(wanted.payment)
        : err(paymentError('customer_not_found', { param: 'customer' }));
    case 'begin': {
      const payment = lookUp(state, writes, merchant, wanted.attempt.payment);
      if (!payment) return err(paymentError('payment_not_found'));
      const { number, paymentMethod } = wanted.attempt;
      if (!CONFIRMABLE.includes(payment.status) || payment.attempt !== number - 1)
        return err(paymentError('payment_not_confirmable', { payment: payment.id }));
      return ok({
        ...payment,
        status: 'processing',
        attempt: number,
        paymentMethod,
        nextAction: null,
        lastError: null,
      });
    }
    case 'settle': {
      const payment = lookUp(state, writes, merchant, wanted.payment);
      if (!payment) return err(paymentError('payment_not_found'));
      if (payment.status !== 'processing' || payment.attempt !== wanted.attempt) return ok('settled before');
      const { status, amountCaptured, intent, nextAction, lastError } = wanted.settlement;
      return ok({ ...payment, status, amountCaptured, intent: intent ?? payment.intent, nextAction, lastError });
    }
  }
};

interface Moved {
  readonly transfers: PostedTransfer[];
  readonly results: Result<PostedTransfer, PaymentError>[];
  readonly accounts: Map<AccountId, Account>;
}

/** Posts a change's transfers one after the other: all or none, or each by itself. */
const move = (state: State, writes: Writes, change: Change, now: Micros): Result<Moved, PaymentError> => {
  const moved: Moved = { transfers: [], results: [], accounts: new Map() };
  const wanted = change.transfers ?? [];

  const find = (id: AccountId, param: string): Result<Account, PaymentError> => {
    const account = moved.accounts.get(id) ?? writes.accounts.get(id) ?? state.accounts.get(id);
    return account?.merchant === change.merchant ? ok(account) : err(paymentError('account_not_found', { param }));
  };
  const postOne = (transfer: Transfer): Result<PostedTransfer, PaymentError> =>
    find(transfer.debit, 'from').andThen((from) =>
      find(transfer.credit, 'to').andThen((to) =>
        post(transfer, from, to, now).map((posting) => {
          moved.accounts.set(posting.debit.id, posting.debit).set(posting.credit.id, posting.credit);
          moved.transfers.push(posting.transfer);
          return posting.transfer;
        }),
      ),
    );

  for (const [index, transfer] of wanted.entries()) {
    const result = postOne(transfer);
    if (change.bulk === 'independent') moved.results.push(result);
    else if (result.isErr()) return err(change.bulk ? within(result.error, index) : result.error);
  }
  return ok(moved);
};

const within = (error: PaymentError, index: number): PaymentError => ({
  ...error,
  param: `transfers[${String(index)}]${error.param ? `.${error.param}` : ''}`,
});

const keep = (writes: Writes, change: Change, { effect, accounts }: Draft): void => {
  const { merchant, payment: wanted } = change;
  if (change.customer) writes.customers.push(change.customer);
  if (change.item) writes.items.push(change.item);
  if (wanted && effect.payment) {
    if (wanted.kind === 'create') writes.newPayments.push(effect.payment);
    else writes.payments.set(effect.payment.id, effect.payment);
    if (wanted.kind !== 'settle' && wanted.attempt) writes.attempts.push(wanted.attempt);
    if (wanted.kind === 'settle') {
      const { payment, attempt, settlement } = wanted;
      writes.settled.push({ merchant, payment, attempt, settlement });
    }
  }
  for (const account of accounts.values()) writes.accounts.set(account.id, account);
  writes.transfers.push(...effect.transfers);
  if (change.events) writes.events.push(...change.events(effect));
};

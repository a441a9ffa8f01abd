/**
 * The rules of money, as one pure function.
 *
 * `commit` locks the rows that a batch of changes touches, hands their state to `decide`, and writes what it answers.
 * The changes are decided in turn, each on what the ones before it left. A refusal leaves nothing behind but its claim
 * and its reply, and never touches a neighbour.
 */
import { err, ok, Result } from 'neverthrow';
import { ERROR_CODES, isStored, paymentError, type PaymentError } from '../error.ts';
import type { Account } from './account.ts';
import type { Contradiction } from './contradiction.ts';
import { shareKey } from './balance.ts';
import {
  expected,
  type Answer,
  type Applied,
  type Change,
  type Effect,
  type Item,
  type PaymentStep,
  type Reply,
} from './change.ts';
import { idAt, type AccountId, type CustomerId, type MerchantId } from './ids.ts';
import { applyTransition } from './lifecycle.ts';
import { move } from './move.ts';
import type { ClaimId, Refund } from './payment.ts';
import { balancePostings, payoutPostings } from './postings.ts';
import { answerOfReply, keptError, methodView } from './reply.ts';
import { methodOf, applySavedStep, type SavedStep, type SavedStepped } from './saved.ts';
import { applySetupStep, type SetupStepped } from './setup.ts';
import { concernsSecond, type Stepped, type Subject } from './step.ts';
import { replay, type StoredClaim } from './stored-claim.ts';
import type { Decision, State, Writes } from './state.ts';
import { MADE_WITHIN_MS, type Micros } from './time.ts';
import type { Transfer } from './transfer.ts';

/** Decides each change of a batch, in order. Pure: neither `state` nor `changes` is touched. */
export const decide = (state: State, changes: readonly Change[], now: Micros): Decision => {
  const claims = new Map(state.claims);
  const writes: Writes = {
    customers: [],
    holders: new Map(),
    newHolders: new Set(),
    methods: new Map(),
    setups: new Map(),
    items: [],
    claims: [],
    answers: [],
    newPayments: [],
    payments: new Map(),
    updated: new Set(),
    attempts: [],
    settled: [],
    refunds: new Map(),
    disputes: new Map(),
    seconds: new Map(),
    intents: [],
    contradictions: [],
    accounts: new Map(),
    transfers: [],
    balance: new Map(),
    payouts: new Map(),
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
  if (claim && taken) return replay(taken, claim, change.refusals ?? ERROR_CODES, now);

  if (isTooLate(change, now))
    return err(
      paymentError('database_unavailable', { message: 'The database did not take it in time.', retryAfterS: 1 }),
    );
  // Here, and not by a constraint: it would refuse the batch, and with it everyone who shares it.
  if (change.item && isTaken(state, writes, change.item)) return err(paymentError('item_exists'));

  const drafted = draft(state, writes, change, now).mapErr((error) => expected(change, error));
  const result: Result<Effect, PaymentError> = drafted.map((done) => {
    if (done === 'posted before') return NOTHING;
    keep(state, writes, change, done, now);
    return done.effect;
  });
  if (result.isErr() && !isStored(result.error)) return err(result.error);

  // Someone else has settled this attempt: what they answered is the answer.
  const earlier =
    writes.answers.find((one) => one.claim === change.answers)?.reply ??
    (change.answers && claims.get(change.answers)?.reply);
  if (earlier) return ok({ kind: 'replayed', answer: answerOfReply(earlier, change.refusals ?? ERROR_CODES) });

  const given = result.match(
    (effect): Answer | null => change.answer?.(effect)?.mapErr((error) => expected(change, error)) ?? null,
    (error): Answer => err(error),
  );
  const answer = given?.mapErr((error) => keptError(error, change.requestId ?? '')) ?? null;
  const reply =
    answer?.match(
      (success) => bytesOf(success),
      ({ kept }) => bytesOf(kept),
    ) ?? null;
  if (claim) {
    claims.set(claim.id, { requestHash: claim.requestHash, reply });
    writes.claims.push({ merchant, claim, reply });
  }
  if (change.answers && reply) writes.answers.push({ merchant, claim: change.answers, reply });
  if (result.isErr()) return err(answer?.isErr() ? answer.error : result.error);
  return ok({ kind: 'done', effect: result.value, answer });
};

/** Who reads lists from page to page has passed by where it would stand. */
const isTooLate = ({ payment: step }: Change, now: Micros): boolean => {
  const made = step?.kind === 'create' ? step.payment : step?.kind === 'refund' ? step.refund : undefined;
  return made !== undefined && now - made.createdAt > BigInt(MADE_WITHIN_MS) * 1000n;
};

/** What is kept under a claim: it will be answered to whoever made the claim, and to nobody else. */
const bytesOf = ({ status, body }: Reply): Reply<never> => ({ status, body });

const isTaken = (state: State, writes: Writes, { merchant, id }: Item): boolean =>
  state.items.has(merchant + id) || writes.items.some((item) => item.merchant === merchant && item.id === id);

const NOTHING: Effect = {
  payment: null,
  attempt: null,
  holder: null,
  method: null,
  setup: null,
  refund: null,
  dispute: null,
  second: null,
  isNews: false,
  transfers: [],
  results: [],
};

/** What a change would do, not yet kept. */
interface Draft {
  readonly effect: Effect;
  readonly accounts: ReadonlyMap<AccountId, Account>;
  readonly contradictions: readonly Contradiction[];
  readonly methodNews: SavedStepped['news'];
}

const draft = (
  state: State,
  writes: Writes,
  change: Change,
  now: Micros,
): Result<Draft | 'posted before', PaymentError> => {
  const stepped: Result<Stepped | null, PaymentError> = change.payment
    ? applyTransition(find(state, writes, change), change.payment)
    : ok(null);
  const setup: Result<SetupStepped | null, PaymentError> = change.setup
    ? applySetupStep(
        {
          ownsCustomer: ownerOf(state, change.setup.setup.customer) === change.merchant,
          setup: ofMerchant(change.merchant, stored(state.setups, writes.setups, change.setup.setup.id)),
        },
        change.setup,
        now,
      )
    : ok(null);
  const saved = save(state, writes, change, now);
  const told = toldBy(state, writes, change);
  return Result.combine([stepped, setup, saved]).andThen(
    ([step, set, kept]): Result<Draft | 'posted before', PaymentError> => {
      if (told === 'posted before') return ok('posted before');
      return move(state, writes, change, [...(step?.transfers ?? []), ...told], step?.hold ?? null, now).map(
        ({ transfers, results, accounts }) => ({
          effect: {
            payment: step?.payment ?? null,
            attempt: step?.attempt ?? null,
            holder: kept?.holder ?? null,
            method: kept?.method ?? null,
            setup: set?.setup ?? null,
            refund: step?.refund ?? null,
            dispute: step?.dispute ?? null,
            second: step?.second ?? null,
            isNews: (step?.isNews ?? false) || (set?.isNews ?? false),
            transfers,
            results,
          },
          accounts,
          contradictions: step?.contradictions ?? [],
          methodNews: kept?.news ?? null,
        }),
      );
    },
  );
};

const stored = <Key, Row>(before: ReadonlyMap<Key, Row>, after: ReadonlyMap<Key, Row>, key: Key): Row | undefined =>
  after.get(key) ?? before.get(key);

const ofMerchant = <Row extends { readonly merchant: MerchantId }>(
  merchant: MerchantId,
  row: Row | undefined,
): Row | undefined => (row?.merchant === merchant ? row : undefined);

const ownerOf = (state: State, customer: CustomerId): MerchantId | undefined => state.customers.get(customer)?.merchant;

/** What a change keeps of a payment method: what it asks for, or what Stripe shows to have been kept by what it tells. */
export const savedOf = ({ saved, setup, payment: step }: Change): SavedStep | undefined => {
  if (saved) return saved;
  const found = step?.kind === 'settle' ? step.settlement.found : step?.kind === 'observe' ? step.found : undefined;
  const method = (setup && setup.kind !== 'try' ? setup.found.method : null) ?? found?.method;
  const customer = setup?.setup.customer ?? step?.payment.customer;
  // One that is nobody's was tried, and not kept.
  return method && customer && method.holder !== null
    ? { kind: 'keep', customer, found: method, isDefault: false }
    : undefined;
};

const save = (state: State, writes: Writes, change: Change, now: Micros): Result<SavedStepped | null, PaymentError> => {
  const step = savedOf(change);
  if (!step) return ok(null);
  const { merchant } = change;
  const subject = {
    ownsCustomer: ownerOf(state, step.customer) === merchant,
    holder: ofMerchant(merchant, stored(state.holders, writes.holders, step.customer)),
    method: ofMerchant(merchant, stored(state.methods, writes.methods, methodOf(step) ?? '')),
  };
  return applySavedStep(merchant, subject, step, now);
};

/** What Stripe's balance has to post, if it is new. */
const toldBy = (state: State, writes: Writes, { balance, payout }: Change): Transfer[] | 'posted before' => {
  if (balance)
    return state.balance.has(balance.id) || writes.balance.has(balance.id) ? 'posted before' : balancePostings(balance);
  if (!payout) return [];
  const key = shareKey(payout);
  return payoutPostings(payout, writes.payouts.get(key) ?? state.payouts.get(key));
};

/** What a step is about, as the changes before it in the batch have left it. */
const find = (state: State, writes: Writes, { merchant, payment: step }: Change): Subject => {
  const own = <T extends { readonly merchant: MerchantId }>(row: T | undefined): T | undefined =>
    row?.merchant === merchant ? row : undefined;
  const id = step?.payment.id;
  const refund = step?.kind === 'settle refund' ? step.refund : undefined;
  const atStripe = step?.kind === 'settle refund' ? step.settlement.found?.stripeId : undefined;
  const dispute = step?.kind === 'dispute' ? step.found.stripeId : undefined;
  const second = step && secondOf(step);
  return {
    customer: step && own(state.customers.get(step.payment.customer)),
    payment: id && own(writes.payments.get(id) ?? state.payments.get(id)),
    refund: refund && own(writes.refunds.get(refund) ?? state.refunds.get(refund)),
    refundParts: (step?.kind === 'refund' ? state.refundParts.get(step.payment.id) : undefined) ?? 0,
    sameRefund: atStripe === undefined ? undefined : own(refundOfStripe(state, writes, atStripe)),
    dispute: dispute === undefined ? undefined : own(writes.disputes.get(dispute) ?? state.disputes.get(dispute)),
    second: second === undefined ? undefined : own(writes.seconds.get(second) ?? state.seconds.get(second)),
    owner: step?.kind === 'observe' ? state.owners.get(step.found.intent) : undefined,
  };
};

const refundOfStripe = (state: State, writes: Writes, stripeId: string): Refund | undefined => {
  const isIt = (refund: Refund): boolean => refund.stripeId === stripeId;
  const stored = state.refunds.values().find(isIt);
  return writes.refunds.values().find(isIt) ?? (stored && (writes.refunds.get(stored.id) ?? stored));
};

/** The PaymentIntent that a step is about, where it may be another than the payment's own. */
export const secondOf = (step: PaymentStep): string | undefined => {
  const intent =
    step.kind === 'settle' || step.kind === 'settle refund'
      ? step.settlement.found?.intent
      : step.kind === 'observe' || step.kind === 'dispute' || step.kind === 'return'
        ? step.found.intent
        : undefined;
  return intent && concernsSecond(step.payment, intent) ? intent : undefined;
};

const keep = (
  state: State,
  writes: Writes,
  change: Change,
  { effect, accounts, contradictions, methodNews }: Draft,
  now: Micros,
): void => {
  const { merchant, payment: wanted } = change;
  const before = wanted && (writes.payments.get(wanted.payment.id) ?? state.payments.get(wanted.payment.id));
  if (change.customer) writes.customers.push(change.customer);
  if (effect.holder && !state.holders.has(effect.holder.customer)) writes.newHolders.add(effect.holder.customer);
  keepSaved(writes, effect, methodNews, now);
  if (change.item) writes.items.push(change.item);
  if (wanted && effect.payment) {
    if (wanted.kind === 'create') writes.newPayments.push(effect.payment);
    else if (effect.payment !== before) writes.payments.set(effect.payment.id, effect.payment);
    if (wanted.kind === 'update') writes.updated.add(effect.payment.id);
    if (effect.payment.intent !== null && effect.payment.intent !== (before?.intent ?? null))
      writes.intents.push({ merchant, payment: effect.payment.id, intent: effect.payment.intent });
    if (effect.second) writes.intents.push({ merchant, payment: effect.payment.id, intent: effect.second.intent });
    if (effect.attempt) writes.attempts.push(effect.attempt);
    const closed = closedBy(merchant, wanted);
    // The first to say so: the others find it settled.
    if (closed && !writes.settled.some(({ attempt }) => attempt === closed.attempt)) writes.settled.push(closed);
  }
  if (effect.refund) writes.refunds.set(effect.refund.id, effect.refund);
  if (effect.dispute) writes.disputes.set(effect.dispute.stripeId, effect.dispute);
  if (effect.second) writes.seconds.set(effect.second.intent, effect.second);
  writes.contradictions.push(...contradictions);
  if (change.balance) writes.balance.set(change.balance.id, change.balance);
  if (change.payout) writes.payouts.set(shareKey(change.payout), change.payout);
  for (const account of accounts.values()) writes.accounts.set(account.id, account);
  writes.transfers.push(...effect.transfers);
  if (change.events && effect.isNews) writes.events.push(...change.events(effect, now));
};

const keepSaved = (
  writes: Writes,
  { holder, method, setup }: Effect,
  news: SavedStepped['news'],
  now: Micros,
): void => {
  if (holder) writes.holders.set(holder.customer, holder);
  if (method) writes.methods.set(method.id, method);
  if (setup) writes.setups.set(setup.id, setup);
  if (method && news)
    writes.events.push({
      merchant: method.merchant,
      id: idAt('evt', `${method.id} ${news}`, now),
      type: news,
      subject: method.id,
      data: JSON.stringify(methodView(method, holder)),
    });
};

/** The attempt that a step settles, and how. */
const closedBy = (merchant: MerchantId, step: PaymentStep): Writes['settled'][number] | null => {
  if (step.kind === 'settle') {
    const { outcome, stripeRequestId } = step.settlement;
    return { merchant, attempt: step.attempt, outcome, stripeRequestId };
  }
  if (step.kind === 'settle refund' && step.attempt)
    return {
      merchant,
      attempt: step.attempt,
      outcome: step.settlement.found && step.settlement.found.status !== 'failed' ? 'succeeded' : 'failed',
      stripeRequestId: step.settlement.stripeRequestId,
    };
  return null;
};

/**
 * The first half of a commit's SQL: the state that a batch of changes touches is read under lock.
 *
 * Lock order: payments, then what customers have saved, then accounts, then claims, each sorted by merchant and id.
 * Two processes that touch the same rows meet at the first of them, and none waits for the other in a circle.
 */
import { sql, type Selectable } from 'kysely';
import { ownerOf } from '../domain/account.ts';
import { shareKey, type PayoutShare, type PayoutStatus } from '../domain/balance.ts';
import type { Change } from '../domain/change.ts';
import type { State } from '../domain/state.ts';
import {
  idOf,
  uuidOf,
  type AccountId,
  type CustomerId,
  type MerchantId,
  type PaymentId,
  type TransferId,
} from '../domain/ids.ts';
import { accountsOf } from '../domain/lifecycle.ts';
import type { ClaimId } from '../domain/payment.ts';
import { balancePostings, payoutPostings } from '../domain/postings.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { REVERSALS_MAX, type Transfer } from '../domain/transfer.ts';
import { plain, texts } from './arrays.ts';
import { keyed } from './find.ts';
import { CLAIM_COLUMNS, storedClaimOf, withAttempt, type ClaimRow } from './claims.ts';
import { accountOf } from './tables/ledger.ts';
import { disputeOf } from './tables/disputes.ts';
import { paymentOf } from './tables/payments.ts';
import { refundOf } from './tables/refunds.ts';
import { lockHolders, lockSetups, readMethods } from './saved.ts';
import type { DB } from './schema.ts';
import { sorted, uuidText } from './sorted.ts';
import { countRefunds, readDisputes, readRefunds, readReversals, readSeconds } from './state-refunds.ts';
import type { Flight } from './transaction.ts';

/**
 * What all of them answer, or the first error, once every one has ended: Kysely sends ROLLBACK as soon as we fail, and
 * a statement that is sent after it would stand outside the transaction, and stay.
 */
const allOf = async <T extends readonly unknown[] | []>(
  statements: T,
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> => {
  await Promise.allSettled(statements);
  return Promise.all(statements);
};

/** Locks the rows that these changes touch and reads them. */
export const readState = async (flight: Flight, changes: readonly Change[], now: Micros): Promise<State> => {
  const legs = legsOf(changes);
  // All of them leave in one flight, and run in this order.
  const [
    payments,
    saved,
    refundRows,
    refundParts,
    disputeRows,
    postedOf,
    seconds,
    owners,
    claims,
    items,
    customers,
    accounts,
    ...more
  ] = await allOf([
    lockPayments(flight, changes),
    readSaved(flight, changes),
    readRefunds(flight, changes),
    countRefunds(flight, changes),
    readDisputes(flight, changes),
    readReversals(flight, changes),
    readSeconds(flight, changes),
    readOwners(flight, changes),
    readClaims(flight, changes),
    readItems(flight, changes),
    readCustomers(flight, changes),
    lockAccounts(flight, legs),
    readReversed(flight, changes),
    readBalance(flight, changes),
    readPayouts(flight, changes),
  ]);
  const [reversed, ...told] = more;
  let [balance, payouts] = told;
  const missing = legs.filter(({ id: account }) => !accounts.has(account));
  if (missing.length > 0) {
    await openAccounts(flight, missing, now);
    for (const [key, account] of await lockAccounts(flight, missing)) accounts.set(key, account);
    // Only now does nobody else post to them.
    [balance, payouts] = await allOf([readBalance(flight, changes), readPayouts(flight, changes)]);
  }
  const refunds = new Map(refundRows.map((row) => refundOf(row, postedOf)).map((refund) => [refund.id, refund]));
  const disputes = new Map(
    disputeRows.map((row) => disputeOf(row, postedOf)).map((dispute) => [dispute.stripeId, dispute]),
  );
  return {
    payments,
    ...saved,
    refunds,
    refundParts,
    disputes,
    seconds,
    owners,
    claims,
    items,
    customers,
    accounts,
    reversed,
    balance,
    payouts,
  };
};

interface Leg {
  readonly merchant: MerchantId;
  readonly id: AccountId;
  readonly currency: Transfer['currency'];
}

const legsOf = (changes: readonly Change[]): Leg[] => {
  const legs: Leg[] = [];
  for (const { merchant, payment: step, balance, payout, transfers } of changes) {
    const addBoth = ({ debit, credit, currency }: Transfer): void => {
      legs.push({ merchant, id: debit, currency }, { merchant, id: credit, currency });
    };
    if (step) for (const { account, currency } of accountsOf(step)) legs.push({ merchant, id: account, currency });
    transfers?.forEach(addBoth);
    if (balance) balancePostings(balance).forEach(addBoth);
    if (payout) bothWays(payout).forEach(addBoth);
  }
  return legs;
};

/** Of a share, whichever way it moves, and whatever it comes to. */
const bothWays = (share: PayoutShare): Transfer[] => {
  const paid = payoutPostings({ ...share, status: 'paid', amount: 1n }, undefined);
  return paid === 'posted before' ? [] : paid;
};

const accountsLocked = keyed('accounts', { isLocked: true });
const lockAccounts = async (
  flight: Flight,
  legs: readonly Leg[],
): Promise<Map<AccountId, ReturnType<typeof accountOf>>> => {
  if (legs.length === 0) return new Map();
  const { merchants, ids } = sorted(legs);
  const rows = await flight(accountsLocked(plain(merchants), plain(ids)));
  return new Map(rows.map(accountOf).map((account) => [account.id, account]));
};

/**
 * An account comes to be when it is first named, if it is a customer's wallet or one of the merchant's own. It begins at
 * the batch's time, and not at the database's, which we know to some milliseconds only: the first posting would be later
 * than what it is told of.
 */
const openAccounts = async (flight: Flight, legs: readonly Leg[], now: Micros): Promise<void> => {
  const distinct = new Map(legs.map((leg) => [leg.id, leg]));
  const wanted = [...distinct.values()]
    .map((leg) => ({ ...leg, ...ownerOf(leg.merchant, leg.id, leg.currency) }))
    .sort((a, b) => (a.id < b.id ? -1 : 1));
  await flight(sql`
    insert into accounts (merchant_id, id, kind, customer_id, currency, posted_at)
    select w.merchant_id, w.id, w.kind, w.customer_id, w.currency, ${toIsoMicros(now)}::timestamptz
    from unnest(
      ${plain(wanted.map(({ merchant }) => uuidOf(merchant)))}::uuid[], ${plain(wanted.map(({ id }) => uuidOf(id)))}::uuid[],
      ${texts(wanted.map(({ kind }) => kind))}::text[], ${plain(wanted.map(({ customer }) => customer && uuidOf(customer)))}::uuid[],
      ${texts(wanted.map(({ currency }) => currency))}::text[]
    ) w (merchant_id, id, kind, customer_id, currency)
    left join customers c on c.merchant_id = w.merchant_id and c.id = w.customer_id
    where w.customer_id is null or c.id is not null
    on conflict do nothing`);
};

const paymentsLocked = keyed('payments', { isLocked: true });
const lockPayments = async (flight: Flight, changes: readonly Change[]): Promise<State['payments']> => {
  const keys = changes.flatMap(({ merchant, payment: step }) =>
    step && step.kind !== 'create' ? [{ merchant, id: step.payment.id }] : [],
  );
  if (keys.length === 0) return new Map<PaymentId, never>();
  const { merchants, ids } = sorted(keys);
  const rows = await flight(paymentsLocked(plain(merchants), plain(ids)));
  return new Map(rows.map(paymentOf).map((payment) => [payment.id, payment]));
};

/** Where nothing that is saved is asked for, no statement is sent. */
const readSaved = async (
  flight: Flight,
  changes: readonly Change[],
): Promise<Pick<State, 'holders' | 'setups' | 'methods'>> => {
  const [holders, setups, methods] = await allOf([
    lockHolders(flight, changes),
    lockSetups(flight, changes),
    readMethods(flight, changes),
  ]);
  return { holders, setups, methods };
};

const readOwners = async (flight: Flight, changes: readonly Change[]): Promise<State['owners']> => {
  const intents = changes.flatMap(({ payment: step }) => (step?.kind === 'observe' ? [step.found.intent] : []));
  if (intents.length === 0) return new Map<string, never>();
  const rows = await flight(sql<Pick<Selectable<DB['intents']>, 'id' | 'payment_id'>>`
    select id, payment_id from intents where id = any(${texts(intents)}::text[])`);
  return new Map(rows.map((row) => [row.id, idOf('pay', row.payment_id)]));
};

/** Read after the accounts are locked: whoever has taken back some of them has committed by then. */
const readReversed = async (flight: Flight, changes: readonly Change[]): Promise<State['reversed']> => {
  const keys = changes.flatMap(({ merchant, transfers = [] }) =>
    transfers.flatMap(({ reverses }) => (reverses ? [{ merchant, id: reverses.transfer }] : [])),
  );
  if (keys.length === 0) return new Map<TransferId, never>();
  const { merchants, ids } = sorted(keys);
  const rows = await flight(sql<{ id: string; whole: bigint; taken: bigint; parts: number }>`
    select t.id, t.amount as whole, r.taken, r.parts
    from transfers t
    join unnest(${plain(merchants)}::uuid[], ${plain(ids)}::uuid[]) k (merchant_id, id) using (merchant_id, id)
    cross join lateral (
      select coalesce(sum(r.amount), 0)::bigint as taken, count(*)::int as parts
      from (select r.amount from transfers r where r.merchant_id = t.merchant_id and r.reverses = t.id
        limit ${REVERSALS_MAX}) r) r`);
  return new Map(rows.map(({ id, ...taken }) => [idOf('tr', id), taken]));
};

/** Read after the accounts are locked: whoever has posted one of them has committed by then. */
const readBalance = async (flight: Flight, changes: readonly Change[]): Promise<State['balance']> => {
  const keys = changes.flatMap(({ merchant, balance }) => (balance ? [{ merchant, id: balance.id }] : []));
  if (keys.length === 0) return new Set();
  const rows = await flight(sql<{ id: string }>`
    select b.id from balance_transactions b
    join unnest(${plain(keys.map(({ merchant }) => uuidOf(merchant)))}::uuid[], ${texts(keys.map(({ id }) => id))}::text[])
      k (merchant_id, id) using (merchant_id, id)`);
  return new Set(rows.map(({ id }) => id));
};

const readPayouts = async (flight: Flight, changes: readonly Change[]): Promise<State['payouts']> => {
  const shares = changes.flatMap(({ payout }) => (payout ? [payout] : []));
  if (shares.length === 0) return new Map();
  const rows = await flight(sql<Pick<Selectable<DB['payouts']>, 'merchant_id' | 'id' | 'status' | 'amount'>>`
    select p.merchant_id, p.id, p.status, p.amount from payouts p
    join unnest(${plain(shares.map(({ merchant }) => uuidOf(merchant)))}::uuid[],
      ${texts(shares.map(({ payout }) => payout))}::text[]) k (merchant_id, id) using (merchant_id, id)`);
  return new Map(
    rows.map((row) => [
      shareKey({ merchant: idOf('mer', row.merchant_id), payout: row.id }),
      { status: row.status as PayoutStatus, amount: row.amount },
    ]),
  );
};

/** Read after the payments are locked: whoever settled one of them has committed its reply by then. */
const readClaims = async (flight: Flight, changes: readonly Change[]): Promise<State['claims']> => {
  const keys = changes.flatMap(({ merchant, claim, answers }) => {
    const id = claim?.id ?? answers;
    return id === undefined ? [] : [{ merchant, id }];
  });
  if (keys.length === 0) return new Map<ClaimId, never>();
  const { merchants, ids } = sorted(keys);
  // Who settles an attempt knows it.
  const claimed = new Set(changes.flatMap(({ claim }) => (claim ? [uuidText(claim.id)] : [])));
  const rows = await flight(sql<ClaimRow>`
    select ${CLAIM_COLUMNS} from claims c
    join unnest(${plain(merchants)}::uuid[], ${plain(ids)}::uuid[], ${plain(ids.map((id) => claimed.has(id)))}::bool[])
      k (merchant_id, id, is_claimed) on k.merchant_id = c.merchant_id and k.id = c.id ${withAttempt(sql`k.is_claimed`)}`);
  return new Map(rows.map((row) => [row.id.replaceAll('-', '') as ClaimId, storedClaimOf(row)]));
};

/** Not locked: where two processes make one at once, the later is run again, and finds it. */
const readItems = async (flight: Flight, changes: readonly Change[]): Promise<State['items']> => {
  const wanted = changes.flatMap(({ item }) => (item ? [item] : []));
  if (wanted.length === 0) return new Set();
  const rows = await flight(sql<Pick<Selectable<DB['items']>, 'merchant_id' | 'id'>>`
    select i.merchant_id, i.id from items i
    join unnest(${plain(wanted.map(({ merchant }) => uuidOf(merchant)))}::uuid[], ${texts(wanted.map(({ id }) => id))}::text[])
      k (merchant_id, id) using (merchant_id, id)`);
  return new Set(rows.map((row) => idOf('mer', row.merchant_id) + row.id));
};

const readCustomers = async (flight: Flight, changes: readonly Change[]): Promise<State['customers']> => {
  const keys = changes.flatMap(({ merchant, payment, saved, setup }) => {
    const named = [
      payment?.kind === 'create' ? payment.payment : undefined,
      saved?.kind === 'ask' ? saved : undefined,
      setup?.kind === 'create' || setup?.kind === 'try' ? setup.setup : undefined,
    ];
    return named.flatMap((of) => (of ? [{ merchant, id: of.customer }] : []));
  });
  if (keys.length === 0) return new Map<CustomerId, never>();
  const { merchants, ids } = sorted(keys);
  type Row = Pick<Selectable<DB['customers']>, 'merchant_id' | 'id'>;
  type Held = { [Column in 'stripe_id' | 'default_method']: Selectable<DB['stripe_customers']>[Column] | null };
  const rows = await flight(sql<Row & Held>`
    select c.merchant_id, c.id, s.stripe_id, s.default_method from customers c
    join unnest(${plain(merchants)}::uuid[], ${plain(ids)}::uuid[]) k (merchant_id, id) using (merchant_id, id)
    left join stripe_customers s using (merchant_id, id)
    where c.erased_at is null`);
  return new Map(
    rows.map((row) => [
      idOf('cus', row.id),
      { merchant: idOf('mer', row.merchant_id), stripeId: row.stripe_id, defaultMethod: row.default_method },
    ]),
  );
};

/** Stripe's balance, line by line, and what was paid out of it. */
import type pg from 'pg';
import { isPending, TAG, type Intent, type Payout } from './at-stripe.ts';
import { rowsOf } from './books.ts';
import type { Violation } from './rules.ts';

interface BalanceRow {
  readonly id: string;
  readonly payment: string;
  readonly gross: string;
  readonly fee: string;
  readonly currency: string;
  readonly payout: string | null;
}

export const compareBalance = async (
  db: pg.Client,
  { intents, payouts }: { readonly intents: readonly Intent[]; readonly payouts: readonly Payout[] },
  isRead: boolean,
): Promise<Violation[]> => {
  const rows = await rowsOf<BalanceRow>(
    db,
    `select id, 'pay_' || replace(payment_id::text, '-', '') as payment, gross, fee, currency, payout
     from balance_transactions`,
  );
  const split = new Set(
    (await rowsOf<{ id: string }>(db, `select id from stripe_payouts where outcome in ('paid', 'failed')`)).map(
      ({ id }) => id,
    ),
  );
  const lines = new Map(
    intents.flatMap((intent) =>
      intent.balance.map((line) => [line.id, { line, intent, metadata: intent.metadata }] as const),
    ),
  );
  const here = new Set(rows.map(({ id }) => id));
  const violations = rows.flatMap((row): Violation[] => {
    const found = lines.get(row.id);
    if (!found) return [{ rule: 'balance_differs', subject: row.payment, detail: `Stripe has no ${row.id} of it` }];
    const { line, metadata } = found;
    const differs: Violation[] = [];
    const there = [metadata[TAG], String(line.gross), String(line.fee), line.currency].join(' ');
    const known = [row.payment, row.gross, row.fee, row.currency].join(' ');
    if (there !== known)
      differs.push({ rule: 'balance_differs', subject: row.id, detail: `${known} here, ${there} at Stripe` });
    if (line.payout !== null && split.has(line.payout) && line.payout !== row.payout)
      differs.push({
        rule: 'payouts_differ',
        subject: row.id,
        detail: `in ${row.payout ?? 'no payout'} here, in ${line.payout} at Stripe`,
      });
    return differs;
  });
  violations.push(...(await comparePayouts(db, intents, payouts, isRead)));
  if (!isRead) return violations;
  for (const [id, { line, intent, metadata }] of lines)
    if (metadata[TAG] !== undefined && !here.has(id) && !isPending(intent, line))
      violations.push({ rule: 'balance_differs', subject: metadata[TAG], detail: `${id} is not here` });
  return [...violations, ...(await rowsOf<Omit<Violation, 'rule'>>(db, CLEARING)).map(ofClearing)];
};

/** Nets that were posted, less what was paid out. */
const CLEARING = `
  with parts as (
    select merchant_id, currency, gross - fee as owed from balance_transactions
    union all
    select merchant_id, currency, -amount from payouts where status = 'paid'
    union all
    select merchant_id, currency, credits - debits from accounts where kind = 'stripe_clearing')
  select currency || ' of ' || merchant_id as subject, 'it is off by ' || sum(owed) as detail
  from parts group by merchant_id, currency having sum(owed) <> 0`;
const ofClearing = (row: Omit<Violation, 'rule'>): Violation => ({ rule: 'clearing_differs', ...row });

/** Each payout's shares come to what its transactions of payments here do; each share is of a payout that there is. */
const comparePayouts = async (
  db: pg.Client,
  intents: readonly Intent[],
  payouts: readonly Payout[],
  isRead: boolean,
): Promise<Violation[]> => {
  const shares = await rowsOf<{ id: string; currency: string; status: string; amount: string }>(
    db,
    `select id, currency, status, sum(amount)::text as amount from payouts group by 1, 2, 3`,
  );
  // A payout that came back is part of the next, whose lines do not show it.
  const returned = new Set(
    (
      await rowsOf<{ id: string }>(db, 'select distinct returned_in as id from payouts where returned_in is not null')
    ).map(({ id }) => id),
  );
  const outcomes = new Map(
    (await rowsOf<{ id: string; outcome: string | null }>(db, 'select id, outcome from stripe_payouts')).map(
      ({ id, outcome }) => [id, outcome],
    ),
  );
  const owed = new Map<string, bigint>();
  for (const { metadata, balance } of intents)
    if (metadata[TAG] !== undefined)
      for (const { payout, gross, fee } of balance)
        if (payout !== null) owed.set(payout, (owed.get(payout) ?? 0n) + BigInt(gross - fee));
  const here = new Map(shares.map((share) => [share.id, share]));
  const there = new Map(payouts.map((payout) => [payout.id, payout]));
  const differs = (subject: string, detail: string): Violation => ({ rule: 'payouts_differ', subject, detail });
  return [
    ...shares.flatMap(({ id, currency, status, amount }): Violation[] => {
      const payout = there.get(id);
      if (!payout) return [differs(id, `Stripe has no such payout, and ${amount} ${currency} of it are here`)];
      if (payout.currency !== currency || (status === 'paid') !== (payout.status === 'paid'))
        return [differs(id, `${status} in ${currency} here, ${payout.status} in ${payout.currency} there`)];
      // Made by hand, it is one merchant's: all of it.
      if (!payout.automatic)
        return status === 'paid' && BigInt(payout.amount) !== BigInt(amount)
          ? [differs(id, `${amount} here, ${payout.amount} there`)]
          : [];
      const sum = owed.get(id) ?? 0n;
      return status === 'paid' && !returned.has(id) && sum !== BigInt(amount)
        ? [differs(id, `shares of ${amount}, and its transactions at Stripe come to ${sum}`)]
        : [];
    }),
    ...payouts.flatMap(({ id, status, automatic }): Violation[] => {
      const isDue = automatic && status === 'paid' && owed.has(id) && (isRead || outcomes.get(id) === 'paid');
      return isDue && !here.has(id) ? [differs(id, 'it was paid, and no share of it is here')] : [];
    }),
  ];
};

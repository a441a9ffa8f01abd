/**
 * Beside the release before, 6f3732d, on one database. What it would have written is made of what this version wrote:
 * its ids of refunds and disputes follow from Stripe's alone, its postings have ids that follow from those, and it leaves
 * the columns of this version as they are.
 */
import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { eventually, movableClock, stripeAt, type StripeObject } from '../support/stripe.ts';
import { payFor, startWorld } from '../support/service.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, createCustomer, balanceOf, query } = world;
const stripe = stripeAt(world.sandbox.url);

const earlierId = (stripeId: string): string => createHash('sha256').update(stripeId).digest('hex').slice(0, 32);
const secondId = (id: string): string => id.slice(0, -1) + (Number.parseInt(id.slice(-1), 16) ^ 1).toString(16);

interface Paid {
  readonly id: string;
  readonly uuid: string;
  readonly customer: string;
  readonly intent: string;
}
const pay = async (card = 'pm_card_visa'): Promise<Paid> => {
  const customer = await createCustomer();
  const { id } = (await post('/v1/payments', payFor(customer, 700, { payment_method: card }))).body;
  const [row] = await query<{ intent: string }>('select intent from payments where id = $1', [id.slice(4)]);
  return { id, uuid: id.slice(4), customer, intent: row!.intent };
};
const postedOf = async ({ uuid }: Paid): Promise<string[]> =>
  (
    await query<{ kind: string }>(
      "select kind from transfers where payment_id = $1 and kind <> 'fee' order by posted_at",
      [uuid],
    )
  ).map(({ kind }) => kind);
/** Of disputes or refunds. */
const rowsOf = (table: 'disputes' | 'refunds', { uuid }: Paid): Promise<{ status: string }[]> =>
  query(`select status from ${table} where payment_id = $1`, [uuid]);
const becomes = (table: 'disputes' | 'refunds', paid: Paid, status: string): Promise<unknown> =>
  eventually(
    () => rowsOf(table, paid),
    ([first]) => first?.status === status,
  );
/** All that Stripe has told is applied. */
const isQuiet = (): Promise<unknown> =>
  eventually(
    async () => [
      (await stripe.events()).length,
      Number((await query<{ n: string }>('select count(*) as n from stripe_events'))[0]!.n),
      Number((await query<{ n: string }>('select count(*) as n from stripe_events where applied_at is null'))[0]!.n),
    ],
    ([there, here, open]) => there === here && open === 0,
  );
const touch = async (path: string): Promise<void> => {
  await stripe.post(path, { 'metadata[looked_at]': 'again' });
  await isQuiet();
};

const disputed = async (): Promise<Paid & { readonly dispute: string }> => {
  const paid = await pay('pm_card_createDispute');
  const find = async (): Promise<StripeObject | undefined> =>
    (await stripe.get(`/v1/disputes?payment_intent=${paid.intent}`)).data[0];
  const dispute = await eventually(find, (found) => found !== undefined);
  await becomes('disputes', paid, 'open');
  return { ...paid, dispute: dispute!.id };
};
const decide = async (dispute: string, evidence: string): Promise<void> => {
  await stripe.post(`/v1/disputes/${dispute}`, { 'evidence[uncategorized_text]': evidence });
  await clock.advance(world.sandbox.url, 2);
};
/** At once, and while nothing is applied: who saw the one without the other would post it anew. */
const openedEarlier = async ({ uuid, dispute }: Paid & { readonly dispute: string }): Promise<void> => {
  await isQuiet();
  await query(
    `with opened as (update transfers set id = $2 where payment_id = $1 and kind = 'dispute_opened')
     update disputes set id = $2, withdrawn = 0, reinstated = 0, lost = 0, turns = 0, lines = '{}' where payment_id = $1`,
    [uuid, earlierId(dispute)],
  );
};

describe('a dispute that the release before has opened', () => {
  it('is won once, in one row, and what was withdrawn is not withdrawn again', async () => {
    const one = await disputed();
    await openedEarlier(one);
    await touch(`/v1/disputes/${one.dispute}`);
    expect(await postedOf(one)).toEqual(['payment', 'dispute_opened']);
    await decide(one.dispute, 'winning_evidence');
    await becomes('disputes', one, 'won');
    expect(await postedOf(one)).toEqual(['payment', 'dispute_opened', 'dispute_reinstated']);
    expect(await rowsOf('disputes', one)).toHaveLength(1);
    expect(await balanceOf(one.customer)).toBe(700);
  });

  it('is lost once', async () => {
    const one = await disputed();
    await openedEarlier(one);
    await decide(one.dispute, 'losing_evidence');
    await becomes('disputes', one, 'lost');
    expect(await postedOf(one)).toEqual(['payment', 'dispute_opened', 'dispute_lost']);
    expect(await balanceOf(one.customer)).toBe(0);
  });

  it.each([
    ['won', 'winning_evidence', 'dispute_reinstated', 'dispute_won', 700],
    ['lost', 'losing_evidence', 'dispute_lost', 'dispute_lost', 0],
  ])('and that it has seen %s is not posted again', async (status, evidence, kind, earlierKind, left) => {
    const one = await disputed();
    await decide(one.dispute, evidence);
    await becomes('disputes', one, status);
    // What else was told of it would come between the rows that are changed here.
    await isQuiet();
    await openedEarlier(one);
    await query('update transfers set id = $2, kind = $4 where payment_id = $1 and kind = $3', [
      ...[one.uuid, secondId(earlierId(one.dispute)), kind, earlierKind],
    ]);
    for (let n = 0; n < 2; n++) {
      // What was told of it is looked at again.
      await query(
        `update stripe_events set applied_at = null, owned_until = 'epoch' where payload::text like '%${one.dispute}%'`,
      );
      await isQuiet();
    }
    expect(await postedOf(one)).toEqual(['payment', 'dispute_opened', earlierKind]);
    expect(await balanceOf(one.customer)).toBe(left);
  });
});

it('a dispute that this version has opened, the release before cannot open again', async () => {
  const one = await disputed();
  await expect(
    query(
      `insert into disputes (merchant_id, id, payment_id, amount, currency, status, stripe_id, created_at)
       select merchant_id, $2, payment_id, amount, currency, 'won', stripe_id, now() from disputes where payment_id = $1`,
      [one.uuid, earlierId(one.dispute)],
    ),
  ).rejects.toThrow(/disputes_stripe_key/);
});

describe('a refund', () => {
  it('made at Stripe, and posted by the release before, is posted once and is one row', async () => {
    const one = await pay();
    const { id } = await stripe.post('/v1/refunds', { payment_intent: one.intent, amount: '200' });
    await becomes('refunds', one, 'succeeded');
    await query('update refunds set id = $2, posted = false where payment_id = $1', [one.uuid, earlierId(id)]);
    await query("update transfers set id = $2 where payment_id = $1 and kind = 'refund'", [one.uuid, earlierId(id)]);
    await touch(`/v1/refunds/${id}`);
    expect(await postedOf(one)).toEqual(['payment', 'refund']);
    expect(await rowsOf('refunds', one)).toEqual([{ status: 'succeeded' }]);
    expect(await balanceOf(one.customer)).toBe(500);
  });

  it('made at Stripe that this version has posted, the release before cannot post again', async () => {
    const one = await pay();
    const { id } = await stripe.post('/v1/refunds', { payment_intent: one.intent, amount: '200' });
    await becomes('refunds', one, 'succeeded');
    await expect(
      query(
        `insert into refunds (merchant_id, id, payment_id, amount, currency, status, stripe_id, created_at)
         select merchant_id, $2, payment_id, amount, currency, status, stripe_id, now() from refunds where payment_id = $1`,
        [one.uuid, earlierId(id)],
      ),
    ).rejects.toThrow(/refunds_stripe_key/);
  });

  it('that the release before called failed after it had been posted is not posted again', async () => {
    const one = await pay();
    const refunded = (await post('/v1/refunds', { payment: one.id, amount: 200 })).body;
    expect(refunded.status).toBe('succeeded');
    const [row] = await query<{ stripe_id: string }>('select stripe_id from refunds where payment_id = $1', [one.uuid]);
    await query("update refunds set status = 'failed', posted = false where payment_id = $1", [one.uuid]);
    await touch(`/v1/refunds/${row!.stripe_id}`);
    expect(await postedOf(one)).toEqual(['payment', 'refund']);
    expect(await balanceOf(one.customer)).toBe(500);
  });
});

describe('an attempt', () => {
  it('of this version is never one that the release before would send again', async () => {
    await pay();
    const open = await query("select from attempts where owned_until < now() + interval '100 years'");
    expect(open).toEqual([]);
    expect(await query('select from attempts where leased_until is null')).toEqual([]);
  });

  it('that the release before has settled leaves its payment free for another', async () => {
    const customer = await createCustomer();
    const declined = await post('/v1/payments', payFor(customer, 700, { payment_method: 'pm_card_chargeDeclined' }));
    const id = (declined.body.error as unknown as { payment: string }).payment;
    await query('update payments set ended_attempt = null where id = $1', [id.slice(4)]);
    const paid = await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa' });
    expect([paid.status, paid.body.status]).toEqual([200, 'succeeded']);
  });

  it('that the release before has under way is waited for', async () => {
    const one = await pay();
    await query("update payments set status = 'processing', ended_attempt = null where id = $1", [one.uuid]);
    const refused = await post(`/v1/payments/${one.id}/cancel`, {});
    expect([refused.status, refused.body.error.code]).toEqual([409, 'payment_not_cancelable']);
    await query("update payments set status = 'succeeded' where id = $1", [one.uuid]);
  });
});

import { describe, expect, it } from '@jest/globals';
import { TRANSITIONS } from '../../src/domain/lifecycle.ts';
import type { Payment } from '../../src/client/api.ts';
import { BACK, cardPayments, CHALLENGE } from '../support/card-payments.ts';
import { bankPageOf, startWorld, type Answer } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const { post, get, createCustomer, balanceOf, sums, query } = world;
const { read, becomes, intentOf, create, confirmed, held, challenged, declined } = cardPayments(world);
const stripe = stripeAt(world.sandbox.url);

const HOLD_S = 7 * 24 * 3600;

/** Confirmed for a challenge, and given another card at Stripe, where nobody confirmed it. */
const neverConfirmed = async (more: object = {}): Promise<Payment> => {
  const { id } = await challenged(more);
  const intent = await intentOf(id);
  await stripe.fault({ kind: 'error_after', method: 'POST', path: `/v1/payment_intents/${intent}/confirm`, count: 1 });
  const lost = await post(`/v1/payments/${id}/confirm`, { payment_method: CHALLENGE });
  expect([lost.status, lost.body.error.outcome]).toEqual([503, 'unknown']);
  await stripe.post(`/v1/payment_intents/${intent}`, { payment_method: 'pm_card_mastercard' });
  // Past the lease of the attempt that was lost.
  await clock.advance(world.sandbox.url, 11);
  // Stripe failed while it worked on it: it is believed to have come to nothing when hours have passed.
  await eventually(
    () =>
      query<{ trouble: string | null }>('select trouble from attempts where payment_id = $1 and outcome is null', [
        id.slice(4),
      ]),
    ([attempt]) => attempt?.trouble === 'server error',
  );
  await clock.advance(world.sandbox.url, 6 * 3600);
  return becomes(id, 'requires_confirmation');
};

/** Sent, and never arrived, as is believed; and canceled then, where that is asked for. */
const believed = async (status: 'requires_payment_method' | 'canceled', more: object = {}): Promise<Payment> => {
  const heal = await stripe.fault({ kind: 'reset_before', path: CREATE, method: 'POST' });
  const payment = await create();
  const lost = await post(`/v1/payments/${payment.id}/confirm`, { payment_method: 'pm_card_visa' });
  expect(lost.body.error.outcome).toBe('unknown');
  await clock.advance(world.sandbox.url, 6 * 60);
  await becomes(payment.id, 'requires_payment_method');
  await heal();
  if (status === 'canceled') expect((await post(`/v1/payments/${payment.id}/cancel`, {})).body.status).toBe('canceled');
  await paidElsewhere(payment.id, more);
  return payment;
};
/** What has its tags, though nobody here has heard of it. */
const paidElsewhere = async (id: string, more: object): Promise<void> => {
  const [row] = await query<{ merchant: string }>(
    `select 'mer_' || replace(merchant_id::text, '-', '') as merchant from payments where id = $1`,
    [id.slice(4)],
  );
  await stripe.post(CREATE, {
    amount: '700',
    currency: 'usd',
    confirm: 'true',
    'allowed_payment_method_types[]': 'card',
    payment_method: 'pm_card_visa',
    return_url: BACK,
    'metadata[quittance_payment]': id,
    'metadata[quittance_merchant]': row!.merchant,
    ...more,
  });
};

/** What is asked of Stripe hangs until the payment was seen `processing`. */
const seenProcessing = async (
  path: string,
  id: string | null,
  ask: () => Promise<Answer<Payment>>,
): Promise<Answer<Payment>> => {
  const release = await stripe.fault({ kind: 'hang_before', path });
  const asked = ask();
  const newest = async (): Promise<Payment> => (await get('/v1/payments?limit=1')).body.data[0]!;
  await eventually(
    () => (id === null ? newest() : read(id)),
    ({ status }) => status === 'processing',
  );
  await release();
  return asked;
};

const CREATE = '/v1/payment_intents';
const any = (action: string): string => `/v1/payment_intents/*/${action}`;

/** For each arrow of the table, a request or a deed at Stripe that makes a payment take it. */
const DRIVEN: Readonly<Record<string, () => Promise<unknown>>> = {
  'new → requires_payment_method': async () => expect((await create()).status).toBe('requires_payment_method'),
  'new → requires_confirmation': async () =>
    expect((await create({ payment_method: 'pm_card_visa' })).status).toBe('requires_confirmation'),
  'new → processing': async () => {
    const customer = await createCustomer();
    const body = { customer, amount: 5, currency: 'usd', payment_method: 'pm_card_visa', confirm: true };
    expect((await seenProcessing(CREATE, null, () => post('/v1/payments', body))).body.status).toBe('succeeded');
  },
  'requires_payment_method → processing': async () => {
    const { id } = await declined();
    await seenProcessing(any('confirm'), id, () =>
      post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa' }),
    );
  },
  'requires_confirmation → processing': async () => {
    const { id } = await create({ payment_method: 'pm_card_visa' });
    await seenProcessing(CREATE, id, () => post(`/v1/payments/${id}/confirm`, {}));
  },
  'requires_action → processing': async () => {
    const { id } = await challenged();
    await seenProcessing(any('confirm'), id, () =>
      post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa' }),
    );
  },
  'requires_capture → processing': async () => {
    const { id } = await held();
    await seenProcessing(any('capture'), id, () => post(`/v1/payments/${id}/capture`, {}));
  },
  'processing → succeeded': async () => expect((await confirmed()).status).toBe('succeeded'),
  'processing → requires_payment_method': async () => expect((await declined()).status).toBe('requires_payment_method'),
  'processing → requires_confirmation': async () => {
    const { id } = await neverConfirmed();
    expect((await post(`/v1/payments/${id}/confirm`, { payment_method: 'pm_card_visa' })).body.status).toBe(
      'succeeded',
    );
  },
  'processing → requires_action': async () => expect((await challenged()).status).toBe('requires_action'),
  'processing → requires_capture': async () => expect((await held()).status).toBe('requires_capture'),
  'processing → canceled': async () => {
    const { id } = await held();
    expect((await post(`/v1/payments/${id}/cancel`, {})).body.status).toBe('canceled');
  },
  'requires_action → succeeded': async () => {
    const payment = await challenged();
    await stripe.answer(bankPageOf(payment), 'pass');
    await becomes(payment.id, 'succeeded');
  },
  'requires_action → requires_capture': async () => {
    const payment = await challenged({ capture_method: 'manual' });
    await stripe.answer(bankPageOf(payment), 'pass');
    await becomes(payment.id, 'requires_capture');
    expect((await post(`/v1/payments/${payment.id}/capture`, {})).body.amount_captured).toBe(700);
  },
  'requires_action → requires_payment_method': async () => {
    const payment = await challenged();
    await stripe.answer(bankPageOf(payment), 'fail');
    const after = await becomes(payment.id, 'requires_payment_method');
    expect(after.last_error).not.toBeNull();
    expect(after.next_action).toBeNull();
  },
  'requires_action → canceled': async () => {
    const { id } = await challenged();
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/cancel`);
    expect((await becomes(id, 'canceled')).next_action).toBeNull();
  },
  'requires_capture → succeeded': async () => {
    const { id } = await held();
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/capture`, { amount_to_capture: '300' });
    expect((await becomes(id, 'succeeded')).amount_captured).toBe(300);
  },
  'requires_capture → canceled': async () => {
    const { id, customer } = await held();
    await clock.advance(world.sandbox.url, HOLD_S - 60);
    expect((await read(id)).status).toBe('requires_capture');
    await clock.advance(world.sandbox.url, 120);
    await becomes(id, 'canceled');
    expect(await balanceOf(String(customer))).toBe(0);
    const late = await post(`/v1/payments/${id}/capture`, {});
    expect([late.status, late.body.error.code]).toEqual([409, 'payment_not_capturable']);
  },
  'requires_payment_method → succeeded': async () => {
    const { id } = await declined();
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/confirm`, { payment_method: 'pm_card_visa' });
    await becomes(id, 'succeeded');
  },
  'requires_payment_method → requires_capture': async () => {
    const { id } = await declined({ capture_method: 'manual' });
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/confirm`, { payment_method: 'pm_card_visa' });
    await becomes(id, 'requires_capture');
  },
  'requires_payment_method → canceled': async () => {
    const { id } = await declined();
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/cancel`);
    await becomes(id, 'canceled');
    const { id: other } = await create();
    expect((await post(`/v1/payments/${other}/cancel`, {})).body.status).toBe('canceled');
  },
  'requires_confirmation → succeeded': async () => {
    const { id } = await neverConfirmed();
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/confirm`);
    await becomes(id, 'succeeded');
  },
  'requires_confirmation → requires_capture': async () => {
    const { id } = await neverConfirmed({ capture_method: 'manual' });
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/confirm`);
    await becomes(id, 'requires_capture');
  },
  'requires_confirmation → requires_action': async () => {
    const { id } = await neverConfirmed();
    await stripe.post(`/v1/payment_intents/${await intentOf(id)}/confirm`, {
      payment_method: CHALLENGE,
      return_url: BACK,
    });
    await becomes(id, 'requires_action');
  },
  'requires_payment_method → requires_action': async () => {
    const { id } = await believed('requires_payment_method', { payment_method: CHALLENGE });
    await becomes(id, 'requires_action');
  },
  'canceled → succeeded': async () => {
    const { id } = await believed('canceled');
    await becomes(id, 'succeeded');
  },
  'canceled → requires_capture': async () => {
    const { id } = await believed('canceled', { capture_method: 'manual' });
    await becomes(id, 'requires_capture');
  },
  'canceled → processing': async () => {
    const { id } = await believed('canceled', { payment_method: 'pm_card_sandbox_processing' });
    await becomes(id, 'processing');
    await clock.advance(world.sandbox.url, 6);
    await becomes(id, 'succeeded');
  },
  'requires_confirmation → canceled': async () => {
    const { id } = await create({ payment_method: 'pm_card_visa' });
    expect((await post(`/v1/payments/${id}/cancel`, {})).body.status).toBe('canceled');
  },
};

describe('each arrow of the table of states', () => {
  it('is driven here', () => {
    expect(Object.keys(DRIVEN).sort()).toEqual(TRANSITIONS.map(({ from, to }) => `${from} → ${to}`).sort());
  });

  it.each(Object.entries(DRIVEN))('%s', async (_arrow, drive) => {
    await drive();
  });

  it('has posted what was captured, once for each payment that succeeded, and nothing else', async () => {
    const wrong = await query(
      `select p.id, p.status, p.amount_captured, count(t.id) as posted, sum(t.amount) as amount
       from payments p left join transfers t on t.payment_id = p.id and t.kind <> 'fee'
       group by p.id, p.status, p.amount_captured
       having count(t.id) <> (p.status = 'succeeded')::int or coalesce(sum(t.amount), 0) <> p.amount_captured`,
    );
    expect(wrong).toEqual([]);
    for (const sum of await sums()) expect(sum).toBe('0');
  });
});

/** What is done with payments and wallets, here and at Stripe, and to clocks and webhooks. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { clearFaults, setFault } from '../../support/world.ts';
import { savedCommands } from './saved.ts';
import {
  ask,
  CARDS,
  charge,
  command,
  CONFIRMABLE,
  DRAW_MAX,
  expects,
  free,
  isConfirmable,
  isHeld,
  isOpen,
  isPaid,
  left,
  pick,
  some,
  type Card,
  type Model,
  type Payment,
  type Real,
} from './state.ts';

const BACK = 'https://shop.example/';

const create = (amount: number, manual: boolean, card: Card | null, confirm: boolean): fc.AsyncCommand<Model, Real> =>
  command(
    `create ${amount}${manual ? ' manual' : ''} ${card ?? 'no card'}${confirm ? ' confirm' : ''}`,
    async (model, real) => {
      const reply = await ask(real, 'create', '/v1/payments', {
        ...{ customer: model.customer, amount, currency: 'usd', return_url: BACK },
        ...(card === null ? {} : { payment_method: card, confirm }),
        capture_method: manual ? 'manual' : 'automatic',
      });
      const payment: Payment = {
        ...{ id: reply.id, amount, manual, captured: 0, card, page: null, lags: false, refunds: [], heldS: 0 },
        status: card === null ? 'requires_payment_method' : 'requires_confirmation',
      };
      expects(reply, [card === null || !confirm ? 201 : charge(payment, card, reply.page, 201)], 'create');
      model.payments.push(payment);
    },
  );

const confirm = (at: number, card: Card): fc.AsyncCommand<Model, Real> =>
  command(
    `confirm #${at} ${card}`,
    async (model, real) => {
      const payment = pick(model, at, isConfirmable);
      const reply = await ask(real, 'confirm', `/v1/payments/${payment.id}/confirm`, {
        payment_method: card,
        return_url: BACK,
      });
      if (CONFIRMABLE.includes(payment.status)) {
        expects(reply, [charge(payment, card, reply.page, 200)], `confirm a payment that is ${payment.status}`);
        payment.lags = payment.refunds.length > 0;
        return;
      }
      // Where the service has not heard yet that it is paid or held, it finds out by asking.
      expects(reply, payment.lags ? [200, 409] : [409], `confirm a payment that is ${payment.status}`);
    },
    some,
  );

const answer = (at: number, result: 'pass' | 'fail'): fc.AsyncCommand<Model, Real> =>
  command(
    `${result} #${at}`,
    async (model, { stripe, count }) => {
      const payment = pick(model, at, isOpen);
      const { status } = await stripe.answer(payment.page ?? '', result);
      count(`${result} ${status}`);
      assert.equal(status, 303, 'the page of an open challenge');
      Object.assign(payment, { page: null, lags: true, heldS: 0 });
      if (result === 'fail') payment.status = 'requires_payment_method';
      else {
        payment.status = payment.manual ? 'requires_capture' : 'succeeded';
        if (!payment.manual) payment.captured = payment.amount;
      }
    },
    (model) => some(model) && pick(model, at, isOpen).page !== null,
  );

const capture = (at: number, share: number): fc.AsyncCommand<Model, Real> =>
  command(
    `capture #${at} ${share}`,
    async (model, real) => {
      const payment = pick(model, at, isHeld);
      const amount = Math.max(1, Math.round(payment.amount * share));
      const reply = await ask(real, 'capture', `/v1/payments/${payment.id}/capture`, { amount });
      if (payment.status !== 'requires_capture' || amount > payment.amount) {
        expects(reply, [409], `capture ${amount} of a payment that is ${payment.status}`);
        return;
      }
      expects(reply, payment.lags ? [200, 409] : [200], `capture ${amount} of ${payment.amount}`);
      if (reply.status === 200) Object.assign(payment, { status: 'succeeded', captured: amount, lags: false });
    },
    some,
  );

const cancel = (at: number): fc.AsyncCommand<Model, Real> =>
  command(
    `cancel #${at}`,
    async (model, real) => {
      const payment = pick(model, at, (payment) => isHeld(payment) || isConfirmable(payment));
      const reply = await ask(real, 'cancel', `/v1/payments/${payment.id}/cancel`, {});
      if (payment.status === 'succeeded') {
        expects(reply, [409], 'cancel what is paid');
        return;
      }
      if (payment.status === 'canceled') {
        expects(reply, payment.lags ? [200, 409] : [409], 'cancel what is canceled');
        return;
      }
      expects(reply, [200], `cancel a payment that is ${payment.status}`);
      Object.assign(payment, { status: 'canceled', page: null, lags: false });
    },
    some,
  );

const refund = (at: number, share: number): fc.AsyncCommand<Model, Real> =>
  command(
    `refund #${at} ${share}`,
    async (model, real) => {
      const payment = pick(model, at, isPaid);
      const amount = Math.max(1, Math.round(payment.amount * share));
      const { least, most } = left(payment);
      const wallet = free(model);
      const reply = await ask(real, 'refund', '/v1/refunds', { payment: payment.id, amount });
      if (payment.status !== 'succeeded' || amount > most || amount > wallet.most) {
        expects(reply, [402, 409], `refund ${amount} of ${most}, with ${wallet.most} in the wallet`);
        return;
      }
      const isSure = !payment.lags && amount <= least && amount <= wallet.least;
      expects(reply, isSure ? [201] : [201, 402, 409], `refund ${amount} of ${least}, with ${wallet.least}`);
      if (reply.status === 201)
        payment.refunds.push({ amount, fails: payment.card === 'pm_card_refundFail', heard: true });
    },
    some,
  );

const refundAtStripe = (at: number, share: number): fc.AsyncCommand<Model, Real> =>
  command(
    `refund at Stripe #${at} ${share}`,
    async (model, { stripe, service, count }) => {
      const payment = pick(model, at, isPaid);
      const amount = Math.max(1, Math.round(payment.amount * share));
      const [row] = await service.query<{ intent: string }>('select intent from payments where id = $1', [
        payment.id.slice(4),
      ]);
      await stripe.post('/v1/refunds', { payment_intent: row?.intent ?? '', amount: String(amount) });
      count('refund at Stripe');
      payment.refunds.push({ amount, fails: payment.card === 'pm_card_refundFail', heard: false });
    },
    (model) => {
      if (!some(model)) return false;
      const payment = pick(model, at, isPaid);
      return payment.status === 'succeeded' && Math.max(1, Math.round(payment.amount * share)) <= left(payment).least;
    },
  );

const spend = (amount: number): fc.AsyncCommand<Model, Real> =>
  command(`spend ${amount}`, async (model, real) => {
    const { least, most } = free(model);
    const body = { customer: model.customer, amount, currency: 'usd' };
    const reply = await ask(real, 'spend', '/v1/debits', body);
    if (amount > most) {
      expects(reply, [402], `spend ${amount} of at most ${most}`);
      return;
    }
    expects(reply, amount <= least ? [201] : [201, 402], `spend ${amount} of ${least} to ${most}`);
    if (reply.status === 201) model.spent += amount;
  });

const HOLD_S = 7 * 24 * 3600;

const jump = (seconds: number): fc.AsyncCommand<Model, Real> =>
  command(`jump ${seconds} s`, async (model, { service, world, count }) => {
    await service.clock.advance(world.sandboxUrl, seconds);
    count('jump');
    for (const payment of model.payments) {
      if (payment.status !== 'requires_capture') continue;
      payment.heldS += seconds;
      if (payment.heldS >= HOLD_S) Object.assign(payment, { status: 'canceled', lags: true });
    }
  });

const FAULTS = ['webhook_drop', 'webhook_duplicate', 'webhook_reorder'] as const;

const fault = (kind: (typeof FAULTS)[number], probability: number, seed: number): fc.AsyncCommand<Model, Real> =>
  command(`${kind} ${probability}`, async (_model, { world, count }) => {
    await setFault(world, { kind, probability, seed, ...(kind === 'webhook_reorder' ? { ms: 300 } : {}) });
    count(kind);
  });

const heal: fc.AsyncCommand<Model, Real> = command('heal', (_model, { world }) => clearFaults(world));

export const commandsOf = (): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] => {
  const at = fc.nat(DRAW_MAX);
  const card = fc.constantFrom(...(Object.keys(CARDS) as Card[]));
  const share = fc.constantFrom(0.1, 0.4, 0.5, 1, 1.1);
  const amount = fc.integer({ min: 50, max: 900 });
  const spending = fc.integer({ min: 1, max: 300 });
  const likely = fc.constantFrom<Card>(
    ...(['pm_card_visa', 'pm_card_threeDSecure2Required', 'pm_card_pendingRefund', 'pm_card_refundFail'] as const),
  );
  return [
    fc.tuple(amount, fc.boolean(), likely).map((of) => create(...of, true)),
    fc.tuple(amount, fc.boolean(), fc.option(card), fc.boolean()).map((of) => create(...of)),
    fc.tuple(at, card).map((of) => confirm(...of)),
    fc.tuple(at, fc.constantFrom('pass' as const, 'pass' as const, 'fail' as const)).map((of) => answer(...of)),
    fc.tuple(at, share).map((of) => capture(...of)),
    at.map(cancel),
    fc.tuple(at, share).map((of) => refund(...of)),
    fc.tuple(at, share).map((of) => refundAtStripe(...of)),
    spending.map(spend),
    fc.constantFrom(60, 60, 60, 25 * 3600, 25 * 3600, HOLD_S + 60).map(jump),
    fc.tuple(fc.constantFrom(...FAULTS), fc.constantFrom(0.3, 1), fc.nat(1000)).map((of) => fault(...of)),
    fc.constant(heal),
    ...savedCommands(at, amount),
  ];
};

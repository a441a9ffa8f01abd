/** What customers keep and are charged by while they are away. */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ask, command, expects, type Away, type Model, type Payment, type Real, type Saved } from './state.ts';

const KEPT = {
  pm_card_visa: 'pays',
  pm_card_authenticationRequired: 'asks',
  pm_card_chargeCustomerFail: 'declines',
} as const satisfies Readonly<Record<string, Away>>;
type Kept = keyof typeof KEPT;

const keep = (model: Model, saved: Saved, isChosen: boolean): void => {
  model.saved = [...model.saved, saved];
  // The first is the default; once that is gone, none is until one is chosen.
  if (isChosen || model.saved.length === 1) model.chosen = saved.id;
};

const drop = (model: Model, id: string): void => {
  model.saved = model.saved.filter((saved) => saved.id !== id);
  if (model.chosen === id) model.chosen = null;
};

const attach = (card: Kept, isChosen: boolean): fc.AsyncCommand<Model, Real> =>
  command(`attach ${card}${isChosen ? ' as default' : ''}`, async (model, real) => {
    const path = `/v1/customers/${model.customer}/payment_methods`;
    const reply = await ask(real, 'attach', path, { payment_method: card, ...(isChosen ? { default: true } : {}) });
    expects(reply, [201], 'attach');
    keep(model, { id: reply.id, away: KEPT[card] }, isChosen);
  });

const payment = (id: string, amount: number): Payment => ({
  ...{ id, amount, manual: false, status: 'succeeded', captured: amount, card: 'pm_card_visa', page: null },
  ...{ lags: false, refunds: [], heldS: 0 },
});

const payAndKeep = (amount: number): fc.AsyncCommand<Model, Real> =>
  command(`pay ${amount} and keep the card`, async (model, real) => {
    const reply = await ask(real, 'pay and keep', '/v1/payments', {
      ...{ customer: model.customer, amount, currency: 'usd', payment_method: 'pm_card_visa' },
      ...{ confirm: true, save_payment_method: true },
    });
    expects(reply, [201], 'pay and keep the card');
    assert.ok(reply.method !== null, 'the card that paid');
    keep(model, { id: reply.method, away: 'pays' }, false);
    model.payments.push(payment(reply.id, amount));
  });

/** The default, or another by its name. */
const chargeAway = (amount: number, at: number, isNamed: boolean): fc.AsyncCommand<Model, Real> =>
  command(`charge ${amount} away${isNamed ? ` #${at}` : ''}`, async (model, real) => {
    const named = isNamed ? model.saved[at % model.saved.length]?.id : undefined;
    const charged = named ?? model.chosen;
    const reply = await ask(real, 'charge away', '/v1/payments', {
      ...{ customer: model.customer, amount, currency: 'usd', confirm: true, off_session: true },
      ...(named === undefined ? {} : { payment_method: named }),
    });
    if (charged === null) {
      // What was detached at Stripe may still be the default here: it is refused there.
      expects(reply, model.gone.length > 0 ? [400, 402] : [400], 'charge nothing');
      assert.ok(['payment_method_required', 'payment_method_not_usable'].includes(reply.code ?? ''), reply.says);
      if (reply.status === 402) refused(model, reply.id, amount);
      return;
    }
    const { away } = model.saved.find(({ id }) => id === charged) ?? { away: 'pays' };
    expects(reply, [away === 'pays' ? 201 : 402], `charge a card that ${away}`);
    if (away === 'pays') model.payments.push(payment(reply.id, amount));
    else refused(model, reply.id, amount);
  });

const refused = (model: Model, id: string, amount: number): void => {
  model.payments.push({ ...payment(id, amount), status: 'requires_payment_method', captured: 0 });
};

const detach = (at: number): fc.AsyncCommand<Model, Real> =>
  command(
    `detach #${at}`,
    async (model, { service, count }) => {
      const id = model.saved[at % model.saved.length]?.id ?? '';
      const { status } = await service.remove(`/v1/payment_methods/${id}`);
      count(`detach ${status}`);
      assert.equal(status, 200, 'detach');
      drop(model, id);
    },
    ({ saved }) => saved.length > 0,
  );

const detachAtStripe = (at: number): fc.AsyncCommand<Model, Real> =>
  command(
    `detach at Stripe #${at}`,
    async (model, { stripe, count }) => {
      const id = model.saved[at % model.saved.length]?.id ?? '';
      await stripe.post(`/v1/payment_methods/${id}/detach`);
      count('detach at Stripe');
      drop(model, id);
      model.gone = [...model.gone, id];
    },
    ({ saved }) => saved.length > 0,
  );

const choose = (at: number): fc.AsyncCommand<Model, Real> =>
  command(
    `choose #${at}`,
    async (model, real) => {
      const id = model.saved[at % model.saved.length]?.id ?? '';
      const reply = await ask(real, 'choose', `/v1/customers/${model.customer}`, { default_payment_method: id });
      expects(reply, [200], 'choose');
      model.chosen = id;
    },
    ({ saved }) => saved.length > 0,
  );

/** With draws of which, and amounts. */
export const savedCommands = (
  at: fc.Arbitrary<number>,
  amount: fc.Arbitrary<number>,
): fc.Arbitrary<fc.AsyncCommand<Model, Real>>[] => [
  fc.tuple(fc.constantFrom(...(Object.keys(KEPT) as Kept[])), fc.boolean()).map((of) => attach(...of)),
  amount.map(payAndKeep),
  fc.tuple(amount, at, fc.boolean()).map((of) => chargeAway(...of)),
  fc.tuple(amount, at, fc.boolean()).map((of) => chargeAway(...of)),
  at.map(detach),
  at.map(detachAtStripe),
  at.map(choose),
];

const textOf = (methods: readonly { readonly id: string }[]): string =>
  methods
    .map(({ id }) => id)
    .toSorted()
    .join();

/** What is kept of the model's customer, here and at Stripe, is what the model says. */
export const compareKept = async (model: Model, { service, stripe }: Real): Promise<void> => {
  const { body } = await service.get(`/v1/customers/${model.customer}/payment_methods?limit=100`);
  const data = body['data'] as readonly { readonly id: string; readonly default: boolean }[];
  const wanted = textOf(model.saved);
  assert.deepEqual(
    { kept: textOf(data), chosen: data.find((one) => one.default)?.id ?? null },
    { kept: wanted, chosen: model.chosen },
  );
  const [row] = await service.query<{ stripe_id: string | null }>(
    'select stripe_id from stripe_customers where id = $1',
    [model.customer.slice(4)],
  );
  if (!row || row.stripe_id === null) {
    assert.equal(wanted, '', 'kept without a customer at Stripe');
    return;
  }
  const there = await stripe.get(`/v1/customers/${row.stripe_id}/payment_methods?limit=100`);
  assert.deepEqual({ atStripe: textOf(there.data) }, { atStripe: wanted });
};

import { beforeAll, describe, expect, it } from '@jest/globals';
import { createCheckout, tell, type Checkout, type OneAtATime } from '../../src/client/checkout.ts';
import { createClient } from '../../src/client/index.ts';
import { stripeAt } from '../support/stripe.ts';
import { startWorld, type World } from '../support/service.ts';

let world: World;
beforeAll(async () => {
  world = await startWorld();
});

/** What a browser's locks do for the tabs of one session. */
const createLocks = (): OneAtATime => {
  const taken = new Set<string>();
  return async (name, work) => {
    if (taken.has(name)) return undefined;
    taken.add(name);
    return work().finally(() => taken.delete(name));
  };
};

interface Tab {
  readonly checkout: Checkout;
  /** Each state, once. */
  readonly seen: string[];
}

/** An order that is not paid yet, in as many tabs. */
const openTabs = async (count: number): Promise<{ readonly customer: string; readonly tabs: readonly Tab[] }> => {
  const customer = await world.createCustomer();
  const shop = createClient({ key: 'sk_test_demo', baseUrl: world.url });
  const made = (await shop.createPayment({ customer, amount: 1250, currency: 'usd' }))._unsafeUnwrap();
  const quittance = createClient({ key: 'pk_test_demo', baseUrl: world.url });
  const oneAtATime = createLocks();
  const open = async (): Promise<Tab> => {
    const checkout = createCheckout({ quittance, clientSecret: made.client_secret ?? '', oneAtATime });
    (await checkout.load())._unsafeUnwrap();
    const seen: string[] = [];
    checkout.subscribe(({ name }) => {
      if (seen.at(-1) !== name) seen.push(name);
    });
    return { checkout, seen };
  };
  return { customer, tabs: await Promise.all(Array.from({ length: count }, open)) };
};

/** Pays in both tabs at once, while Stripe takes its time. */
const payInBoth = async (card: string): Promise<readonly [Tab, Tab]> => {
  const { tabs } = await openTabs(2);
  const [one, other] = tabs;
  if (!one || !other) throw new Error('there are two');
  const heal = await stripeAt(world.sandbox.url).fault({
    ...{ kind: 'latency', method: 'POST', path: '/v1/payment_intents', ms: 1000 },
  });
  await Promise.all([one.checkout.pay({ payment_method: card }), other.checkout.pay({ payment_method: card })]);
  await heal();
  return [one, other];
};

describe('a tab, while another tab pays', () => {
  it('says that it is under way until the other is done, and then that it is paid', async () => {
    const [one, other] = await payInBoth('pm_card_visa');
    expect(one.seen).toEqual(['idle', 'confirming', 'succeeded']);
    expect(other.seen).toEqual(['idle', 'confirming', 'processing', 'succeeded']);
  });

  it('says that it was declined, and may pay with another card then', async () => {
    const [, other] = await payInBoth('pm_card_visa_chargeDeclined');
    expect(other.seen).toEqual(['idle', 'confirming', 'processing', 'declined']);
    const paid = await other.checkout.pay({ payment_method: 'pm_card_visa' });
    expect(paid._unsafeUnwrap().name).toBe('succeeded');
  });
});

describe('the checkout', () => {
  it('keeps the card that pays, where the page says so', async () => {
    const { customer, tabs } = await openTabs(1);
    const paid = await tabs[0]?.checkout.pay({ payment_method: 'pm_card_visa', save_payment_method: true });
    expect(paid?._unsafeUnwrap().name).toBe('succeeded');
    const shop = createClient({ key: 'sk_test_demo', baseUrl: world.url });
    const kept = (await shop.listPaymentMethods({ id: customer }))._unsafeUnwrap();
    expect(kept.data).toHaveLength(1);
  });

  it('has words for a person: Stripe’s, which are for a developer, are none of them', async () => {
    const { tabs } = await openTabs(1);
    const refused = await tabs[0]?.checkout.pay({ payment_method: 'pm_card_visa_chargeDeclinedInsufficientFunds' });
    expect(refused?.map((state) => tell(state, '$12.50'))._unsafeUnwrap()).toEqual({
      tone: 'bad',
      said: ['There is not enough money on your card for this.', 'Nothing was charged. You can use another card.'],
    });
  });
});

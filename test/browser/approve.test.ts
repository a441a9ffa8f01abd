import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { describeInChromium } from '../support/chromium.ts';
import { createClient } from '../../src/client/index.ts';
import { eventually } from '../support/stripe.ts';
import { startWorld } from '../support/service.ts';

describeInChromium('a customer who was away when his bank asked for him', (launch) => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startWorld>>;
  const shop = createServer((_request, response) => response.end('<title>Thank you</title>'));
  beforeAll(async () => {
    world = await startWorld();
    await new Promise<void>((go) => shop.listen(0, '127.0.0.1', go));
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    shop.closeAllConnections();
    await new Promise((go) => shop.close(go));
  });

  /** A charge of what he has saved, which his bank does not let pass while he is away: where he approves it. */
  const chargedAway = async (more: object = {}): Promise<{ url: string; payment: string; customer: string }> => {
    const quittance = createClient({ key: 'sk_test_demo', baseUrl: world.url });
    const customer = (await quittance.createCustomer({}))._unsafeUnwrap().id;
    const card = { id: customer, payment_method: 'pm_card_authenticationRequired' };
    (await quittance.attachPaymentMethod(card))._unsafeUnwrap();
    const error = (
      await quittance.createPayment({
        ...{ customer, amount: 1250, currency: 'usd', confirm: true, off_session: true },
        ...more,
      })
    )._unsafeUnwrapErr();
    expect(error).toMatchObject({ code: 'authentication_required', status: 402, outcome: 'none' });
    const { url = '', payment = '' } = error as { url?: string; payment?: string };
    return { url, payment, customer };
  };
  const open = async (url: string): Promise<Page> => {
    const tab = await browser.newPage();
    await tab.goto(url);
    return tab;
  };
  const chargesNow = async (): Promise<number> =>
    (await fetch(`${world.sandbox.url}/_sandbox/export`).then((reply) => reply.text()))
      .split('\n')
      .filter((line) => line !== '')
      .flatMap((line) => (JSON.parse(line) as { charges: { status: string }[] }).charges)
      .filter(({ status }) => status === 'succeeded').length;

  it('opens the link, goes to his bank, approves it, and is charged once', async () => {
    const before = await chargesNow();
    const { url, payment, customer } = await chargedAway();
    const tab = await open(url);
    expect(await tab.textContent('main')).toContain('12.50 USD');
    await tab.click('text=Go to your bank');
    await tab.click('text=Pass');
    await tab.waitForSelector('text=it is paid');
    expect((await world.get(`/v1/payments/${payment}`)).body.status).toBe('succeeded');
    expect(await world.balanceOf(customer)).toBe(1250);
    await tab.reload();
    expect(await tab.textContent('main')).toContain('it is paid');
    expect(await tab.$('button')).toBeNull();
    // There is no shop to go back to that is known: the bank sent him here.
    expect(await tab.$('text=Back to the shop')).toBeNull();
    expect(await chargesNow()).toBe(before + 1);
    await tab.close();
  });

  it('comes back to the shop where the charge has said so, and may try again after a failure', async () => {
    const before = await chargesNow();
    const back = `http://127.0.0.1:${(shop.address() as AddressInfo).port}/back`;
    const { url, customer } = await chargedAway({ return_url: back });
    const tab = await open(url);
    await tab.click('text=Go to your bank');
    // He has left the bank's page, and opens the link again.
    await tab.goto(url);
    await tab.click('text=Go to your bank');
    await tab.click('text=Pass');
    await tab.waitForURL(/\/back\?payment_intent=/);
    await eventually(
      () => world.balanceOf(customer),
      (balance) => balance === 1250,
    );
    expect(await chargesNow()).toBe(before + 1);
    await tab.close();
  });

  it('finds nothing where the address was changed', async () => {
    const { url } = await chargedAway();
    const tab = await browser.newPage();
    expect((await tab.goto(`${url}x`))?.status()).toBe(404);
    expect((await tab.goto(url.replace(/merchant=mer_./, 'merchant=mer_')))?.status()).toBe(404);
    await tab.close();
  });
});

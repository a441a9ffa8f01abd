import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser } from 'playwright-core';
import { describeInChromium } from '../support/chromium.ts';
import { eventually } from '../support/stripe.ts';
import type { Payment } from '../../src/client/api.ts';
import { bankPageOf, payFor, startWorld } from '../support/service.ts';

describeInChromium('a person who pays with 3-D Secure in a browser', (launch) => {
  let browser: Browser;
  let world: Awaited<ReturnType<typeof startWorld>>;
  // The shop's own page, where the customer comes back to.
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

  const challenged = async (): Promise<Payment> =>
    (
      await world.post(
        '/v1/payments',
        payFor(await world.createCustomer(), 1250, {
          payment_method: 'pm_card_threeDSecure2Required',
          return_url: `http://127.0.0.1:${(shop.address() as AddressInfo).port}/back`,
        }),
      )
    ).body;
  const becomes = (id: string, status: string): Promise<Payment> =>
    eventually(
      async () => (await world.get(`/v1/payments/${id}`)).body,
      (payment) => payment.status === status,
    );

  it.each([
    ['Pass', 'succeeded', 1250],
    ['Fail', 'requires_payment_method', 0],
  ])('and presses %s comes back to the shop, and the payment is %s', async (button, status, balance) => {
    const payment = await challenged();
    const page = await browser.newPage();
    await page.goto(bankPageOf(payment));
    expect(await page.textContent('body')).toContain('$12.50');
    await page.click(`text=${button}`);
    await page.waitForURL(/\/back\?payment_intent=/);
    expect(await page.title()).toBe('Thank you');
    await becomes(payment.id, status);
    expect(await world.balanceOf(String(payment.customer))).toBe(balance);
    await page.close();
  });

  it('and has another tab in which another card has paid is told that the challenge is over', async () => {
    const payment = await challenged();
    const { charges } = await world.sandboxCounts();
    const [one, other] = [await browser.newPage(), await browser.newPage()];
    const url = bankPageOf(payment);
    await Promise.all([one.goto(url), other.goto(url)]);
    await world.post(`/v1/payments/${payment.id}/confirm`, { payment_method: 'pm_card_visa' });
    for (const tab of [one, other]) {
      await tab.click('text=Pass');
      await tab.waitForSelector('text=This challenge is over');
      await tab.close();
    }
    expect(await world.balanceOf(String(payment.customer))).toBe(1250);
    expect((await world.sandboxCounts())['charges']).toBe(charges! + 1);
  });
});

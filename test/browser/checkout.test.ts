import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { describeInChromium } from '../support/chromium.ts';
import { eventually, stripeAt, type Stripe } from '../support/stripe.ts';
import { startProxy, type Proxy } from '../support/proxy.ts';
import { startService, startWorld, type World } from '../support/service.ts';

const CHALLENGE = 'pm_card_threeDSecure2Required';
/** What the page has as its state: one of the store's. */
const becomes = (page: Page, ...states: string[]): Promise<unknown> =>
  page.waitForSelector(states.map((state) => `body[data-state="${state}"]`).join(','));
const choose = (page: Page, card: string): Promise<void> => page.check(`[name=card][value=${card}]`);
const press = (page: Page): Promise<void> => page.click('#submit');

describeInChromium('the checkout', (launch) => {
  let browser: Browser;
  let world: World;
  let wire: Proxy;
  let stripe: Stripe;
  let context: BrowserContext;
  const complaints: string[] = [];

  beforeAll(async () => {
    world = await startWorld();
    wire = await startProxy(world.url);
    stripe = stripeAt(world.sandbox.url);
    browser = await launch();
    context = await browser.newContext();
  }, 60_000);

  const charges = async (): Promise<number> => (await world.sandboxCounts())['charges'] ?? 0;
  const watch = (page: Page): Page => {
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    return page;
  };
  /** A new order of $12.50, ready to be paid. */
  const order = async (at = world.url, where: 'redirect' | 'in_page' = 'redirect'): Promise<Page> => {
    const page = watch(await context.newPage());
    await page.goto(`${at}/checkout/demo`);
    await page.click('#start button');
    await becomes(page, 'idle');
    if (where === 'in_page') {
      await page.check('[name=where][value=in_page]');
      await becomes(page, 'idle');
    }
    return page;
  };
  /** How often the card of what was done meanwhile was charged. */
  const chargedBy = async (work: () => Promise<void>): Promise<number> => {
    const before = await charges();
    await work();
    return (await charges()) - before;
  };
  const isPaid = async (page: Page): Promise<void> => {
    await becomes(page, 'succeeded');
    expect(await page.textContent('#told')).toContain('Paid: $12.50. Thank you!');
  };

  describe('each test card', () => {
    it.each([
      ['pm_card_visa', 'succeeded', 'Thank you'],
      ['pm_card_visa_chargeDeclined', 'declined', 'does not say why'],
      ['pm_card_visa_chargeDeclinedInsufficientFunds', 'declined', 'not enough money'],
      ['pm_card_visa_chargeDeclinedExpiredCard', 'declined', 'has expired'],
      ['pm_card_visa_chargeDeclinedIncorrectCvc', 'declined', 'security code'],
      ['pm_card_visa_chargeDeclinedProcessingError', 'declined', 'the same card may do'],
      ['pm_card_visa_chargeDeclinedLostCard', 'declined', 'does not say why'],
      ['pm_card_visa_chargeDeclinedStolenCard', 'declined', 'does not say why'],
      ['pm_card_visa_chargeDeclinedVelocityLimitExceeded', 'declined', 'too often'],
      ['pm_card_radarBlock', 'declined', 'does not say why'],
    ])('%s: %s, and told as a person would want it', async (card, state, said) => {
      const times = await chargedBy(async () => {
        const page = await order();
        await choose(page, card);
        await press(page);
        await becomes(page, state);
        expect(await page.textContent('#told')).toContain(said);
        if (state === 'declined') {
          expect(await page.textContent('#told')).toContain('Nothing was charged. You can use another card.');
          await choose(page, 'pm_card_visa');
          await press(page);
          await isPaid(page);
        }
        await page.close();
      });
      expect(times).toBe(1);
    });

    it.each([
      [CHALLENGE, 'Pass', 'succeeded', 1],
      [CHALLENGE, 'Fail', 'declined', 0],
      ['pm_card_authenticationRequired', 'Pass', 'succeeded', 1],
    ])('%s sends to the bank, and after %s it is %s', async (card, button, state, paid) => {
      const times = await chargedBy(async () => {
        const page = await order();
        await choose(page, card);
        await press(page);
        await page.click(`button:has-text("${button}")`);
        await page.waitForURL(/checkout\/demo/);
        await becomes(page, state);
        expect(page.url()).not.toContain('payment_intent');
        await page.close();
      });
      expect(times).toBe(paid);
    });

    it.each([
      [CHALLENGE, 'Pass', 'succeeded', 1],
      [CHALLENGE, 'Fail', 'declined', 0],
      ['pm_card_authenticationRequired', 'Pass', 'succeeded', 1],
    ])('%s asks in the page, and after %s it is %s', async (card, button, state, paid) => {
      const times = await chargedBy(async () => {
        const page = await order(world.url, 'in_page');
        await choose(page, card);
        await press(page);
        await page.frameLocator('#frame').locator(`button:has-text("${button}")`).click();
        await becomes(page, state);
        expect(await page.isVisible('#bank')).toBe(false);
        await page.close();
      });
      expect(times).toBe(paid);
    });

    it('that asks in the page may be left unanswered, and another card pays', async () => {
      const page = await order(world.url, 'in_page');
      await choose(page, CHALLENGE);
      await press(page);
      await page.waitForSelector('#bank[open]');
      await page.click('#close');
      await becomes(page, 'needs_action');
      await choose(page, 'pm_card_visa');
      await press(page);
      await isPaid(page);
      await page.close();
    });
  });

  describe('charges once', () => {
    const once = (work: () => Promise<void>): Promise<void> =>
      chargedBy(work).then((times) => {
        expect(times).toBe(1);
      });

    it('for a double click, and any further one', () =>
      once(async () => {
        const page = await order();
        await page.evaluate(`for (let n = 0; n < 5; n++) document.getElementById('submit').click()`);
        await isPaid(page);
        await page.close();
      }));

    it('though the page is reloaded while it pays', () =>
      once(async () => {
        const heal = await stripe.fault({ kind: 'latency', method: 'POST', path: '/v1/payment_intents', ms: 1500 });
        const page = await order();
        await press(page);
        const [, id = ''] = /client_secret=(pay_[0-9a-f]+)_/.exec(page.url()) ?? [];
        await eventually(
          async () => (await world.get(`/v1/payments/${id}`)).body.status,
          (status) => status === 'processing',
        );
        await page.reload();
        await isPaid(page);
        await heal();
        await page.close();
      }));

    it('though its customer goes back from the bank, answers it, and goes back and forward', () =>
      once(async () => {
        const page = await order();
        await choose(page, CHALLENGE);
        await press(page);
        await page.waitForSelector('button:has-text("Pass")');
        await page.goBack();
        await becomes(page, 'needs_action');
        await page.click('#continue');
        await page.click('button:has-text("Pass")');
        await isPaid(page);
        await page.goBack();
        await page.goForward();
        await isPaid(page);
        expect(await page.isVisible('#card')).toBe(false);
        await page.close();
      }));

    it('though the session is lost on the way to the bank and back', () =>
      once(async () => {
        const page = await order();
        await choose(page, CHALLENGE);
        await press(page);
        const pass = page.locator('button:has-text("Pass")');
        await pass.waitFor();
        // As if the bank had been opened by an app, and came back in another browser.
        const [bank, other] = [page.url(), watch(await (await browser.newContext()).newPage())];
        await page.close();
        await other.goto(bank);
        await other.click('button:has-text("Pass")');
        await isPaid(other);
        await other.context().close();
      }));

    it('in two tabs, at the same time and one after the other', () =>
      once(async () => {
        const heal = await stripe.fault({ kind: 'latency', method: 'POST', path: '/v1/payment_intents', ms: 1000 });
        const one = await order();
        const other = watch(await context.newPage());
        await other.goto(one.url());
        await becomes(other, 'idle');
        await Promise.all([press(one), press(other)]);
        await Promise.all([isPaid(one), isPaid(other)]);
        await heal();
        await one.close();
        await other.close();
      }));

    it('though the connection is cut before the request, after it, and in the reply', () =>
      once(async () => {
        const page = await order(wire.url);
        let cuts = 0;
        wire.judge((bytes) => {
          if (!/^POST \/v1\/payments\/\w+\/confirm/.test(bytes.toString())) return 'forward';
          cuts++;
          return cuts === 1 ? 'lose' : cuts === 2 ? 'deliver and cut' : 'forward';
        });
        await press(page);
        await becomes(page, 'unknown');
        expect(await page.textContent('#told')).toContain('Please don’t pay again');
        expect(await page.getAttribute('#submit', 'aria-disabled')).toBe('true');
        await page.evaluate(`document.getElementById('submit').click()`);
        await isPaid(page);
        wire.judge(() => 'forward');
        expect(cuts).toBeGreaterThan(2);
        complaints.length = 0; // The browser's own, of the connections that were cut.
        await page.close();
      }));
  });

  describe('the page', () => {
    it('loads nothing from another host, under a policy that forbids it, and complains of nothing', async () => {
      complaints.length = 0;
      const page = watch(await context.newPage());
      const hosts = new Set<string>();
      page.on('request', (request) => hosts.add(new URL(request.url()).host));
      const response = await page.goto(`${world.url}/checkout/demo`);
      expect(response?.headers()['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/);
      await page.click('#start button');
      await becomes(page, 'idle');
      expect([...hosts]).toEqual([new URL(world.url).host]);
      expect(complaints).toEqual([]);
      await page.close();
    });

    it.each([390, 1280])('fits a screen of %d pixels, and axe finds nothing, whatever its state', async (width) => {
      const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
      const check = async (page: Page): Promise<void> => {
        await page.evaluate(axe);
        const found = await page.evaluate<string[]>(
          `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
             .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map((n) => n.html).join()))`,
        );
        expect(found).toEqual([]);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
      };
      for (const colorScheme of ['light', 'dark'] as const) {
        const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
        await page.goto(`${world.url}/checkout/demo`);
        await check(page);
        await page.click('#start button');
        await becomes(page, 'idle');
        await check(page);
        await choose(page, 'pm_card_visa_chargeDeclined');
        await press(page);
        await becomes(page, 'declined');
        await check(page);
        await page.check('[name=where][value=in_page]');
        await choose(page, CHALLENGE);
        await press(page);
        await page.frameLocator('#frame').locator('button:has-text("Pass")').waitFor();
        await check(page);
        await page.click('#close');
        await becomes(page, 'needs_action');
        await check(page);
        await choose(page, 'pm_card_visa');
        await press(page);
        await becomes(page, 'succeeded');
        await check(page);
        await page.close();
      }
    });

    it('can be used with the keyboard alone, and tells a screen reader what came of it', async () => {
      const page = await order();
      await page.focus('[name=card]');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      expect(await page.evaluate('document.activeElement.id')).toBe('submit');
      await page.keyboard.press('Enter');
      await becomes(page, 'succeeded');
      expect(await page.getAttribute('#told', 'role')).toBe('status');
      expect(await page.evaluate('document.activeElement.id')).toBe('told');
      await page.close();
    });

    it('takes cards through Stripe.js where Stripe is the real one, which is loaded from its own host', async () => {
      const shop = await startService({
        databaseUrl: world.databaseUrl,
        sandboxUrl: world.sandbox.url,
        env: { STRIPE_SECRET_KEY: 'sk_test_shop', STRIPE_PUBLISHABLE_KEY: 'pk_test_shop' },
      });
      const server = shop.as(await world.createKey('Shop', 'secret'));
      const customer = (await server.post('/v1/customers', {})).body.id;
      const { body: made } = await server.post('/v1/payments', { customer, amount: 1250, currency: 'usd' });
      const token = await stripe.post('/v1/test_helpers/confirmation_tokens', { payment_method: CHALLENGE });

      const page = await context.newPage();
      // Stripe.js itself is not to be had here: what the page calls of it, as Stripe documents it.
      await page.route('https://js.stripe.com/**', (route) =>
        route.fulfill({ contentType: 'text/javascript', body: STRIPE_JS }),
      );
      await page.addInitScript(`window.TOKEN = '${token.id}'`);
      const response = await page.goto(`${shop.url}/checkout/demo`);
      expect(response?.headers()['content-security-policy']).toMatch(/script-src 'self' https:\/\/js\.stripe\.com /);
      await page.fill('#key', await world.createKey('Shop', 'publishable'));
      await page.fill('#secret', String(made.client_secret));
      await page.click('#start button');
      await becomes(page, 'idle');
      await page.check('[name=where][value=in_page]');
      await becomes(page, 'idle');
      await press(page);
      const handled = await eventually(
        () => page.evaluate<string | undefined>('window.handled'),
        (secret) => secret !== undefined,
      );
      expect(handled).toMatch(/^pi_\w+_secret_\w+$/);
      await becomes(page, 'needs_action');
      const { headers } = await fetch(`${world.sandbox.url}/_sandbox/3ds?client_secret=${handled}`, {
        redirect: 'manual',
      });
      await stripe.answer(headers.get('location') ?? '', 'pass');
      await page.click('#continue');
      await isPaid(page);
      await page.close();
    });
  });
});

/** What the page asks of Stripe.js: https://docs.stripe.com/js */
const STRIPE_JS = `
window.Stripe = (key) => ({
  elements: () => ({ create: () => ({ mount: () => {} }), submit: async () => ({}) }),
  createConfirmationToken: async () => ({ confirmationToken: { id: window.TOKEN } }),
  handleNextAction: async ({ clientSecret }) => { window.handled = clientSecret; return {}; },
});
`;

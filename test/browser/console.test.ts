import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { beforeAll, expect, it } from '@jest/globals';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { describeInChromium } from '../support/chromium.ts';
import { payFor, startWorld, type World } from '../support/service.ts';

/** Of each kind of page one, by what was made below. */
const PAGES = [
  ...['', '/payments', '/payments?status=canceled', '/payments?status=sold', '/payments/PAYMENT', '/payments/DECLINED'],
  ...[
    '/unknown',
    '/refunds',
    '/accounts',
    '/accounts/WALLET',
    '/customers',
    '/customers/CUSTOMER',
    '/trial-balance',
    '/activity',
    '/payouts',
    '/disputes',
  ],
  ...['/trial-balance?as_of=2026-01-01', '/trial-balance?as_of=2999-01-01', '/accounts/WALLET?category=fee'],
  ...['/periods', '/periods/1', '/proof'],
  ...[
    '/contradictions',
    '/events',
    '/events/EVENT',
    '/transfers/TRANSFER',
    '/find?q=nothing',
    `/payments/pay_${'0'.repeat(32)}`,
  ],
] as const;

describeInChromium('the console', (launch) => {
  let browser: Browser;
  let world: World;
  let context: BrowserContext;
  let at: (path: string) => string;
  const complaints: string[] = [];

  const watch = (page: Page): Page => {
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      // A page that says 400 or 404 is said to have failed to load.
      if (message.type() === 'error' && !message.text().includes('status of 4')) complaints.push(message.text());
    });
    return page;
  };
  const open = async (path: string, own = context): Promise<Page> => {
    const page = watch(await own.newPage());
    await page.goto(at(path));
    return page;
  };

  beforeAll(async () => {
    world = await startWorld();
    const customer = (await world.post('/v1/customers', { name: 'Ada Lovelace', email: 'ada@example.org' })).body.id;
    const paid = (await world.post('/v1/payments', payFor(customer, 1_234_567, { description: 'Order 1' }))).body.id;
    await world.post('/v1/payments', payFor(customer, 98_765, { currency: 'jpy' }));
    const declined = await world.post(
      '/v1/payments',
      payFor(customer, 700, { payment_method: 'pm_card_visa_chargeDeclined' }),
    );
    await world.post('/v1/refunds', { payment: paid, amount: 4_500 });
    const order = { customer, amount: 1_250, currency: 'usd', description: 'Order 16082: a dot-grid notebook, bound' };
    const debit = (await world.post('/v1/debits', order)).body.id;
    await world.query(
      `insert into contradictions (id, merchant_id, kind, payment_id, subject, amount, currency, detail, seen_at)
       select gen_random_uuid(), merchant_id, 'second_charge', id, 'pi_x', 700, 'usd', 'Twice', now() from payments where id = $1`,
      [paid.slice(4)],
    );
    const day = new Date(Date.now() - 2 * 86_400_000).toISOString().slice(0, 10);
    await world.post('/v1/ledger/periods', { ends: day }, null);
    const names: Record<string, string> = {
      ...{ PAYMENT: paid, DECLINED: declined.body.error.payment ?? '', CUSTOMER: customer },
      ...{ WALLET: await world.walletOf(customer), TRANSFER: debit },
      EVENT: (await world.get('/v1/events')).body.data[0]!.id,
    };
    at = (path) => `${world.url}/console${path.replace(/[A-Z]{5,}/, (name) => names[name] ?? name)}`;
    browser = await launch();
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    const page = await open('');
    await page.click('.demo button');
    await page.waitForURL(/\/console$/);
    await page.close();
  }, 60_000);

  const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  /** What axe finds by the rules of those tags, or by those alone that are named. */
  const findings = (page: Page, rules: readonly string[]): Promise<string[]> =>
    page.evaluate<string[]>(
      `axe.run({ runOnly: ${JSON.stringify(rules)} })
       .then(({ violations }) => violations.map(({ id, nodes }) => id + ': ' + nodes.map((n) => n.html).join()))`,
    );

  it.each([1280, 390])(
    'fits a screen of %d pixels, and axe finds nothing on any page, in the light or the dark',
    async (width) => {
      const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
      const page = watch(await context.newPage());
      await page.setViewportSize({ width, height: 900 });
      for (const path of [...PAGES, '/sign-in']) {
        await page.emulateMedia({ colorScheme: 'light' });
        await page.goto(at(path));
        if (width < 500) await page.evaluate(`document.querySelector('.menu')?.setAttribute('open', '')`);
        await page.evaluate(`for (const more of document.querySelectorAll('main details')) more.open = true`);
        await page.evaluate(axe);
        expect([path, await findings(page, WCAG)]).toEqual([path, []]);
        // Nothing but colours differs in the dark: the rules that look at them.
        await page.emulateMedia({ colorScheme: 'dark' });
        expect([path, await findings(page, ['color-contrast', 'link-in-text-block'])]).toEqual([path, []]);
        expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, width]);
        // What is beyond the edge of a table is read as less than it is.
        const cut = await page.evaluate(
          `[...document.querySelectorAll('.scroll')].filter((one) => one.scrollWidth > one.clientWidth).length`,
        );
        expect([path, cut]).toEqual([path, 0]);
        const torn = await page.evaluate(
          `[...document.querySelectorAll('.entries .cell > a')].filter((one) => one.getClientRects().length > 1).length`,
        );
        expect([path, torn]).toEqual([path, 0]);
      }
      expect(complaints).toEqual([]);
      await page.close();
    },
    120_000,
  );

  it('can be used with the keyboard alone: each link, button and field is reached, and seen to be', async () => {
    for (const path of PAGES) {
      const page = await open(path);
      await page.evaluate(`document.activeElement.blur()`);
      const all = await page.evaluate<number>(
        `[...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]')]
           .filter((one) => one.checkVisibility() && one.closest('details:not([open]) > :not(summary)') === null)
           .map((one, nth) => (one.dataset.nth = nth)).length`,
      );
      const reached = new Set<string>();
      for (let press = 0; press < all + 5; press++) {
        await page.keyboard.press('Tab');
        const [nth, isSeen] = await page.evaluate<[string, boolean]>(
          `(() => {
             const one = document.activeElement;
             const { top, bottom, left, right } = one.getBoundingClientRect();
             const isShown = bottom > 0 && top < innerHeight && right > 0 && left < innerWidth;
             return [one.dataset.nth ?? '', one === document.body || (isShown && getComputedStyle(one).outlineStyle !== 'none')];
           })()`,
        );
        expect([path, nth, isSeen]).toEqual([path, nth, true]);
        if (nth !== '') reached.add(nth);
      }
      // A summary that has a panel open lends its place to what is in it; nothing else is left out.
      expect([path, reached.size]).toEqual([path, all]);
      await page.close();
    }
  }, 120_000);

  it('takes a filter by keyboard, closes it by Escape, and finds an id by a key', async () => {
    const page = await open('/payments');
    await page.focus('.chip summary');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.name')).toBe('status');
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.activeElement.tagName')).toBe('SUMMARY');
    await page.keyboard.press('Enter');
    await page.selectOption('[name=status]', 'succeeded');
    await page.click('details[open] button');
    await page.waitForURL(/status=succeeded/);
    expect(await page.locator('tbody tr').count()).toBe(2);
    await page.keyboard.press('/');
    await page.keyboard.type((await page.getAttribute('.copy', 'data-copy')) ?? '');
    await page.keyboard.press('Enter');
    await page.waitForURL(/payments\/pay_/);
    await page.close();
  });

  it('is read without scripts: every page has all of its rows, figures and ways', async () => {
    const still = await browser.newContext({ javaScriptEnabled: false, storageState: await context.storageState() });
    for (const path of ['', '/payments', '/payments/PAYMENT', '/trial-balance']) {
      const page = await open(path, still);
      expect(await page.isVisible('main h1')).toBe(true);
      expect(await page.locator('.copy:visible').count()).toBe(0);
      if (path === '') expect(await page.isVisible('svg.bars')).toBe(true);
      await page.close();
    }
    const phone = await open('/payments', still);
    await phone.setViewportSize({ width: 390, height: 800 });
    await phone.click('.menu summary');
    await phone.click('nav >> text=Trial balance');
    await phone.waitForURL(/trial-balance/);
    await still.close();
  });

  it('has a cell copied as plain ASCII, whatever is drawn around it', async () => {
    const page = await open('/trial-balance');
    const copied = await page.evaluate<string[]>(
      `[...document.querySelectorAll('td.num')].map((cell) => {
         getSelection().selectAllChildren(cell.querySelector('.cell'));
         return getSelection().toString();
       })`,
    );
    expect(copied.length).toBeGreaterThan(5);
    for (const cell of copied) expect(cell.trim()).toMatch(/^-?\d+(\.\d+)?$/);
    expect(copied.some((cell) => cell.trim().startsWith('-'))).toBe(true);
    expect(copied.map((cell) => cell.trim())).toContain('12345.67');
    expect(await page.locator('data.below').first().innerText()).toMatch(/^minus/);
    await page.close();
  });

  it('repeats the heads of a table on paper, and prints nothing that is only for a screen', async () => {
    const page = await open('/payments');
    await page.emulateMedia({ media: 'print' });
    expect(await page.isVisible('.side')).toBe(false);
    expect(await page.evaluate(`getComputedStyle(document.querySelector('thead')).display`)).toBe('table-header-group');
    await page.goto(at('/payments?amount[gte]=twelve'));
    expect(await page.locator('details[open]').count()).toBe(1);
    expect(await page.locator('.pop:visible').count()).toBe(0);
    await page.close();
  });

  it('says on paper when it was read, in whose zone, and that there is more than is on it', async () => {
    const page = await open('/payments?limit=1&tz=Asia/Tokyo');
    await page.emulateMedia({ media: 'print' });
    const told = await page.locator('.paper').allInnerTexts();
    expect(told[0]).toMatch(/^Demo, Payments\. Read \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, Asia\/Tokyo\.$/);
    expect(told[1]).toBe('These are not all: there are older ones, which are not on this paper.');
    await page.goto(at('/customers/CUSTOMER'));
    expect(await page.locator('.paper:visible').allInnerTexts()).toHaveLength(1);
    await page.goto(at('/accounts/WALLET?limit=1'));
    expect(await page.locator('.entries caption').innerText()).toContain('1 of 3 entries');
    await page.goto(at('/accounts/WALLET?category=refund'));
    expect(await page.locator('.entries caption').innerText()).toContain(
      'Entries of category refund alone, newest first, with the balance after each. The sums above, and the export, are of all 3.',
    );
    await page.close();
  });

  it.each(['print', 'screen'] as const)('draws no id over another, on %s, with scripts and without', async (media) => {
    for (const javaScriptEnabled of [true, false]) {
      const own = await browser.newContext({ javaScriptEnabled, storageState: await context.storageState() });
      const page = await open('/payments/PAYMENT', own);
      await page.emulateMedia({ media });
      const lines = await page.locator('.life .quiet').all();
      for (const line of lines) {
        const codes = await line.locator('code').all();
        const boxes = await Promise.all(codes.map((code) => code.boundingBox()));
        for (const [nth, box] of boxes.entries()) {
          const before = boxes[nth - 1];
          const isBeside = box && before && Math.abs(box.y - before.y) < 4;
          if (isBeside) expect(box.x).toBeGreaterThan(before.x + before.width);
        }
      }
      expect(lines.length).toBeGreaterThan(3);
      await own.close();
    }
  });

  it('is signed out of for good: back leads to no page that was seen', async () => {
    const own = await browser.newContext();
    const page = watch(await own.newPage());
    await page.goto(at('/payments'));
    await page.click('.demo button');
    await page.waitForURL(/\/console\/payments/);
    await page.click('text=Sign out');
    await page.waitForURL(/sign-in/);
    await page.goBack();
    await page.waitForURL(/sign-in/);
    expect(await page.isVisible('table')).toBe(false);
    expect(complaints).toEqual([]);
    await own.close();
  });
});

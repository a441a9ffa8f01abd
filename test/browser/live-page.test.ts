import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { describeInChromium } from '../support/chromium.ts';
import { startSubject, type Subject } from '../proof/stalls/subject.ts';
import { startWorld } from '../support/service.ts';

describeInChromium('the live page', (launch) => {
  let browser: Browser;
  let subject: Subject;
  beforeAll(async () => {
    subject = await startSubject();
    browser = await launch();
  }, 60_000);
  afterAll(async () => {
    await subject.stop();
  });

  /** A page of that width, and what it complained of. */
  const open = async (url: string, width: number): Promise<{ page: Page; complaints: string[] }> => {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    const complaints: string[] = [];
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    await page.goto(url);
    return { page, complaints };
  };

  it.each([390, 1280])('fits a screen of %d pixels, and shows the figures of now', async (width) => {
    const { page, complaints } = await open(subject.opsUrl, width);
    await page.waitForSelector('text=Ready');
    await page.waitForSelector('#lag canvas');
    const tiles = await page.textContent('#tiles');
    for (const label of ['loop delay', 'loop busy', 'database', 'Stripe', 'in flight', 'unknown outcomes'])
      expect(tiles).toContain(label);
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width);
    expect(complaints).toEqual([]);
    await page.close();
  });

  it('asks for an on-call key where the service has keys, and opens with one', async () => {
    const world = await startWorld();
    const key = await world.createKey('Operations', 'oncall');
    const { page } = await open(world.opsUrl, 1280);
    await page.waitForSelector('text=An on-call key opens it.');
    await page.fill('#secret', key);
    await page.click('button');
    await page.waitForSelector('#checks >> text=database');
    expect(await page.isVisible('#secret')).toBe(false);
    await world.query(
      `insert into contradictions (id, kind, subject, payment_id, detail, seen_at)
       values (gen_random_uuid(), 'second_charge', 'pi_x', '00000000-0000-7000-8000-000000000001', 'two were paid', now())`,
    );
    // A person decides by what happened to the payment, which the console tells.
    const link = page.locator('#contradictions tr:has-text("two were paid") a');
    expect(await link.getAttribute('href')).toBe(`${world.url}/console/payments/pay_00000000000070008000000000000001`);
    await page.waitForSelector('#story .trouble:has-text("Stripe contradicts what was believed")');
    await page.close();
  });

  it('says that nothing answers while the process is stopped, and of when it is what it shows', async () => {
    const { page } = await open(subject.opsUrl, 1280);
    await page.waitForSelector('text=Ready');
    process.kill(subject.pid, 'SIGSTOP');
    await page.waitForSelector('#state.bad:has-text("The ops port does not answer")');
    expect(await page.textContent('#state')).toMatch(/What is shown is of \d\d:\d\d:\d\d\./);
    process.kill(subject.pid, 'SIGCONT');
    await page.waitForSelector('#state:has-text("Ready")');
    await page.close();
  });

  // The last: the application never comes back from it.
  it('shows a stall while it goes on, with its route and function', async () => {
    const { page } = await open(subject.opsUrl, 1280);
    await page.waitForSelector('text=Ready');
    subject.get('/wedge').catch(() => undefined);
    await page.waitForSelector('#state:has-text("Blocked for")');
    await page.waitForSelector('#story .trouble:has-text("has been blocked for") >> text=by GET /wedge');
    await page.waitForSelector('#stalls li:has-text("by GET /wedge (")');
    expect(await page.textContent('#stalls li')).toMatch(/so far .* (at|in a native call of) \w+ .*app\.ts:\d+/);
    await page.close();
  });
});

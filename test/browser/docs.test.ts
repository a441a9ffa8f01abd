import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { beforeAll, expect, it } from '@jest/globals';
import type { Browser, Page } from 'playwright-core';
import { describeInChromium } from '../support/chromium.ts';
import { startWorld, type World } from '../support/service.ts';

describeInChromium('the docs', (launch) => {
  let browser: Browser;
  let world: World;
  beforeAll(async () => {
    world = await startWorld();
    browser = await launch();
  }, 60_000);

  const open = async (width = 1280): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height: 900 } });
    await page.goto(`${world.url}/docs`);
    return page;
  };
  const shown = (page: Page): Promise<string[]> =>
    page.locator('section.find:visible').evaluateAll((parts) => parts.map(({ id }) => id));

  it('find a field, and hide the parts and the headings that do not have it', async () => {
    const page = await open();
    await page.getByRole('searchbox').fill('capture_method');
    expect(await shown(page)).toContain('createPayment');
    expect(await shown(page)).not.toContain('createRefund');
    await expect(page.locator('#refunds').isVisible()).resolves.toBe(false);
    await page.getByRole('searchbox').fill('');
    expect(await shown(page)).toContain('createRefund');
    await page.close();
  });

  it('say so where nothing is found', async () => {
    const page = await open();
    await page.getByRole('searchbox').fill('quagga zebra');
    expect(await shown(page)).toEqual([]);
    await expect(page.getByRole('status').textContent()).resolves.toBe('Nothing is found, in the guide or the routes.');
    await page.close();
  });

  it('have curls of the address at which they were asked for', async () => {
    const page = await open();
    const text = (await page.locator('pre').allTextContents()).join('\n');
    expect(text).toContain(`'${world.url}/v1/payments'`);
    expect(text).not.toContain('127.0.0.1:3000');
    await page.close();
  });

  it.each([1280, 390])(
    'fit a screen of %d pixels, and axe finds nothing',
    async (width) => {
      const page = await open(width);
      await expect(page.evaluate('document.documentElement.scrollWidth')).resolves.toBe(width);
      await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
      const found = await page.evaluate<string[]>(
        `axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        .then(({ violations }) => violations.map(({ id, nodes }) => id + ' ' + nodes[0].html))`,
      );
      expect(found).toEqual([]);
      await page.close();
    },
    60_000,
  );
});

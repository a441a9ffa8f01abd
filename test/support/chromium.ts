/** Suites that need a browser: Debian's Chromium, where it is. */
import { access } from 'node:fs/promises';
import { afterAll, describe } from '@jest/globals';
import { chromium, type Browser } from 'playwright-core';

const CHROMIUM = '/usr/bin/chromium';
const isThere = await access(CHROMIUM).then(
  () => true,
  () => false,
);

/** A suite which is skipped, loudly, where there is no Chromium. What it launches is closed at its end. */
export const describeInChromium = (title: string, suite: (launch: () => Promise<Browser>) => void): void => {
  if (!isThere) console.warn(`SKIPPED: ${title}: it needs ${CHROMIUM}, which is not on this machine.`);
  (isThere ? describe : describe.skip)(title, () => {
    const launched: Browser[] = [];
    afterAll(() => Promise.all(launched.map((browser) => browser.close())));
    suite(async () => {
      // Root has no sandbox of its own in a container.
      const browser = await chromium.launch({
        executablePath: CHROMIUM,
        args: ['--no-sandbox', '--disable-dev-shm-usage'],
      });
      launched.push(browser);
      return browser;
    });
  });
};

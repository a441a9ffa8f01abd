import { beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { pino } from 'pino';
import type { Browser, Page } from 'playwright-core';
import { describeInChromium } from '../support/chromium.ts';
import { lastMidnight, seedShop } from '../../src/demo/seed.ts';
import { idAt } from '../../src/domain/ids.ts';
import { micros } from '../../src/domain/time.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { createSeeding } from '../../src/storage/seed.ts';
import { startWorld, type Client, type World } from '../support/service.ts';

const NAME = 'A year of a shop';
const NOW = Date.now();
const DAY_MS = 24 * 3600 * 1000;
const dayAgo = (days: number): string => new Date(NOW - days * DAY_MS).toISOString().slice(0, 10);
/** With clocks that change, on either half of the year, at a quarter of an hour, at midnight, and ahead of all. */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Pacific/Kiritimati',
  'Africa/Cairo',
];

interface Statement {
  readonly opening: string;
  readonly debits: string;
  readonly credits: string;
  readonly closing: string;
  readonly count: number;
  readonly from: string;
  readonly to: string;
}
interface Cell {
  readonly minor: string;
  readonly text: string;
}

describeInChromium('the figures of the console', (launch) => {
  let browser: Browser;
  let world: World;
  let page: Page;
  let api: Client;
  let accounts: readonly string[];

  beforeAll(async () => {
    world = await startWorld();
    const log = pino({ level: 'silent' });
    const database = openDatabase({ url: world.databaseUrl, poolMin: 0, poolMax: 2, acquireTimeoutMs: 10_000, log });
    const merchant = idAt('mer', NAME, micros(0));
    const seeded = await seedShop(createSeeding(database.pool), {
      ...{ merchant, name: NAME, seed: 3, transfers: 4_000, until: lastMidnight(NOW) },
    });
    seeded._unsafeUnwrap();
    const key = (await createKeys(database.pool).create(NAME, 'finance', 'test'))._unsafeUnwrap().secret;
    await database.close();
    api = world.as(key);
    const rows = await world.query<{ id: string }>(
      `select replace(id::text, '-', '') as id from accounts where merchant_id = $1
       order by sequence desc limit 12`,
      [merchant.slice(4)],
    );
    accounts = rows.map(({ id }) => `acct_${id}`);
    browser = await launch();
    page = await browser.newPage();
    await page.goto(`${world.url}/console/sign-in`);
    await page.fill('#key', key);
    await page.click('.sign-in button');
    await page.waitForURL(/\/console$/);
  }, 120_000);

  /** The cells with an amount, of the table below that heading or caption. */
  const amountsIn = (selector: string): Promise<Cell[][]> =>
    page.evaluate<Cell[][]>(
      `[...document.querySelectorAll(${JSON.stringify(selector)})].map((row) =>
         [...row.querySelectorAll('data')].map((data) => ({
           minor: data.value,
           text: [...data.childNodes].filter((one) => one.className !== 'said').map((one) => one.textContent).join(''),
         })))`,
    );
  const decimalOf = (minor: string, exponent = 2): string => {
    const digits = minor.replace('-', '').padStart(exponent + 1, '0');
    return `${minor.startsWith('-') ? '-' : ''}${digits.slice(0, -exponent)}.${digits.slice(-exponent)}`;
  };

  it('of a statement are those of the API and of the database, for random spans, zones and accounts', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat({ max: 11 }),
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 0, max: 400 }),
        fc.constantFrom(...ZONES),
        async (nth, a, b, tz) => {
          const account = accounts[nth % accounts.length]!;
          const [from, to] = [dayAgo(Math.max(a, b) + 1), dayAgo(Math.min(a, b) + 1)];
          const span = new URLSearchParams({ from, to, tz }).toString();
          const { text } = await api.get(`/v1/accounts/${account}/statement?${span}`);
          const told = JSON.parse(text) as Statement;

          const response = await page.goto(`${world.url}/console/accounts/${account}?limit=100&${span}`);
          expect(response?.status()).toBe(200);
          const [sums] = await amountsIn('main .block table:first-of-type tbody tr');
          expect(sums?.map(({ minor }) => minor)).toEqual([told.opening, told.debits, told.credits, told.closing]);
          for (const { minor, text: shown } of sums ?? []) expect(shown).toBe(decimalOf(minor));
          expect(await page.textContent('.actions')).toContain(
            `Export ${told.count.toLocaleString('en')} ${told.count === 1 ? 'entry' : 'entries'}`,
          );

          const [row] = await world.query<{ opening: string; debits: string; credits: string; count: string }>(
            `select coalesce(sum(side * amount) filter (where posted_at < start), 0)::text as opening,
               coalesce(sum(amount) filter (where side < 0 and posted_at >= start), 0)::text as debits,
               coalesce(sum(amount) filter (where side > 0 and posted_at >= start), 0)::text as credits,
               count(*) filter (where posted_at >= start)::text as count
             from (select amount, posted_at, 1 as side from transfers where credit = $1
                   union all select amount, posted_at, -1 from transfers where debit = $1) t,
               (select $2::timestamp at time zone $4 as start, $3::timestamp at time zone $4 as stop) span
             where posted_at < stop`,
            [account.slice(5), from, to, tz],
          );
          expect([row?.opening, row?.debits, row?.credits, Number(row?.count)]).toEqual([
            ...[told.opening, told.debits, told.credits, told.count],
          ]);

          const entries = JSON.parse((await api.get(`/v1/accounts/${account}/entries?limit=100&${span}`)).text) as {
            data: { amount: string; balance_after: string }[];
          };
          const shown = await amountsIn('.entries tbody tr');
          expect(shown.map((cells) => cells.map(({ minor }) => minor))).toEqual(
            entries.data.map((entry) => [entry.amount, entry.balance_after]),
          );
        },
      ),
      { numRuns: 40 },
    );
  }, 120_000);

  it('of a trial balance are those of the API and of the database, for random dates and zones', async () => {
    interface Line extends Statement {
      readonly kind: string;
    }
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 400 }), fc.constantFrom(...ZONES), async (ago, tz) => {
        const query = new URLSearchParams({ as_of: dayAgo(ago + 1), tz }).toString();
        const { currencies } = JSON.parse((await api.get(`/v1/trial_balance?${query}`)).text) as {
          currencies: (Statement & { currency: string; accounts: Line[] })[];
        };
        await page.goto(`${world.url}/console/trial-balance?${query}`);
        const figures = ({ opening, debits, credits, closing }: Statement): string[] => [
          opening,
          debits,
          credits,
          closing,
        ];
        const shown = await amountsIn('main tbody tr');
        expect(shown.map((cells) => cells.map(({ minor }) => minor))).toEqual(
          currencies.flatMap(({ accounts: lines }) => lines.map(figures)),
        );
        const totals = await amountsIn('main tfoot tr');
        expect(totals.map((cells) => cells.map(({ minor }) => minor))).toEqual(currencies.map(figures));
        const rows = await world.query<{ currency: string; moved: string }>(
          `select t.currency, sum(amount)::text as moved from transfers t join merchants m on m.id = t.merchant_id
           where m.name = $1 and posted_at < ($2::date + 1)::timestamp at time zone $3 group by 1 order by 1`,
          [NAME, dayAgo(ago + 1), tz],
        );
        expect(rows.map(({ moved }) => moved)).toEqual(
          currencies.filter(({ debits }) => debits !== '0').map(({ debits }) => debits),
        );
      }),
      { numRuns: 25 },
    );
  }, 120_000);

  it('of an export are those of the page, row for row', async () => {
    const account = accounts[0]!;
    const span = new URLSearchParams({ from: dayAgo(60), to: dayAgo(30), tz: 'Europe/Berlin' }).toString();
    await page.goto(`${world.url}/console/accounts/${account}?limit=100&${span}`);
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('.actions a:first-child')]);
    const csv = await (await download.createReadStream()).toArray();
    const [head = '', ...lines] = Buffer.concat(csv as Buffer[])
      .toString()
      .trim()
      .split(/\r?\n/);
    const place = head.split(',').indexOf('balance_after_minor');
    const shown: string[] = [];
    for (;;) {
      shown.push(...(await amountsIn('.entries tbody tr')).map((cells) => cells.at(-1)?.minor ?? ''));
      const older = page.locator('.pager a', { hasText: 'Older' });
      if ((await older.count()) === 0) break;
      await older.click();
    }
    expect(shown.length).toBeGreaterThan(10);
    const cellsOf = (line: string): string[] =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)].map(([, cell = '']) => cell);
    expect(lines.map((line) => cellsOf(line)[place]).toReversed()).toEqual(shown);
  }, 60_000);

  it('of activity open to the entries that make them, and a payout to lines that come to it', async () => {
    const span = new URLSearchParams({ from: dayAgo(40), to: dayAgo(5), tz: 'Europe/Berlin' }).toString();
    await page.goto(`${world.url}/console/activity?${span}`);
    const rows = await page.locator('main tbody tr:has(th a)').all();
    const told = await Promise.all(
      rows.map(async (row) => ({
        href: (await row.locator('th a').getAttribute('href')) ?? '',
        gross: (await row.locator('data').first().getAttribute('value')) ?? '',
      })),
    );
    expect(told.length).toBeGreaterThan(4);
    let payout = '';
    for (const { href, gross } of told) {
      await page.goto(`${world.url}${href}&limit=100`);
      let sum = 0n;
      for (;;) {
        const moved = await page.evaluate<[string, string][]>(
          `[...document.querySelectorAll('.entries tbody tr')].map((row) => {
             const cells = [...row.querySelectorAll('td.num')];
             return [-3, -2].map((nth) => cells.at(nth).querySelector('data')?.value ?? '0');
           })`,
        );
        sum = moved.reduce((all, [debit, credit]) => all + BigInt(debit) - BigInt(credit), sum);
        const older = page.locator('.pager a', { hasText: 'Older' });
        if ((await older.count()) === 0) break;
        await older.click();
      }
      expect([href, String(sum)]).toEqual([href, gross]);
      if (href.includes('payout'))
        payout = (await page.locator('a[href*="/payouts/"]').first().getAttribute('href')) ?? '';
    }
    await page.goto(`${world.url}${payout}?limit=100`);
    const lines = await amountsIn('main tbody tr');
    const [foot] = await amountsIn('main tfoot tr');
    const sumOf = (nth: number): string =>
      String(lines.reduce((all, cells) => all + BigInt(cells[nth]?.minor ?? 0), 0n));
    expect(foot?.map(({ minor }) => minor)).toEqual([sumOf(0), sumOf(1), sumOf(2)]);
  }, 120_000);

  it('of the overview are those of the API: what was charged by day, and the trial balance', async () => {
    const volume = JSON.parse((await api.get(`/v1/volume?from=${dayAgo(29)}`)).text) as {
      currencies: { currency: string; captured: string; days: { day: string; captured: string }[] }[];
    };
    expect(volume.currencies.length).toBeGreaterThan(1);
    for (const { currency, captured, days } of volume.currencies) {
      await page.goto(`${world.url}/console?currency=${currency}`);
      expect(await page.getAttribute('.figure data', 'value')).toBe(captured);
      const shown = await amountsIn('figure tbody tr');
      const whole = shown.reduce((sum, [cell]) => sum + BigInt(cell?.minor ?? 0), 0n);
      expect([shown.length, String(whole)]).toEqual([30, captured]);
      expect(shown.filter(([cell]) => cell?.minor !== '0').length).toBe(
        days.filter((day) => day.captured !== '0').length,
      );
    }
    const { body } = await api.get('/v1/trial_balance');
    await page.goto(`${world.url}/console/trial-balance`);
    const totals = await amountsIn('main tfoot tr');
    expect(totals.map((cells) => cells.map(({ minor }) => minor))).toEqual(
      body.currencies.map(({ debits, credits }) => ['0', debits, credits, '0']),
    );
  }, 60_000);
});

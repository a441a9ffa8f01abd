/** Seeds a year of a shop, as large as it is asked for, as a merchant of its own. */
import { idAt } from '../src/domain/ids.ts';
import { micros } from '../src/domain/time.ts';
import { lastMidnight, seedShop } from '../src/demo/seed.ts';
import { createLogger } from '../src/log.ts';
import { openDatabase } from '../src/storage/database.ts';
import { createKeys } from '../src/storage/keys.ts';
import { createSeeding } from '../src/storage/seed.ts';
import { commandLine, count, misused } from './command-line.ts';
import { fail, runTool, withDatabase } from './database.ts';

const HELP = `
npm run demo -- [--transfers N] [--seed N] [--until DATE] [--name NAME]

Makes up a year of a shop, and writes it into the embedded database as a merchant of its own: customers, charges, declines,
refunds, disputes, payouts, fees, orders and prints in three currencies, a hundred transfers for each customer. The service
may run meanwhile. It ends with keys of that merchant: sign in to the console with the first.

  --transfers N  roughly how many transfers (100000)
  --seed N       another year than seed 1's; the same seed and date give the same rows
  --until DATE   the day before which the year ends, as 2026-03-31 (today)
  --name NAME    of the merchant ("Demo shop, N transfers, seed N, to DATE")

What it charged is not at the Stripe sandbox: its PaymentIntents are called pi_demo…, and Stripe has no refund for them.
`;

const readOptions = () => {
  const values = commandLine(HELP, {
    transfers: { type: 'string', default: '100000' },
    seed: { type: 'string', default: '1' },
    until: { type: 'string' },
    name: { type: 'string' },
  });
  const transfers = count('transfers', values.transfers);
  const seed = count('seed', values.seed, 0);
  const untilMs = values.until === undefined ? Date.now() : Date.parse(`${values.until}T00:00:00Z`);
  if (!(untilMs <= Date.now())) return misused('--until takes a date that has begun, as 2026-03-31');
  const until = values.until === undefined ? lastMidnight(untilMs) : micros(untilMs);
  const date = new Date(Number(until / 1000n)).toISOString().slice(0, 10);
  const name = values.name ?? `Demo shop, ${transfers} transfers, seed ${seed}, to ${date}`;
  // The rows follow from the options: so do the ids, and the merchant's first.
  return { merchant: idAt('mer', name, micros(0)), name, seed, transfers, until };
};

const BAR = 40;
const draw = (done: number, of: number, startedAt: number): void => {
  const part = Math.min(1, done / of);
  const filled = Math.round(BAR * part);
  const rate = Math.round((done / (performance.now() - startedAt)) * 1000);
  const line = `${'█'.repeat(filled)}${'░'.repeat(BAR - filled)} ${done.toLocaleString('en')} transfers, ${rate.toLocaleString('en')} a second`;
  if (process.stderr.isTTY) process.stderr.write(`\r${line}`);
};

const options = readOptions();

await runTool(() =>
  withDatabase(async ({ config, url }) => {
    if (config.database.kind === 'url') fail('it writes into the embedded database alone: unset DATABASE_URL');
    const database = openDatabase({
      ...{ url, poolMin: 0, poolMax: 1, acquireTimeoutMs: config.pool.acquireTimeoutMs },
      log: createLogger('warn', process.stderr),
    });
    try {
      const startedAt = performance.now();
      const seeded = await seedShop(createSeeding(database.pool), options, (done) =>
        draw(done, options.transfers, startedAt),
      );
      if (process.stderr.isTTY) process.stderr.write('\n');
      const transfers = seeded.match(
        (written) => written,
        (error) =>
          fail(
            /merchants_(name_key|pkey)/.test(String(error.cause))
              ? `"${options.name}" is here already: another --seed, --until or --name makes another`
              : `${error.message} ${String(error.cause)}`,
          ),
      );
      const tookS = (performance.now() - startedAt) / 1000;
      console.log(
        `${options.name}: ${transfers.toLocaleString('en')} transfers in ${tookS.toFixed(1)} s, ` +
          `${Math.round(transfers / tookS).toLocaleString('en')} a second`,
      );
      const keys = createKeys(database.pool);
      for (const role of ['finance', 'secret'] as const)
        console.log(
          (await keys.create(options.name, role, 'test')).match(
            ({ secret }) => `${role.padEnd(8)} ${secret}`,
            ({ message }) => fail(message),
          ),
        );
    } finally {
      await database.close();
    }
  }),
);

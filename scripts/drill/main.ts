/** `npm run drill`: makes one of the nights of on-call, on the demo alone, and says what is to be seen of it where. */
import { setTimeout as sleep } from 'node:timers/promises';
import { commandWords, count, misused, oneOf } from '../command-line.ts';
import { findDemo, type Demo } from './demo.ts';
import { DRILLS, type Drill } from './drills.ts';

const USAGE = `npm run drill -- ${Object.keys(DRILLS).join('|')} [options]
npm run drill -- end

Makes that night on a demo that runs (npm start in another terminal), tells what its live page says, and ends it again:

${Object.entries(DRILLS)
  .map(([name, { what, seconds }]) => `  ${name.padEnd(11)}${what} (${seconds} s)`)
  .join('\n')}
  end        takes away what a drill that was killed has left

  --seconds N    how long it lasts
  --api URL      where the API is (http://127.0.0.1:3000)
  --ops URL      the ops port (http://127.0.0.1:3001)
  --sandbox URL  the Stripe sandbox (http://127.0.0.1:3002)
  DATA_DIR       as for npm start (.data)
`;

const { values, words } = commandWords(USAGE, {
  seconds: { type: 'string' },
  api: { type: 'string', default: `http://127.0.0.1:${process.env['PORT'] ?? '3000'}` },
  ops: { type: 'string', default: `http://127.0.0.1:${process.env['OPS_PORT'] ?? '3001'}` },
  sandbox: { type: 'string', default: `http://127.0.0.1:${process.env['SANDBOX_PORT'] ?? '3002'}` },
});
const [word, ...more] = words;
if (more.length > 0) misused(`there is no "${more.join(' ')}" here`);
const name = oneOf('which night', word, [...Object.keys(DRILLS), 'end']);
const given = values.seconds === undefined ? undefined : count('seconds', values.seconds);

const print = (text: string): void => void process.stdout.write(`${text}\n`);
const LOOK_EVERY_MS = 1_000;
/** Until what a drill has left is mended, and for how long a person is told. */
const AFTER_MS = 60_000;

/** Tells what the page says each time that it says something else; resolves when it says nothing after the end. */
const watch = async ({ story }: Demo, startedAt: number, isOver: () => boolean): Promise<void> => {
  let before = '';
  let overAt: number | undefined;
  for (;;) {
    const troubles = await story().catch((error: unknown) => [
      { level: 'gone', what: error instanceof Error ? error.message : String(error), detail: '', heading: '' },
    ]);
    const now = troubles.map(({ level, what }) => `${level}: ${what}`).join(' | ') || 'nothing is wrong';
    // That a count went on is no news.
    const kinds = now.replaceAll(/[\d.]+/g, '');
    if (kinds !== before) print(`  ${Math.round((performance.now() - startedAt) / 1000)} s  the page says  ${now}`);
    before = kinds;
    if (isOver()) overAt ??= performance.now();
    // Stalls of the last five minutes stay there; what does not is mended by now.
    const isCalm = troubles.every(({ what }) => what.includes('last five minutes'));
    if (overAt !== undefined && (isCalm || performance.now() - overAt > AFTER_MS)) return;
    await sleep(LOOK_EVERY_MS);
  }
};

const drill = async (demo: Demo, { what, page, log, alert, heading, run, seconds: usual }: Drill): Promise<void> => {
  const seconds = given ?? usual;
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => ending.abort());
  print(`${name}: ${what}, for ${seconds} s. Ctrl-C ends it.

  Look at   ${demo.opsUrl}
  page      ${page}
  log       ${log}
  alert     ${alert}
  then do   ${demo.opsUrl}/runbook#${heading}
`);
  const startedAt = performance.now();
  let over = false;
  const watching = watch(demo, startedAt, () => over);
  await run(demo, seconds, ending.signal).finally(() => (over = true));
  print(`  ${Math.round((performance.now() - startedAt) / 1000)} s  the drill is over, and what it did is taken away`);
  await watching;
};

const main = async (): Promise<void> => {
  const places = { apiUrl: values.api, opsUrl: values.ops, sandboxUrl: values.sandbox };
  const dataDir = process.env['DATA_DIR'] ?? '.data';
  const demo = await findDemo({ ...places, dataDir });
  const chosen = DRILLS[name];
  if (chosen) return drill(demo, chosen);
  await demo.mendStripe();
  await demo.openDatabase(true);
  print('Stripe answers again, and the database lets everyone in.');
};

await main().catch((error: unknown) => {
  process.stderr.write(`drill: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
});
// A request that hangs still is no reason to stay.
process.exit();

/**
 * `npm run verdict`: what makes the service slow, what that costs and what would mend it, from the running service's own
 * records; with the figures of the bill, whether a rewrite would pay.
 */
import { commandLine } from './command-line.ts';

const HELP = `npm run verdict -- [options]

Asks a running service what its event loop spends its time on, and what would mend it.

  --minutes 60        the window that is judged
  --instances N       how many run, --instance-usd N what each costs a month
  --rewrite-usd N     what a rewrite would cost, --speedup N how many times less CPU it would take; with one of these
                      four, it says whether a rewrite pays. The others are then 32, 375, 180000 and 8
  --url, --key        the ops port, and an on-call key (or ONCALL_KEY)
  --json              the figures
`;

const values = commandLine(HELP, {
  url: { type: 'string', default: `http://127.0.0.1:${process.env['OPS_PORT'] ?? '3001'}` },
  key: { type: 'string', default: process.env['ONCALL_KEY'] ?? 'ok_test_demo' },
  minutes: { type: 'string' },
  instances: { type: 'string' },
  'instance-usd': { type: 'string' },
  'rewrite-usd': { type: 'string' },
  speedup: { type: 'string' },
  json: { type: 'boolean', default: false },
});

const ask = async (): Promise<string> => {
  const url = new URL('/verdict', values.url);
  for (const name of ['minutes', 'instances', 'instance-usd', 'rewrite-usd', 'speedup'] as const) {
    const value = values[name];
    if (value !== undefined) url.searchParams.set(name.replace('-', '_'), value);
  }
  const accept = values.json ? 'application/json' : 'text/plain';
  const reply = await fetch(url, { headers: { Authorization: `Bearer ${values.key}`, Accept: accept } });
  const text = await reply.text();
  if (!reply.ok) throw new Error((JSON.parse(text) as { error: { message: string } }).error.message);
  return text;
};

await ask().then(
  (text) => void process.stdout.write(text),
  (error: unknown) => {
    const why = error instanceof TypeError ? `${values.url} does not answer: start the service first` : String(error);
    process.stderr.write(`verdict: ${why}\n`);
    process.exitCode = 1;
  },
);

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createSandbox } from './sandbox.ts';
import { serve } from './serve.ts';
import { faultKinds } from './faults.ts';
import { ensureEndpoint } from './endpoints.ts';
import { createRecorder } from './record.ts';
import { openStore } from './sqlite.ts';
import type { Store } from './store.ts';

const HELP = `A Stripe sandbox: Stripe's HTTP interface for card payments, with no money behind it.

  npm run sandbox

Environment:
  SANDBOX_PORT  where it listens, 0 for any free port   (default 3002)
  HOST          the address it listens on               (default 127.0.0.1)
  DATA_DIR      where sandbox.sqlite is kept            (default .data)
  SANDBOX_WEBHOOK_URL     an address that is told of every event       (default none)
  SANDBOX_WEBHOOK_SECRET  what those deliveries are signed with        (default whsec_sandbox)
  SANDBOX_REPLIES         a file to which every reply is added, once for each shape, one JSON object a line
                          {"method","path","status","body"}             (default none)

Any key of the form sk_test_… opens it, and the test payment methods of https://docs.stripe.com/testing pay.
It prints "listening on http://…" when it is ready, and stops on SIGTERM.

Open it in a browser: it pays with any test card, shows each payment's life on one page, moves the clock, sets faults and
sends events by hand; /_sandbox/help says what it covers and what it does not, with an example in each of Stripe's
libraries. Beside Stripe's routes it has:
  GET    /_sandbox/health                {"ok":true,"pid":1,"file":"…/sandbox.sqlite"}
  GET    /_sandbox/count                 how many requests, intents, charges, refunds …
  GET    /_sandbox/export                every payment intent with its charges, one JSON object a line
  POST   /_sandbox/clock                 {"advance_s":90000} moves its clock forward, and does all that falls due
  POST   /_sandbox/faults                {"kind":"reset_after","method":"POST","path":"/v1/payment_intents","count":1}
  GET    /_sandbox/faults                those that are set, and how often each has struck
  DELETE /_sandbox/faults, …/:id         removes them, and lets go of what hangs
  POST   /_sandbox/payouts               {"currency":"usd"} pays out all that is available, as Stripe does every day
  POST   /_sandbox/past                  {"payments":[…],"payouts":[…]} remembers what was made up elsewhere, as a demo does
  POST   /_sandbox/events/:id/send       sends an event to every endpoint once more

A fault for one request alone: the header "Sandbox-Fault: latency=500, truncate=120". The kinds:
  ${faultKinds.join(', ')}
`;

/** What is in flight gets this long when the sandbox is told to stop; a hung reply is cut off then. */
const STOP_WITHIN_MS = 2000;

const fail = (message: string): never => {
  process.stderr.write(`sandbox: ${message}\n`);
  process.exit(1);
};

/** Of the environment, where a variable that is empty is as good as none. */
const setting = (name: string): string | undefined => (process.env[name] === '' ? undefined : process.env[name]);

const open = (folder: string): Store => {
  const file = join(folder, 'sandbox.sqlite');
  try {
    mkdirSync(folder, { recursive: true });
    return openStore(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const hint = reason === 'database is locked' ? ': another sandbox is using it' : '';
    return fail(`cannot open ${file}: ${reason}${hint}`);
  }
};

const main = (): void => {
  if (process.argv.includes('--help')) {
    process.stdout.write(HELP);
    return;
  }
  const unknown = process.argv[2];
  if (unknown !== undefined) fail(`there is no option ${unknown}; --help explains what there is`);
  const given = setting('SANDBOX_PORT') ?? '3002';
  const host = setting('HOST') ?? '127.0.0.1';
  const folder = setting('DATA_DIR') ?? '.data';
  const port = /^\d{1,5}$/.test(given) ? Number(given) : NaN;
  if (!(port <= 65_535)) fail(`SANDBOX_PORT is '${given}', and must be a whole number from 0 to 65535`);

  let origin = `http://${host}:${port}`;
  const sandbox = createSandbox(open(folder), () => origin);
  const webhookUrl = setting('SANDBOX_WEBHOOK_URL');
  if (webhookUrl !== undefined && URL.parse(webhookUrl) === null) {
    fail(`SANDBOX_WEBHOOK_URL is '${webhookUrl}', and must be a URL`);
  }
  if (webhookUrl !== undefined) {
    ensureEndpoint(sandbox.scope(), webhookUrl, setting('SANDBOX_WEBHOOK_SECRET') ?? 'whsec_sandbox');
  }
  const replies = setting('SANDBOX_REPLIES');
  const { server, stop } = serve(sandbox, replies === undefined ? undefined : createRecorder(replies));
  server.on('error', (cause) => fail(`cannot listen on ${origin}: ${cause.message}`));
  server.listen(port, host, () => {
    const address = server.address();
    if (typeof address === 'object' && address !== null) origin = `http://${host}:${address.port}`;
    process.stdout.write(`listening on ${origin}\n`);
  });

  let stopping = false;
  const onSignal = (): void => {
    if (stopping) return;
    stopping = true;
    server.close(() => {
      stop();
      process.exit(0);
    });
    server.closeIdleConnections();
    setTimeout(() => server.closeAllConnections(), STOP_WITHIN_MS).unref();
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
};

main();

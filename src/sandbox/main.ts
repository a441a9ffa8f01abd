import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createSandbox, serve } from './sandbox.ts';
import { openStore } from './store.ts';

const HELP = `A Stripe sandbox: Stripe's HTTP interface for card payments, with no money behind it.

  npm run sandbox            (or: node src/sandbox/main.ts)

Environment:
  SANDBOX_PORT  where it listens, 0 for any free port   (default 3002)
  HOST          the address it listens on               (default 127.0.0.1)
  DATA_DIR      where sandbox.sqlite is kept            (default .data)

Any key of the form sk_test_… opens it. It prints "listening on http://…" when it is ready, and stops on SIGTERM.
GET /_sandbox/health, /_sandbox/count and /_sandbox/export tell about it.
`;

/** What is in flight gets this long when the sandbox is told to stop; a hung reply is cut off then. */
const STOP_WITHIN_MS = 2000;

const fail = (message: string): never => {
  process.stderr.write(`sandbox: ${message}\n`);
  process.exit(1);
};

const main = (): void => {
  if (process.argv.includes('--help')) {
    process.stdout.write(HELP);
    return;
  }
  const { SANDBOX_PORT: given = '3002', HOST: host = '127.0.0.1', DATA_DIR: folder = '.data' } = process.env;
  const port = /^\d{1,5}$/.test(given) ? Number(given) : NaN;
  if (!(port <= 65_535)) fail(`SANDBOX_PORT is '${given}', and must be a whole number from 0 to 65535`);

  mkdirSync(folder, { recursive: true });
  let origin = `http://${host}:${port}`;
  const sandbox = createSandbox(openStore(join(folder, 'sandbox.sqlite')), () => origin);
  const { server, stop } = serve(sandbox);
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

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import Stripe from 'stripe';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { afterSuite } from '../support/cleanup.ts';

const PROGRAM = fileURLToPath(new URL('../../src/sandbox/main.ts', import.meta.url));

/** A sandbox in a process of its own, that a test may kill and start again over what it left. */
export interface TestSandbox {
  readonly url: string;
  readonly stripe: Stripe;
  /** Any request of a stranger's client: no library, form or JSON as it is given. */
  readonly raw: (method: string, path: string, options?: RawOptions) => Promise<RawReply>;
  /** Moves the clock. */
  readonly advance: (seconds: number) => Promise<void>;
  readonly kill: (signal: NodeJS.Signals) => Promise<number | null>;
  /** Starts it again on the same port and the same data. */
  readonly restart: () => Promise<void>;
}

interface RawOptions {
  readonly body?: string;
  readonly headers?: Record<string, string>;
}

export interface RawReply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // A stranger's reply is whatever it is; tests look into it.
  // eslint-disable-next-line @typescript-eslint/no-explicit-any
  readonly json: any;
}

/** What most tests charge with: a card that works, and no way to be sent elsewhere. */
export const CHARGE: Stripe.PaymentIntentCreateParams & { confirm: boolean; amount: number } = {
  amount: 1250,
  currency: 'usd',
  payment_method: 'pm_card_visa',
  allowed_payment_method_types: ['card'],
  confirm: true,
};

export const startSandbox = async (environment: Record<string, string> = {}): Promise<TestSandbox> => {
  const dataDir = await createTempDir('sandbox');
  let child: ChildProcess;

  const start = async (port: number): Promise<string> => {
    child = spawn(process.execPath, [PROGRAM], {
      env: {
        SANDBOX_REPLIES: process.env['SANDBOX_REPLIES'],
        SANDBOX_PORT: String(port),
        DATA_DIR: dataDir,
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (child.stdout === null) throw new Error('no output');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    child.stdout.destroy();
    const said = /^listening on (http:\S+)\n$/.exec(line.toString())?.[1];
    if (said === undefined) throw new Error(`The sandbox said: ${line.toString()}`);
    return said;
  };
  const kill = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
    const ended = once(child, 'exit');
    child.kill(signal);
    return ((await ended) as [number | null])[0];
  };

  const url = await start(0);
  const port = Number(new URL(url).port);
  afterSuite(async () => {
    await kill('SIGTERM');
    await rm(dataDir, { recursive: true, force: true });
  });
  const raw = async (method: string, path: string, { body, headers }: RawOptions = {}): Promise<RawReply> => {
    const response = await fetch(url + path, {
      method,
      redirect: 'manual',
      headers: {
        Authorization: 'Bearer sk_test_stranger',
        Connection: 'close',
        ...(body === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type') === 'application/json';
    const json: unknown = isJson ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  };
  return {
    url,
    stripe: new Stripe('sk_test_suite', {
      host: '127.0.0.1',
      port,
      protocol: 'http',
      httpClient: Stripe.createFetchHttpClient(),
      maxNetworkRetries: 0,
      telemetry: false,
    }),
    raw,
    advance: async (seconds) => {
      const body = JSON.stringify({ advance_s: seconds });
      await raw('POST', '/_sandbox/clock', { body, headers: { 'Content-Type': 'application/json' } });
    },
    kill,
    restart: async () => {
      await start(port);
    },
  };
};

/** The error of a call that must fail. */
export const failureOf = async (call: Promise<unknown>): Promise<Stripe.errors.StripeError> => {
  const outcome = await call.then(
    (value: unknown) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new Error(`It succeeded: ${JSON.stringify(outcome.value)}`);
  if (!(outcome.error instanceof Stripe.errors.StripeError)) throw outcome.error;
  return outcome.error;
};

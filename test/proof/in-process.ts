/** A service in the proof's own process, whose clock can be moved, on a proof's database and sandbox. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import pino from 'pino';
import { loadConfig } from '../../src/config.ts';
import { createService, type ServiceOptions } from '../../src/service.ts';
import { movableClock, type MovableClock } from '../support/stripe.ts';
import type { World } from '../support/world.ts';

/** Signs what the proof delivers by itself. */
export const WEBHOOK_SECRET = 'whsec_of_the_proof';

export interface Reply {
  readonly status: number;
  // What is read of it is checked where it is read: a proof looks at a handful of fields of many resources.
  readonly body: Readonly<Record<string, unknown>>;
}

export interface InProcess {
  readonly url: string;
  readonly clock: MovableClock;
  readonly get: (path: string) => Promise<Reply>;
  readonly post: (path: string, body: object) => Promise<Reply>;
  readonly remove: (path: string) => Promise<Reply>;
  readonly query: <Row>(text: string, values?: unknown[]) => Promise<Row[]>;
  readonly close: () => Promise<void>;
}

/** How long a request that was shed, or is in the dark, is tried again. */
const TRIES = 100;
const TRY_AGAIN_MS = 100;

export const startInProcess = async (
  { sandboxUrl, apiKey }: Pick<World, 'sandboxUrl' | 'apiKey'>,
  databaseUrl: string,
  { hearsWebhooks = false, alter }: { readonly hearsWebhooks?: boolean; readonly alter?: ServiceOptions['alter'] } = {},
): Promise<InProcess> => {
  const config = loadConfig({
    PORT: '0',
    OPS_PORT: '0',
    LOG_LEVEL: 'fatal',
    // A proof may pass years, and its judge asks of each payment whether it was told of.
    EVENT_DAYS: '3650',
    DATABASE_URL: databaseUrl,
    // A service that knows it for a sandbox has its webhooks sent to itself.
    ...(hearsWebhooks
      ? { STRIPE_SECRET_KEY: 'sandbox' }
      : { STRIPE_SECRET_KEY: 'sk_test_sandbox', STRIPE_API_BASE: sandboxUrl }),
    STRIPE_WEBHOOK_SECRET: WEBHOOK_SECRET,
  })._unsafeUnwrap();
  const clock = movableClock();
  const service = createService({
    config,
    databaseUrl,
    stripe: {
      secretKey: 'sk_test_sandbox',
      apiBase: sandboxUrl,
      webhookSecrets: [WEBHOOK_SECRET],
      methodTypes: ['card', 'sepa_debit'],
    },
    log: pino({ level: 'silent' }),
    clock,
    ...(alter === undefined ? {} : { alter }),
  });
  const { apiUrl } = (await service.listen())._unsafeUnwrap();
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  const headers = { Authorization: `Bearer ${apiKey}` };
  const read = async (response: Response): Promise<Reply> => ({
    status: response.status,
    body: (await response.json()) as Reply['body'],
  });

  /** As a good client: the same key until the answer is final. */
  const post = async (path: string, body: object): Promise<Reply> => {
    const init = {
      method: 'POST',
      headers: { ...headers, 'Content-Type': 'application/json', 'Idempotency-Key': randomUUID() },
      body: JSON.stringify(body),
    };
    for (let tries = 1; ; tries++) {
      const reply = await read(await fetch(apiUrl + path, init));
      const isFinal = reply.status < 429 && !JSON.stringify(reply.body).includes('"idempotency_key_in_use"');
      if (isFinal || tries === TRIES) return reply;
      await new Promise((wake) => setTimeout(wake, TRY_AGAIN_MS));
    }
  };
  return {
    url: apiUrl,
    clock,
    get: async (path) => read(await fetch(apiUrl + path, { headers })),
    post,
    remove: async (path) => read(await fetch(apiUrl + path, { method: 'DELETE', headers })),
    query: async <Row>(text: string, values: unknown[] = []) => (await pool.query(text, values)).rows as Row[],
    close: async () => {
      await pool.end();
      (await service.close(5_000))._unsafeUnwrap();
    },
  };
};

/**
 * What outlives a deployment beside charges: disputes and refunds that one version has seen begin and another sees end,
 * keys that are repeated weeks later, and secrets that are replaced meanwhile.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createClient, createWallets, type Client } from './load.ts';
import type { Seen } from './judge.ts';
import type { Random } from './random.ts';
import type { Stripe } from '../support/stripe.ts';

export interface FatesOptions {
  readonly urls: () => readonly string[];
  readonly apiKey: string;
  readonly databaseUrl: string;
  readonly stripe: Stripe;
  readonly random: Random;
}

export interface Fates {
  /**
   * Goes on with what was begun in earlier steps, begins as much again, asks for every reply once more, and replaces the
   * endpoint's secret.
   */
  readonly step: () => Promise<void>;
  /** Waits until all that Stripe has told is applied. */
  readonly finish: () => Promise<{ readonly seen: readonly Seen[]; readonly complaints: readonly string[] }>;
  /** What was begun and what was asked for again, in numbers. */
  readonly counts: () => { readonly payments: number; readonly moved: number; readonly repeats: number };
}

type Move = (stripe: Stripe, intent: string) => Promise<unknown>;
interface Kind {
  readonly card: string;
  /** Asked for here, as soon as it is paid. */
  readonly refund?: number;
  /** What becomes of it at Stripe in the steps after. */
  readonly moves: readonly Move[];
}

const AMOUNT = 2_000;
const decide =
  (evidence: string): Move =>
  async (stripe, intent) => {
    const { data } = await stripe.get(`/v1/disputes?payment_intent=${intent}`);
    const id = data[0]?.id;
    if (id !== undefined) await stripe.post(`/v1/disputes/${id}`, { 'evidence[uncategorized_text]': evidence });
  };
const back: Move = (stripe, intent) => stripe.post('/v1/refunds', { payment_intent: intent, amount: '300' });
const wait: Move = () => Promise.resolve();

/** Each of them in each step: so that every pair of versions, one after the other, meets every kind. */
const KINDS: readonly Kind[] = [
  { card: 'pm_card_createDispute', moves: [decide('winning_evidence')] },
  { card: 'pm_card_createDispute', moves: [decide('losing_evidence')] },
  { card: 'pm_card_createDispute', moves: [wait, decide('winning_evidence')] },
  { card: 'pm_card_createDispute', moves: [wait, decide('losing_evidence')] },
  { card: 'pm_card_visa', moves: [back, wait, back] },
  { card: 'pm_card_visa', refund: 500, moves: [back] },
  { card: 'pm_card_pendingRefund', refund: 400, moves: [wait, back] },
  { card: 'pm_card_refundFail', refund: 600, moves: [] },
];

interface Begun {
  readonly id: string;
  readonly moves: Move[];
}

/** Webhooks bring most within a second; what none has brought is read from Stripe's list. */
const APPLIED_TIMEOUT_MS = 60_000;

export const startFates = async (options: FatesOptions): Promise<Fates> => {
  const { urls, apiKey, databaseUrl, stripe, random } = options;
  const client: Client = createClient({ urls, apiKey, random });
  const complaints: string[] = [];
  const [wallet] = await createWallets({ client, url: () => urls()[0] ?? '', apiKey, count: 1 });
  const made: { readonly operation: string; readonly key: string; readonly body: object }[] = [];
  const begun: Begun[] = [];
  let steps = 0;
  let moved = 0;
  let repeats = 0;

  const ask = async <Row>(statement: string, values: readonly unknown[] = []): Promise<Row[]> => {
    const db = new pg.Client(databaseUrl);
    await db.connect();
    return db
      .query(statement, [...values])
      .then(({ rows }) => rows as Row[])
      .finally(() => db.end());
  };
  const send = (operation: string, key: string, body: object): Promise<Seen | undefined> => {
    made.push({ operation, key, body });
    return client.send({ operation, key, body });
  };

  const begin = async ({ card, refund, moves }: Kind, key: string): Promise<void> => {
    const payment = { customer: wallet.customer, amount: AMOUNT, currency: 'usd', payment_method: card, confirm: true };
    const paid = await send('POST /v1/payments', key, payment);
    if (paid?.status !== 201) return;
    const { id } = JSON.parse(paid.body) as { id: string };
    begun.push({ id, moves: [...moves] });
    if (refund !== undefined) await send('POST /v1/refunds', `${key}-refund`, { payment: id, amount: refund });
  };

  const goOn = async ({ id, moves }: Begun): Promise<void> => {
    const move = moves.shift();
    const [row] = await ask<{ intent: string | null }>('select intent from payments where id = $1', [id.slice(4)]);
    if (!move || !row?.intent) return;
    await move(stripe, row.intent);
    moved++;
  };

  const [endpoint] = await ask<{ id: string }>(
    `insert into webhook_endpoints (merchant_id, id, url, enabled_events, status, secret, created_at)
     select merchant_id, 'ffffffff-0000-7000-8000-000000000000', 'https://example.com/', '{}', 'enabled', 'whsec_first', now()
     from customers where id = $1 returning id`,
    [wallet.customer.slice(4)],
  );
  /** By whichever version: what was replaced just now signs in the eyes of both. */
  const rotate = async (): Promise<void> => {
    const at = `from webhook_endpoints where id = '${endpoint?.id ?? ''}'`;
    const [before] = await ask<{ secret: string }>(`select secret ${at}`);
    const all = urls();
    const response = await fetch(
      `${all[random.integer(0, all.length - 1)] ?? ''}/v1/webhook_endpoints/we_${(endpoint?.id ?? '').replaceAll('-', '')}/rotate_secret`,
      { method: 'POST', headers: { authorization: `Bearer ${apiKey}` } },
    );
    if (!response.ok) complaints.push(`a secret was not replaced: ${response.status} ${await response.text()}`);
    const [after] = await ask<{ previous: string | null }>(
      `select case when previous_secret_until > now() then previous_secret end as previous ${at}`,
    );
    if (response.ok && after?.previous !== before?.secret)
      complaints.push('a secret that was replaced does not sign any more in the release before');
  };

  return {
    counts: () => ({ payments: begun.length, moved, repeats }),
    step: async () => {
      const step = steps++;
      for (const one of begun) await goOn(one);
      for (const { operation, key, body } of [...made]) {
        repeats++;
        await client.send({ operation, key, body });
      }
      await Promise.all(KINDS.map((kind, n) => begin(kind, `fate-${step}-${n}`)));
      await rotate();
    },
    finish: async () => {
      const deadline = performance.now() + APPLIED_TIMEOUT_MS;
      for (let quiet = 0; quiet < 3 && performance.now() < deadline;) {
        await sleep(1_000);
        const open = await ask(
          `select from stripe_events where applied_at is null union all select from attempts where outcome is null
           union all select from refunds where status = 'pending'`,
        );
        quiet = open.length === 0 ? quiet + 1 : 0;
      }
      return { seen: [...client.seen.values()], complaints: [...complaints, ...client.complaints] };
    },
  };
};

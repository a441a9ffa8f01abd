/** What every operation is given, made: the database, Stripe and the clocks. */
import type { Logger } from 'pino';
import { createClocks, type Clocks } from './clocks.ts';
import type { Config } from './config.ts';
import type { Context } from './context.ts';
import type { MethodType } from './domain/payment.ts';
import type { Clock } from './domain/time.ts';
import { isRequest, runJob } from './monitor/context.ts';
import type { Metrics } from './monitor/metrics.ts';
import { createBalances } from './storage/balance.ts';
import { createDatabaseClock, type DatabaseClock } from './storage/clock.ts';
import { createCommitter, type Committer } from './storage/commit.ts';
import { createContradictions } from './storage/contradictions.ts';
import { openDatabase, type Database } from './storage/database.ts';
import { createInbox } from './storage/inbox.ts';
import { createIntents } from './storage/intents.ts';
import { createKeys, type Keys } from './storage/keys.ts';
import { createLedgerReads } from './storage/ledger.ts';
import { createLeases } from './storage/leases.ts';
import { createPeople } from './storage/people.ts';
import { createPeriods } from './storage/periods.ts';
import { createProofs } from './storage/proof.ts';
import { createReads } from './storage/reads.ts';
import { createSessions, type Sessions } from './storage/sessions.ts';
import { createSaved } from './storage/saved.ts';
import { createTurns } from './storage/turns.ts';
import { createVolumes } from './storage/volume.ts';
import { createWebhooks } from './storage/webhooks.ts';
import { createBalance } from './stripe/balance.ts';
import { createBreaker } from './stripe/breaker.ts';
import { createCards } from './stripe/cards.ts';
import { connectStripe } from './stripe/connection.ts';
import { createEvents } from './stripe/events.ts';
import { timeCards } from './stripe/timed-cards.ts';
import { createVault } from './stripe/vault.ts';

export interface PartsOptions {
  readonly config: Pick<Config, 'pool' | 'demoKeys'>;
  readonly databaseUrl: string;
  readonly stripe: {
    readonly secretKey: string;
    readonly apiBase: string | undefined;
    readonly webhookSecrets: readonly string[];
    readonly methodTypes: readonly MethodType[];
  };
  readonly log: Logger;
}

export interface Parts extends Pick<Committer, 'waiting' | 'probe'> {
  readonly ctx: Context;
  readonly database: Database;
  readonly keys: Keys;
  readonly sessions: Sessions;
  readonly clock: DatabaseClock;
  readonly clocks: Clocks;
}

/** `metrics` is asked for when there is something to count: it is made after the parts that it looks at. */
export const createParts = (
  { config, databaseUrl, stripe, log }: PartsOptions,
  machine: Clock,
  metrics: () => Metrics,
): Parts => {
  const { min: poolMin, max: poolMax, acquireTimeoutMs, isPrepared } = config.pool;
  // Connections outlive the requests that they were opened for: what they do is named by none of those.
  const database = runJob('database', () =>
    openDatabase({
      url: databaseUrl,
      poolMin,
      poolMax,
      acquireTimeoutMs,
      isPrepared,
      log,
      observe: (waitMs, heldMs) => {
        // What lanes and jobs ask for is asked on behalf of nobody, or counted by the batch.
        if (isRequest()) metrics().connection(waitMs, heldMs);
      },
    }),
  );
  const clock = createDatabaseClock(database.pool, machine);
  const clocks = createClocks(clock);
  const breaker = createBreaker(log);
  const client = connectStripe({ ...stripe, onTime: clocks.onStripeTime });
  // A lane runs on behalf of many requests: what it computes is not the work of the one that happened to start it.
  const { commit, waiting, probe } = runJob('commit', () =>
    createCommitter({ database, clock, log, observe: (batch) => metrics().batch('commit', batch) }),
  );
  const turns = createTurns(poolMax);
  const ctx: Context = {
    commit,
    reads: runJob('balances', () => createReads(database.pool, turns, (batch) => metrics().batch('balance', batch))),
    ledger: createLedgerReads(database, turns),
    people: createPeople(database.pool, turns),
    proofs: createProofs(database),
    periods: createPeriods(database),
    leases: createLeases(database.pool),
    cards: timeCards(createCards(client, breaker, stripe.methodTypes), metrics),
    saved: createSaved(database.pool, turns),
    vault: createVault(client, breaker),
    breaker,
    stripeEvents: createEvents(client, breaker, stripe.webhookSecrets),
    inbox: runJob('inbox', () => createInbox(database.pool)),
    intents: createIntents(database.pool),
    stripeBalance: createBalance(client, breaker),
    balances: createBalances(database.pool),
    contradictions: createContradictions(database.pool, turns),
    volumes: createVolumes(database.pool, turns),
    webhooks: createWebhooks(database.pool, turns),
    isDemo: config.demoKeys,
    clock,
    clocks,
    log,
  };
  return {
    ctx,
    database,
    keys: createKeys(database.pool),
    sessions: createSessions(database.pool, turns),
    clock,
    clocks,
    waiting,
    probe,
  };
};

/**
 * The negative control: the service, put together wrongly. It looks whether a key is taken, charges, and only then
 * claims the key, as a service does whose author has not thought of being killed between the two. Everything else is as
 * it should be, and while nobody kills it, its books agree with Stripe's to the cent.
 */
import { okAsync, ResultAsync } from 'neverthrow';
import pino from 'pino';
import type { Context } from '../../src/context.ts';
import type { Applied, Change } from '../../src/domain/change.ts';
import type { Settlement } from '../../src/domain/fact.ts';
import { newId } from '../../src/domain/ids.ts';
import { systemClock } from '../../src/domain/time.ts';
import type { PaymentError } from '../../src/error.ts';
import { createAuthenticate } from '../../src/http/authenticate.ts';
import { createRunner } from '../../src/jobs/runner.ts';
import { sweep } from '../../src/payments/recover.ts';
import { createAdmission, createSeenKeys, retryAfterS } from '../../src/monitor/admission.ts';
import { createServer } from '../../src/server.ts';
import { createContradictions } from '../../src/storage/contradictions.ts';
import { createBalances } from '../../src/storage/balance.ts';
import { createCommitter } from '../../src/storage/commit.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { createLedgerReads } from '../../src/storage/ledger.ts';
import { createLeases } from '../../src/storage/leases.ts';
import { createInbox } from '../../src/storage/inbox.ts';
import { createIntents } from '../../src/storage/intents.ts';
import { createPeople } from '../../src/storage/people.ts';
import { createPeriods } from '../../src/storage/periods.ts';
import { createProofs } from '../../src/storage/proof.ts';
import { createReads } from '../../src/storage/reads.ts';
import { createSaved } from '../../src/storage/saved.ts';
import { createTurns } from '../../src/storage/turns.ts';
import { createVolumes } from '../../src/storage/volume.ts';
import { createWebhooks } from '../../src/storage/webhooks.ts';
import { createBalance } from '../../src/stripe/balance.ts';
import { createBreaker } from '../../src/stripe/breaker.ts';
import { createCards } from '../../src/stripe/cards.ts';
import { connectStripe } from '../../src/stripe/connection.ts';
import { createEvents } from '../../src/stripe/events.ts';
import { createVault } from '../../src/stripe/vault.ts';

const chargeBeforeClaim = (right: Context, isTaken: (claim: string) => Promise<boolean>): Context => {
  const charged = new Map<string, Settlement>();
  const commit = (change: Change): ResultAsync<Applied, PaymentError> => {
    const { payment: step } = change;
    if (step?.kind !== 'create' || step.attempt === null) return right.commit(change);
    const { payment, attempt } = step;
    return ResultAsync.fromSafePromise(isTaken(change.claim?.id ?? '')).andThen((taken) => {
      if (taken) return right.commit(change);
      return right.cards
        .send(
          payment,
          {
            ...{ ...attempt, paymentMethod: attempt.paymentMethod ?? '', stripeCustomer: null },
            ...{ claim: null, stripeKey: newId('att') },
          },
          'first',
        )
        .andThen((settlement) => {
          charged.set(payment.id, settlement);
          return right.commit(change);
        });
    });
  };
  return {
    ...right,
    commit,
    cards: {
      ...right.cards,
      send: (payment, attempt, nth) => {
        const settlement = attempt.replyStatus === 201 ? charged.get(payment.id) : undefined;
        return settlement ? okAsync(settlement) : right.cards.send(payment, attempt, nth);
      },
    },
  };
};

const SEEN_BY_NOBODY = { isFirst: true, observe: () => undefined, onThrown: () => undefined };

const main = (): void => {
  const { PORT: port = '0', DATABASE_URL: url = '', STRIPE_API_BASE: apiBase } = process.env;
  const log = pino({ level: 'error' });
  const clock = systemClock();
  const database = openDatabase({ url, poolMin: 0, poolMax: 10, acquireTimeoutMs: 3_000, log });
  const keys = createKeys(database.pool);
  const turns = createTurns(10);
  const stripe = connectStripe({ secretKey: 'sk_test_sandbox', apiBase });
  const breaker = createBreaker(log);
  const right: Context = {
    commit: createCommitter({ database, clock, log, observe: () => undefined }).commit,
    reads: createReads(database.pool, turns, () => undefined),
    ledger: createLedgerReads(database, turns),
    people: createPeople(database.pool, turns),
    proofs: createProofs(database),
    periods: createPeriods(database),
    leases: createLeases(database.pool),
    cards: createCards(stripe, breaker, ['card']),
    saved: createSaved(database.pool, turns),
    vault: createVault(stripe, breaker),
    breaker,
    stripeEvents: createEvents(stripe, breaker, []),
    inbox: createInbox(database.pool),
    intents: createIntents(database.pool),
    stripeBalance: createBalance(stripe, breaker),
    balances: createBalances(database.pool),
    contradictions: createContradictions(database.pool, turns),
    volumes: createVolumes(database.pool, turns),
    webhooks: createWebhooks(database.pool, turns),
    clocks: { refusal: () => undefined },
    isDemo: false,
    clock,
    log,
  };
  const ctx = chargeBeforeClaim(right, async (id) => {
    const found = await database.pool.selectFrom('claims').select('id').where('id', '=', id).execute();
    return found.length > 0;
  });
  const { server: api } = createServer({
    ctx,
    authenticate: createAuthenticate(keys, false),
    corsOrigins: '*',
    onStripeEvent: () => undefined,
    admission: createAdmission(),
    seen: createSeenKeys(),
    retryAfterS,
    onShed: () => undefined,
    onEnd: () => undefined,
  });
  api.listen(Number(port), '127.0.0.1', () => {
    createRunner(ctx, { sweeper: { pauseMs: 2_000, run: sweep } }, SEEN_BY_NOBODY).start();
    process.stdout.write(`API http://127.0.0.1:${port}\n`);
  });
};

main();

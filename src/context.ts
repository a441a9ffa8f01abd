/** What every operation is given. */
import type { Logger } from 'pino';
import type { Clocks } from './clocks.ts';
import type { Claim, Commit } from './domain/change.ts';
import type { MerchantId } from './domain/ids.ts';
import type { Clock } from './domain/time.ts';
import type { Contradictions } from './storage/contradictions.ts';
import type { Balances } from './storage/balance.ts';
import type { Inbox } from './storage/inbox.ts';
import type { Intents } from './storage/intents.ts';
import type { LedgerReads } from './storage/ledger.ts';
import type { Leases } from './storage/leases.ts';
import type { People } from './storage/people.ts';
import type { Periods } from './storage/periods.ts';
import type { Proofs } from './storage/proof.ts';
import type { Reads } from './storage/reads.ts';
import type { Saved } from './storage/saved.ts';
import type { Volumes } from './storage/volume.ts';
import type { Webhooks } from './storage/webhooks.ts';
import type { StripeBalance } from './stripe/balance.ts';
import type { Breaker } from './stripe/breaker.ts';
import type { Cards } from './stripe/cards.ts';
import type { StripeEvents } from './stripe/events.ts';
import type { Vault } from './stripe/vault.ts';

export interface Context {
  /** The one door to what is written. */
  readonly commit: Commit;
  readonly reads: Reads;
  readonly ledger: LedgerReads;
  /** Customers, as they are changed, found and erased. */
  readonly people: People;
  /** What the books prove of themselves. */
  readonly proofs: Proofs;
  /** Closed, and what was sealed. */
  readonly periods: Periods;
  /** Attempts whose owner has gone. */
  readonly leases: Leases;
  readonly cards: Cards;
  /** What customers have saved: here, and at Stripe. */
  readonly saved: Saved;
  readonly vault: Vault;
  /** Whether Stripe may be called now. */
  readonly breaker: Breaker;
  /** What Stripe tells by itself, and where it is kept until it is applied. */
  readonly stripeEvents: StripeEvents;
  readonly inbox: Inbox;
  readonly intents: Intents;
  /** Stripe's balance, and what has been read of it. */
  readonly stripeBalance: StripeBalance;
  readonly balances: Balances;
  /** What Stripe and the books say differently, and what only a person can decide. */
  readonly contradictions: Contradictions;
  readonly volumes: Volumes;
  /** Merchants' endpoints, and what is on its way to them. */
  readonly webhooks: Webhooks;
  /** Neither database nor Stripe is a real one: webhooks may go to this machine. */
  readonly isDemo: boolean;
  readonly clock: Clock;
  /** Whether the clocks agree that money depends on. */
  readonly clocks: Pick<Clocks, 'refusal'>;
  readonly log: Logger;
}

/** On whose behalf a request moves money, and under which key. */
export interface Caller {
  readonly merchant: MerchantId;
  readonly claim: Claim;
  readonly requestId: string;
}

/** The same, where a key is not asked for. */
export type CallerWithoutKey = Omit<Caller, 'claim'> & { readonly claim: Claim | undefined };

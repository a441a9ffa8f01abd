/**
 * Every job: its pause, and whether one process is enough. A job is a line here and a function that does one round; what
 * it does is explained beside that function; what it needs besides the `Context` stands in `JobNeeds`. Rows that go in time
 * need no job: `storage/prune.ts` has a list of them. The first round begins as the process starts, in every instance at
 * once (`isOneEnough`: in one process of each): what two may not do together, its function must see to. One that failed
 * is tried again after its pause. On-call sees it without more ado (its failures in the log, `/readyz`,
 * `QuittanceJobFails`): what harm it does while it stands still is to be said in `scripts/ops/runbook.md`, under jobs.
 */
import type { Clocks } from '../clocks.ts';
import { SWEEP_PAUSE_MS } from '../domain/deadlines.ts';
import { applyEvents, pollEvents } from '../payments/inbox.ts';
import type { BalanceReader } from '../payments/balance.ts';
import { createEraser } from '../payments/erase.ts';
import { sweepOrphans } from '../payments/orphans.ts';
import { splitPayouts } from '../payments/payouts.ts';
import { sweep } from '../payments/recover.ts';
import type { DatabaseClock } from '../storage/clock.ts';
import type { Erasures } from '../storage/erasures.ts';
import type { Pruner, Slice } from '../storage/prune.ts';
import { createDeliverer } from '../webhooks/deliver.ts';
import type { Send } from '../webhooks/send.ts';
import { proveAsked, proveBooks } from './books.ts';
import { keepTime } from './clock.ts';
import { prune } from './prune.ts';
import { sealBooks } from './seal.ts';
import type { Job } from './runner.ts';

/** Those that somebody wakes. */
export type WokenJob = 'inbox' | 'deliveries';

export interface JobNeeds {
  readonly clock: DatabaseClock;
  readonly clocks: Pick<Clocks, 'check'>;
  readonly balance: Pick<BalanceReader, 'read'>;
  readonly send: Send;
  readonly erasures: Erasures;
  /** Told whether the books prove. */
  readonly onProved: (holds: boolean) => void;
  readonly pruner: Pruner;
  readonly onPruned: (rows: Slice['rows']) => void;
  readonly wake: (name: WokenJob) => void;
}

/** For each, what its pause is by. */
export const createJobs = ({
  clock,
  clocks,
  balance,
  send,
  erasures,
  onProved,
  pruner,
  onPruned,
  wake,
}: JobNeeds): Readonly<Record<WokenJob, Job>> & Readonly<Record<string, Job>> => ({
  // A quartz drifts by some microseconds meanwhile.
  clock: { pauseMs: 2_000, run: keepTime(clock, clocks) },
  sweeper: { pauseMs: SWEEP_PAUSE_MS, isVital: true, run: sweep },
  // Webhooks wake it; by itself it comes round for what failed before.
  inbox: { pauseMs: 1_000, needsStripe: true, run: applyEvents },
  // A span of each list is opened seldomer than that, and read when it is there.
  stripe_events: { pauseMs: 1_000, needsStripe: true, run: pollEvents(() => wake('inbox')) },
  orphans: { pauseMs: 1_000, needsStripe: true, run: sweepOrphans },
  stripe_balance: { pauseMs: 1_000, needsStripe: true, run: balance.read },
  // Webhooks note a payout, and nobody waits for it.
  payouts: { pauseMs: 1_000, needsStripe: true, run: splitPayouts },
  // What an event waits at the most before it leaves.
  deliveries: { pauseMs: 500, ...createDeliverer(send, () => wake('deliveries')) },
  // Nobody waits for it: who asks sees at once that it is done.
  eraser: { pauseMs: 2_000, isOneEnough: true, run: createEraser(erasures) },
  // It reads all of the ledger, and rests the longer, the longer that took.
  books: { pauseMs: 60_000, isOneEnough: true, isCutOff: true, roundMsMax: 3_600_000, run: proveBooks(onProved) },
  // Somebody looks at a page until it is done.
  asked_proofs: { pauseMs: 2_000, isOneEnough: true, isCutOff: true, roundMsMax: 3_600_000, run: proveAsked() },
  // It seals what lies behind the horizon: nobody waits for it but who closes a period, which may wait for a proof.
  sealer: { pauseMs: 5_000, isOneEnough: true, roundMsMax: 3_600_000, run: sealBooks },
  // A slice of each table: 20 GB of each in a day, at a thousandth of a core. So late, on a large table, goes what is
  // over; nothing waits for it.
  pruner: { pauseMs: 2_000, isOneEnough: true, run: prune(pruner, onPruned) },
});

/** How each alert is caused on the demo, and ended. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Demo } from '../../scripts/drill/demo.ts';
import { DRILLS } from '../../scripts/drill/drills.ts';
import { HEADER, holdRequests, letGo, type Held } from '../../scripts/drill/inside.ts';
import { openInspector } from '../../scripts/drill/inspector.ts';
import { repeat } from './repeat.ts';

/** Begins it; what it answers ends it. */
export type Cause = (demo: Demo, machine: Machine) => Promise<() => Promise<void>>;

export interface Machine {
  /** The process that was started, of several the one that watches over the others. */
  readonly pid: number;
  readonly query: (sql: string) => Promise<unknown>;
  /** Nobody reads what it says any more. */
  readonly deafen: () => void;
}

const get = async ({ apiUrl }: Demo, headers: Record<string, string> = {}): Promise<void> => {
  const reply = await fetch(`${apiUrl}/v1/items/item_demo`, {
    headers: { Authorization: 'Bearer sk_test_demo', ...headers },
    signal: AbortSignal.timeout(15_000),
  });
  await reply.arrayBuffer();
};

/** Requests that are held for so long, one after the other. */
const held =
  (how: Held, ms: number, everyMs: number): Cause =>
  async (demo) => {
    const inspector = await openInspector(demo.pid);
    await inspector.evaluate(holdRequests(how));
    const stop = repeat(() => get(demo, { [HEADER]: String(ms) }), everyMs);
    return async () => {
      await stop();
      await inspector.evaluate(letGo);
      await inspector.close();
    };
  };

/** The wall clock as that process sees it: the machine's is everybody's. */
const clockAhead =
  (ms: number): Cause =>
  async (demo) => {
    const inspector = await openInspector(demo.pid);
    await inspector.evaluate(
      `globalThis.endDrill = ((now) => (Date.now = () => now() + ${String(ms)}, () => { Date.now = now; }))(Date.now), true`,
    );
    return async () => {
      await inspector.evaluate(letGo);
      await inspector.close();
    };
  };

/** Stopped for a part of each second. */
const paused =
  (ms: number): Cause =>
  (demo) => {
    const once = async (): Promise<void> => {
      process.kill(demo.pid, 'SIGSTOP');
      await sleep(ms);
      process.kill(demo.pid, 'SIGCONT');
    };
    return Promise.resolve(repeat(once, 300));
  };

const stopped =
  (pidOf: (demo: Demo, machine: Machine) => number): Cause =>
  (demo, machine) => {
    process.kill(pidOf(demo, machine), 'SIGSTOP');
    return Promise.resolve(() => {
      process.kill(pidOf(demo, machine), 'SIGCONT');
      return Promise.resolve();
    });
  };

/** As the drill of that name, until it is ended. */
const drilled =
  (name: string, seconds = 600): Cause =>
  (demo) => {
    const ending = new AbortController();
    const running = DRILLS[name]?.run(demo, seconds, ending.signal) ?? Promise.resolve();
    running.catch(() => undefined);
    return Promise.resolve(async () => {
      ending.abort();
      await running;
    });
  };

const changed =
  (forth: string, back: string): Cause =>
  async (_demo, { query }) => {
    await query(forth);
    return async () => {
      await query(back);
    };
  };

const BROKEN = "update accounts set credits = credits + 1 where kind = 'wallet'";
const MENDED = "update accounts set credits = credits - 1 where kind = 'wallet'";

/** What nobody has done, and a person must look at. */
export const CONTRADICTED = `insert into contradictions (id, kind, subject, detail, seen_at)
  values ('00000000-0000-7000-8000-00000000d411', 'second_intent', 'pi_drill', 'made by a drill', now())`;
const RESOLVED = "update contradictions set resolved_at = now(), resolution = 'a drill' where subject = 'pi_drill'";

/**
 * In this order: proving the books rests the longer, the more an overload has put into them, and the last ends the
 * service's speech for good.
 */
export const CAUSES: Readonly<Record<string, Cause>> = {
  QuittanceLedgerUnchecked: drilled('database'),
  QuittanceLedgerBroken: changed(BROKEN, MENDED),
  QuittanceJobFails: changed('alter table erasures rename to erased', 'alter table erased rename to erasures'),
  QuittanceWedged: held('stall', 9_000, 1_000),
  QuittanceBlocked: held('stall', 6_000, 1_000),
  QuittanceStalls: held('stall', 300, 700),
  QuittanceMachineWithholdsCpu: paused(400),
  QuittanceFault: held('throw', 1, 500),
  QuittanceWorkerDoesNotAnswer: stopped(({ pid }) => pid),
  QuittanceDown: stopped((_demo, { pid }) => pid),
  QuittanceStripeFails: drilled('stripe'),
  QuittanceUnknownOutcomes: drilled('unknown'),
  QuittanceDatabaseRefuses: drilled('database'),
  QuittanceBudgetBurnsFast: drilled('database'),
  QuittanceBudgetBurns: drilled('database'),
  QuittanceBudgetBurnsSlowly: drilled('database'),
  QuittanceSheds: drilled('overload', 25),
  QuittanceClocksApart: clockAhead(5_000),
  QuittanceContradictions: changed(CONTRADICTED, RESOLVED),
  QuittanceStalledLinesLost: async (demo, machine) => {
    machine.deafen();
    return held('stall', 300, 700)(demo, machine);
  },
};

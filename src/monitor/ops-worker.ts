/** The ops thread: it watches the main thread, remembers what it saw, writes the lines, and answers the ops port. */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { MessageChannel, parentPort, Worker, workerData } from 'node:worker_threads';
import { openHost } from './host.ts';
import { createLineLimiter } from './limiter.ts';
import { LEVELS, lineOf } from './line.ts';
import type { Check, FromOps, Live, MetricJson, OpsData, Snapshot, ToOps } from './ops.ts';
import { serveOps } from './ops-server.ts';
import { runbookAt } from './runbook.ts';
import { createRecords } from './records.ts';
import { isHostCause, type Stall } from './sample.ts';
import { sharedClockOffsetMs, SLOT } from './slots.ts';
import { ASK, loadNativeStack, type StackAnswer } from './native-stack.ts';
import { createStallMetrics } from './stall-metrics.ts';
import type { View, Want } from './view.ts';
import { startWatchdog } from './watchdog.ts';

const data = workerData as OpsData;
const slots = new Float64Array(data.slots);
const clockShiftMs = sharedClockOffsetMs() - data.mainOffsetMs;
const mainNow = (): number => performance.now() + clockShiftMs;
const tell = (message: FromOps): void => parentPort?.postMessage(message);

/** Starts the thread that takes stacks; undefined where this platform has none, which is said once. */
const openStacks = (onAnswer: (answer: StackAnswer) => void): ((number: number) => void) | undefined => {
  const native = loadNativeStack();
  if (native.isErr()) {
    tell({ type: 'stacks unavailable', message: native.error });
    return undefined;
  }
  const { port1, port2 } = new MessageChannel();
  const ask = new Int32Array(data.ask);
  new Worker(new URL('./stack-worker.ts', import.meta.url), {
    workerData: { ask: data.ask, port: port2 },
    transferList: [port2],
    // It holds fifty frames at a time.
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1 },
  }).unref();
  port1.on('message', onAnswer);
  return (number) => {
    Atomics.store(ask, ASK.number, number);
    Atomics.notify(ask, ASK.number);
  };
};

// ---- lines ---------------------------------------------------------------------------------------------------------

const limiter = createLineLimiter();
const records = createRecords();
/** Fatal stalls are told whatever was told before, but not more often than this. */
const FATAL_EVERY_MS = 60_000;
let fatalAt = -Infinity;
/** Whose beginning was told: their end is told too. */
const begun = new Set<string>();
const BEGUN_MAX = 100;

/** Until it is known where this port is, what follows its address. */
let runbookUrl = data.runbookUrl ?? '/runbook';

/** Synchronous, so that it is out before a wedged process is killed. */
const write = (line: object): void => {
  try {
    writeSync(data.linesFd, `${JSON.stringify(line)}\n`);
  } catch {
    metrics.lost();
  }
};

const admit = (stall: Stall): number | undefined => {
  const now = performance.now();
  if (stall.phase === 'ended' && begun.delete(stall.id)) return 0;
  if (stall.severity === 'fatal' && now - fatalAt > FATAL_EVERY_MS) {
    fatalAt = now;
    return 0;
  }
  const durationMs = stall.phase === 'ended' ? stall.durationMs : undefined;
  return limiter.admit(stall.fingerprint, isHostCause(stall.cause) ? 'host' : 'code', now, durationMs);
};

const onStall = (stall: Stall): void => {
  records.stall(stall);
  if (stall.phase === 'ended') metrics.ended(stall);
  if (stall.severity === 'metric' || LEVELS[stall.severity] < data.levelMin) return;
  // One that went unsaid when it began is counted once, when it ends.
  const suppressed = admit(stall);
  if (suppressed === undefined) {
    if (stall.phase === 'ended') metrics.suppressed();
    return;
  }
  if (stall.phase === 'started') begun.add(stall.id);
  const [oldest] = begun;
  if (begun.size > BEGUN_MAX && oldest !== undefined) begun.delete(oldest);
  write(lineOf(stall, { suppressed, runbookUrl, pid: data.pid }));
};

// ---- what the main thread says ---------------------------------------------------------------------------------------

const NOTHING: Snapshot = {
  checks: data.protect ? { service: { state: 'bad', detail: 'has not reported yet' } } : {},
  keyHashes: undefined,
  unknown: undefined,
  contradictions: [],
  consoleUrl: undefined,
};
let snapshot = NOTHING;
let snapshotAt = performance.now();
let live: Live | undefined;
let liveIsNew = false;
let rendered: { metrics: readonly MetricJson[]; at: number } = { metrics: [], at: performance.now() };
let awaiting: (() => void)[] = [];
let awaitingLook: (() => void)[] = [];

/** When this process began. */
const STARTED_AT = new Date(Date.now() - process.uptime() * 1000).toISOString();
records.mark({ at: STARTED_AT, what: `started, pid ${data.pid}`, level: 'ok' });

/** What has broken since, and what has been mended. */
const markChanges = (before: Snapshot['checks'], now: Snapshot['checks']): void => {
  for (const [name, { state, detail }] of Object.entries(now)) {
    const was = before[name]?.state ?? 'ok';
    if (state === was) continue;
    const what = `${name.replaceAll('_', ' ')}: ${state === 'ok' ? 'well again' : detail}`;
    records.mark({ at: new Date().toISOString(), what, level: state });
  }
};

const askForStack = openStacks((answer) => watchdog.answered(answer));
const watchdog = startWatchdog({
  slots,
  tiers: data.tiers,
  host: openHost(data.pid),
  mainNow,
  askForStack,
  root: data.root,
  onStall,
});
const metrics = createStallMetrics(
  watchdog.blockedMs,
  () => performance.now() - rendered.at,
  askForStack !== undefined,
);

parentPort?.on('message', (message: ToOps) => {
  switch (message.type) {
    case 'stall':
      watchdog.ended(message.sample);
      return;
    case 'live':
      live = message.live;
      liveIsNew = true;
      return;
    case 'snapshot':
      markChanges(snapshot.checks, message.snapshot.checks);
      snapshot = message.snapshot;
      snapshotAt = performance.now();
      for (const go of awaitingLook) go();
      awaitingLook = [];
      return;
    case 'metrics':
      rendered = { metrics: message.metrics, at: performance.now() };
      for (const go of awaiting) go();
      awaiting = [];
  }
});

setInterval(() => {
  records.second(liveIsNew ? live : undefined, watchdog.blockedMs(), Date.now());
  liveIsNew = false;
}, 1_000);

/** A main thread that does not answer within this long is scraped as it was: the figures say how old they are. */
const RENDER_PATIENCE_MS = 300;

/** The main thread renders when someone asks: it would cost a millisecond of every second otherwise. */
const render = async (): Promise<readonly MetricJson[]> => {
  const fresh = new Promise<void>((resolve) => awaiting.push(resolve));
  tell({ type: 'render' });
  await Promise.race([fresh, sleep(RENDER_PATIENCE_MS)]);
  return [...(await metrics.json()), ...rendered.metrics];
};

/** A check that is younger is shown as it is: many may ask. */
const FRESH_MS = 200;
/** The service's look takes a quarter of a second at most; a main thread that says nothing by then is late itself. */
const LOOK_PATIENCE_MS = 400;

/** Has the service look now: two seconds ago is too long, just when it matters. */
const lookNow = async (): Promise<void> => {
  if (!data.protect || performance.now() - snapshotAt < FRESH_MS) return;
  if (awaitingLook.length === 0) tell({ type: 'look' });
  const fresh = new Promise<void>((resolve) => awaitingLook.push(resolve));
  await Promise.race([fresh, sleep(LOOK_PATIENCE_MS)]);
  // One that was never answered must not keep the next from being asked for.
  awaitingLook = [];
};

/** A loop that has not come round for this long cannot serve: an instance without it is better off. */
const WEDGED_MS = 2_000;
/** Snapshots come every two seconds; this many missed, and nothing is known of the database. */
const SNAPSHOT_MAX_AGE_MS = 10_000;

const loopCheck = (ageMs: number): Check => ({
  state: ageMs >= WEDGED_MS ? 'bad' : ageMs >= data.tiers.errorMs ? 'degraded' : 'ok',
  detail: `came round ${Math.round(ageMs)} ms ago`,
});

const checksOf = (loopAgeMs: number, checksAgeMs: number): Record<string, Check> => ({
  event_loop: loopCheck(loopAgeMs),
  ...snapshot.checks,
  ...(!data.protect || checksAgeMs < SNAPSHOT_MAX_AGE_MS
    ? {}
    : { snapshot: { state: 'bad', detail: `the checks are ${Math.round(checksAgeMs)} ms old` } }),
});

const view = async (want: Want): Promise<View> => {
  if (want.fresh) await lookNow();
  // The age of the beat: a loop at rest comes round every 20 ms.
  const ageMs = mainNow() - (slots[SLOT.beatAt] ?? 0);
  const checksAgeMs = performance.now() - snapshotAt;
  return {
    loop: { ageMs, blockedMs: watchdog.blockedMs() },
    inflight: slots[SLOT.inflight] ?? 0,
    live,
    checks: checksOf(ageMs, checksAgeMs),
    checksAgeMs,
    keyHashes: snapshot.keyHashes,
    unknown: snapshot.unknown,
    contradictions: snapshot.contradictions,
    consoleUrl: snapshot.consoleUrl,
    stalls: records.stalls(want.stalls),
    points: want.points ? records.points() : [],
    marks: want.points ? records.marks() : [],
    processes: [
      {
        pid: data.pid,
        startedAt: STARTED_AT,
        blockedMs: watchdog.blockedMs(),
        inflight: slots[SLOT.inflight] ?? 0,
        lagMs: live?.lagMsMax ?? 0,
        utilisation: live?.utilisation ?? 0,
      },
    ],
    minutes: [records.minutes(want.minutes).map((minute) => ({ ...minute, culprits: [...minute.culprits] }))],
    metrics: want.metrics ? await render() : [],
    silent: [],
  };
};

void serveOps({
  host: data.host,
  port: data.port,
  protect: data.protect,
  economics: data.economics,
  secret: data.secret,
  runbookUrl: data.runbookUrl,
  view,
}).match(
  ({ url }) => {
    runbookUrl = data.runbookUrl ?? runbookAt(url);
    tell({ type: 'listening', url });
  },
  (message) => tell({ type: 'failed', message }),
);

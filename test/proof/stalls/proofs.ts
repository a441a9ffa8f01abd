/** What the monitor has to show, each as a function that answers with figures. The tests run the same, shorter. */
import { spawn } from 'node:child_process';
import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { randomFrom, startSubject, traffic, type Subject, type SubjectOptions, type Told } from './subject.ts';

/** The ways to block, and the cause that each truly has; each is a function of that name in app.ts. */
export const CAUSES: Readonly<Record<string, string>> = {
  loop: 'cpu',
  regex: 'cpu',
  parse: 'cpu',
  hash: 'cpu',
  child: 'sync_io',
  file: 'sync_io',
  collect: 'gc',
};

export interface Injected {
  readonly kind: string;
  readonly route: string;
  readonly truthMs: number;
  /** How long the machine kept the thread from a core just after the block: the loop may have been blocked for longer by so much. */
  readonly heldMs: number;
  /** The causes that are true: of code that was given less than half of a core, that is the machine. */
  readonly truth: readonly string[];
  readonly told: Told | undefined;
}

export type Place = 'block' | 'later';

/** What the application measured of itself, from inside the block. */
interface Measured {
  readonly durationMs: number;
  readonly heldMs: number;
  readonly onCpu: number;
  readonly processOnCpu: number;
}

/** Near one half, either is true. */
const HALF = { from: 0.4, to: 0.6 };

const truthOf = (kind: string, { onCpu, processOnCpu }: Measured): string[] => {
  const cause = CAUSES[kind] ?? '';
  const share = cause === 'gc' ? processOnCpu : onCpu;
  if (cause === 'sync_io' || share > HALF.to) return [cause];
  return share < HALF.from ? ['starved'] : [cause, 'starved', 'mixed'];
};

/** Blocks it once, and finds what was said of that; undefined where nothing was. */
export const injectOnce = async (subject: Subject, kind: string, place: Place, ms: number): Promise<Injected> => {
  const before = new Set((await subject.stalls()).map((stall) => stall['stall.id']));
  const reply = await subject.get(`/${place}/${kind}/1?ms=${String(Math.round(ms))}`);
  const measured = JSON.parse(reply.text) as Measured;
  const { durationMs, heldMs } = measured;
  const truth = truthOf(kind, measured);
  const route = `/${place}/${kind}/:id`;
  const errorOf = (told: Told): number => Math.abs(told['stall.duration_ms'] - durationMs);
  // A report is held for one beat; on a busy machine for a little longer.
  for (let tries = 0; ; tries++) {
    await sleep(60);
    const ended = (await subject.stalls()).filter((s) => s['stall.phase'] === 'ended' && !before.has(s['stall.id']));
    const told = ended
      .filter((stall) => stall['stall.duration_ms'] >= durationMs * 0.8)
      .sort((a, b) => errorOf(a) - errorOf(b))[0];
    if (told || tries >= 30) return { kind, route, truthMs: durationMs, heldMs, truth, told };
  }
};

/** What was written to standard output of stalls, since then: the first words of each, and the last. */
const linesOf = (subject: Subject, since = 0): Told[] =>
  subject.lines
    .filter(({ at, text }) => at >= since && text.includes('"stall.id"'))
    .map(({ text }) => JSON.parse(text) as Told);

/** A line claims no cause that is not true, and no route but the one that blocked. */
const isTrueLine = (line: Told, { truth, route }: Injected): boolean =>
  (line['stall.cause'] === 'unknown' || truth.includes(line['stall.cause'])) &&
  (line['http.route'] === undefined || line['http.route'] === route);

export interface MatrixFigures {
  readonly injected: number;
  readonly missed: number;
  readonly errorMsP99: number;
  /** Of all, how many were within max(3 ms, 2 %) of the truth. */
  readonly withinError: number;
  /** Of those, how many only because the machine kept the thread from a core just after. */
  readonly withinHeld: number;
  readonly routeRight: number;
  readonly functionRight: number;
  readonly causeRight: number;
  /** Of those that were called `high`, how many named the right route. */
  readonly highRight: number;
  /** Lines that were written of them, and those that said what is not so. */
  readonly lines: number;
  readonly falseLines: readonly string[];
  readonly causes: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly wrong: readonly string[];
}

/** Random stalls of 110 ms to `msMax`, of every kind, directly and after five awaits, under 32 other connections. */
export const matrix = async (
  count: number,
  seed: number,
  msMax: number,
  options: SubjectOptions = {},
): Promise<MatrixFigures> => {
  const random = randomFrom(seed);
  const subject = await startSubject(options);
  const injected: Injected[] = [];
  let lines: Told[] = [];
  try {
    await subject.get('/prepare/parse?records=1500000');
    await subject.get('/prepare/heap?objects=300000');
    await subject.get('/block/hash/1?ms=100');
    await sleep(1_500);
    const load = traffic(subject, 32, 0.3);
    const kinds = Object.keys(CAUSES);
    while (injected.length < count) {
      const kind = kinds[Math.floor(random() * kinds.length)] ?? 'loop';
      // Evenly over the orders of magnitude: short ones are the harder ones.
      const ms = 110 * (msMax / 110) ** random();
      const one = await injectOnce(subject, kind, random() < 0.5 ? 'block' : 'later', ms);
      // What was faster than it was meant to be is no stall that anyone promised to tell.
      if (one.truthMs >= 100) injected.push(one);
    }
    await load.stop();
    lines = linesOf(subject);
  } finally {
    await subject.stop();
  }
  return figuresOf(injected, lines);
};

type Seen = Injected & { readonly told: Told };

const figuresOf = (injected: readonly Injected[], lines: readonly Told[]): MatrixFigures => {
  const byStall = new Map(injected.map((one) => [one.told?.['stall.id'], one]));
  const judged = lines.flatMap((line) => {
    const of = byStall.get(line['stall.id']);
    return of ? [{ line, of }] : [];
  });
  const seen = injected.filter((one): one is Seen => one.told !== undefined);
  const beyond = (ms: number): number => Math.max(0, ms);
  const errorOf = ({ told, truthMs, heldMs }: Seen, allowedMs = heldMs): number =>
    beyond(truthMs - told['stall.duration_ms']) + beyond(told['stall.duration_ms'] - truthMs - allowedMs);
  const isWithin = (one: Seen, allowedMs = one.heldMs): boolean =>
    errorOf(one, allowedMs) <= Math.max(3, one.truthMs * 0.02);
  const share = (right: (one: Seen) => boolean): number => seen.filter(right).length / injected.length;
  const isRoute = ({ route, told }: Seen): boolean => told['http.route'] === route;
  const isCause = ({ truth, told }: Seen): boolean => truth.includes(told['stall.cause']);
  const causes: Record<string, Record<string, number>> = {};
  for (const { kind, truth, told } of seen) {
    const row = (causes[`${kind}: ${truth.join(' or ')}`] ??= {});
    row[told['stall.cause']] = (row[told['stall.cause']] ?? 0) + 1;
  }
  const high = seen.filter(({ told }) => told['stall.confidence'] === 'high');
  const errors = seen.map((one) => errorOf(one)).sort((a, b) => a - b);
  return {
    injected: injected.length,
    missed: injected.length - seen.length,
    errorMsP99: errors[Math.floor(errors.length * 0.99)] ?? NaN,
    withinError: share((one) => isWithin(one)),
    withinHeld: seen.filter((one) => isWithin(one) && !isWithin(one, 0)).length,
    routeRight: share(isRoute),
    functionRight: share(({ kind, told }) => told['code.stacktrace']?.includes(`at ${kind} `) ?? false),
    causeRight: share(isCause),
    highRight: high.filter(isRoute).length / high.length,
    lines: judged.length,
    falseLines: judged.filter(({ line, of }) => !isTrueLine(line, of)).map(({ line, of }) => `${of.kind}: ${line.msg}`),
    causes,
    wrong: seen
      .filter((one) => !isCause(one) || !isRoute(one) || !isWithin(one))
      .map(
        ({ kind, truthMs, heldMs, told }) =>
          `${kind} ${truthMs.toFixed(1)} ms (then held ${heldMs.toFixed(1)} ms): ${told['stall.duration_ms'].toFixed(1)} ${told.msg} (on CPU ${told['stall.on_cpu_ratio'].toFixed(2)}, gc ${told['stall.gc_ms'].toFixed(0)} ms)`,
      ),
  };
};

export interface BlameFigures {
  readonly events: number;
  readonly stalls: number;
  readonly causes: Readonly<Record<string, number>>;
  /** Lines that were written, of any level. */
  readonly lines: number;
  /** Stalls and lines that were blamed on code. */
  readonly blamed: readonly string[];
}

const CODE = new Set(['cpu', 'gc', 'sync_io', 'saturated', 'unknown']);

const blameOf = (events: number, told: readonly Told[], lines: readonly Told[]): BlameFigures => {
  const causes: Record<string, number> = {};
  for (const stall of told) causes[stall['stall.cause']] = (causes[stall['stall.cause']] ?? 0) + 1;
  const blamed = [...told, ...lines].filter((stall) => CODE.has(stall['stall.cause'])).map(({ msg }) => msg);
  return { events, stalls: told.length, causes, lines: lines.length, blamed };
};

/** Stalls that ended since it began, gathered while it goes on: the ops port shows the latest hundred. */
const gather = (subject: Subject): { readonly take: () => Promise<void>; readonly all: () => Told[] } => {
  const seen = new Map<string, Told>();
  let known: Set<string> | undefined;
  return {
    take: async () => {
      const latest = await subject.stalls();
      known ??= new Set(latest.map((stall) => stall['stall.id']));
      for (const stall of latest)
        if (stall['stall.phase'] === 'ended' && !known.has(stall['stall.id'])) seen.set(stall['stall.id'], stall);
    },
    all: () => [...seen.values()],
  };
};

export interface SuspensionOptions extends SubjectOptions {
  /** Ordinary requests on sixteen connections meanwhile. */
  readonly busy?: boolean;
  /** An inspector was opened once: then a thread of its own wakes up beside the others. */
  readonly inspector?: boolean;
}

/** Stops the whole process and lets it go on, half of the times at rest and half in the middle of a short loop. */
export const suspensions = async (
  count: number,
  seed: number,
  options: SuspensionOptions = {},
): Promise<BlameFigures> => {
  const random = randomFrom(seed);
  const { busy = false, inspector = false, execArgv = [] } = options;
  const subject = await startSubject({ ...options, execArgv: [...execArgv, '--inspect-port=127.0.0.1:0'] });
  const gathered = gather(subject);
  let lines: Told[] = [];
  try {
    if (inspector) process.kill(subject.pid, 'SIGUSR1');
    const load = busy ? traffic(subject, 16, 0.3) : undefined;
    await sleep(1_500);
    await gathered.take();
    const since = performance.now();
    for (let i = 0; i < count; i++) {
      const reply = i % 2 ? subject.get('/block/loop/1?ms=30') : undefined;
      await sleep(5 + random() * 20);
      process.kill(subject.pid, 'SIGSTOP');
      await sleep(1_000);
      process.kill(subject.pid, 'SIGCONT');
      await reply;
      await sleep(100);
      await gathered.take();
    }
    await load?.stop();
    lines = linesOf(subject, since);
  } finally {
    await subject.stop();
  }
  return blameOf(count, gathered.all(), lines);
};

/** Far below a stall where it has a core of its own, and one as soon as four or more share it. */
const HOGGED_CPU_MS = 15;

/** Shares one core with that many others who compute without end. */
export const hogs = async (count: number, seconds: number, options: SubjectOptions = {}): Promise<BlameFigures> => {
  const subject = await startSubject({ ...options, pinned: true });
  const gathered = gather(subject);
  await sleep(1_500);
  await gathered.take();
  const burn = 'const end = Date.now() + 600000; while (Date.now() < end);';
  const others = Array.from({ length: count }, () =>
    spawn('taskset', ['-c', '0', process.execPath, '-e', burn], { stdio: 'ignore' }),
  );
  try {
    const load = traffic(subject, 8, 0, HOGGED_CPU_MS);
    for (let s = 0; s < seconds; s++) {
      await sleep(1_000);
      await gathered.take();
    }
    await load.stop();
  } finally {
    for (const other of others) other.kill('SIGKILL');
    await subject.stop();
  }
  return blameOf(count, gathered.all(), linesOf(subject));
};

const QUOTA_PERIOD_US = 100_000;

/** Lives on that much of a core. Undefined where this machine lets no one make a cgroup (of version 1). */
export const throttle = async (percent: number, seconds: number): Promise<BlameFigures | undefined> => {
  const path = `/sys/fs/cgroup/cpu/quittance-proof-${String(process.pid)}`;
  const quota = (us: number): void => writeFileSync(`${path}/cpu.cfs_quota_us`, String(us));
  try {
    mkdirSync(path);
    writeFileSync(`${path}/cpu.cfs_period_us`, String(QUOTA_PERIOD_US));
  } catch {
    return undefined;
  }
  // The monitor looks up its cgroup when it starts: the subject joins it before that, and is limited after.
  const subject = await startSubject({ env: { CGROUP: path } });
  const gathered = gather(subject);
  try {
    await sleep(1_500);
    await gathered.take();
    quota((QUOTA_PERIOD_US * percent) / 100);
    await sleep(500);
    const load = traffic(subject, 4, 3);
    for (let s = 0; s < seconds; s++) {
      await sleep(1_000);
      await gathered.take();
    }
    quota(-1);
    await load.stop();
    await gathered.take();
  } finally {
    await subject.stop();
    await sleep(200);
    rmdirSync(path);
  }
  return blameOf(percent, gathered.all(), linesOf(subject));
};

export interface WedgeFigures {
  /** From the request to the first line that names the function; undefined where none came. */
  readonly lineAfterMs: number | undefined;
  readonly line: string | undefined;
  /** Where that line leads, and what opens there. */
  readonly runbookUrl: string | undefined;
  readonly runbook: string;
  readonly livez: number;
  readonly readyz: number;
  readonly inProgressSeconds: number;
  readonly fatalLine: string | undefined;
}

/** A handler that never returns, watched for that long. */
export const wedge = async (untilMs: number, options: SubjectOptions = {}): Promise<WedgeFigures> => {
  const subject = await startSubject(options);
  try {
    await sleep(1_500);
    const startedAt = performance.now();
    const elapsedMs = (): number => performance.now() - startedAt;
    subject.get('/wedge').catch(() => undefined);
    const lineWith = (text: string): (typeof subject.lines)[number] | undefined =>
      subject.lines.find((line) => line.at > startedAt && line.text.includes(text));
    while (!lineWith('wedgeForever') && elapsedMs() < 3_000) await sleep(10);
    await sleep(Math.max(0, untilMs - elapsedMs()));
    const found = lineWith('wedgeForever');
    const runbookUrl = found && (JSON.parse(found.text) as { runbook_url: string }).runbook_url;
    const messageOf = (line: { text: string } | undefined): string | undefined =>
      line && (JSON.parse(line.text) as { msg: string }).msg;
    return {
      lineAfterMs: found && found.at - startedAt,
      line: messageOf(found),
      runbookUrl,
      runbook: runbookUrl === undefined ? '' : await (await fetch(runbookUrl)).text(),
      livez: (await subject.ops('/livez')).status,
      readyz: (await subject.ops('/readyz')).status,
      inProgressSeconds: await subject.metric('quittance_event_loop_stall_in_progress_seconds'),
      fatalLine: messageOf(lineWith('"level":"fatal"')),
    };
  } finally {
    await subject.stop();
  }
};

export interface StormFigures {
  readonly injected: number;
  readonly metric: number;
  readonly ofTheRoute: number;
  readonly lines: number;
  readonly suppressed: number;
}

/** Ten stalls a second, each of them worth a line. */
export const storm = async (count: number, options: SubjectOptions = {}): Promise<StormFigures> => {
  const subject = await startSubject({ ...options, env: { ...options.env, WARN_MS: '60' } });
  const METRIC = 'quittance_event_loop_stall_duration_seconds_count';
  try {
    await sleep(1_500);
    const before = { metric: await subject.metric(METRIC), lines: subject.lines.length };
    for (let i = 0; i < count; i++) {
      const startedAt = performance.now();
      await subject.get('/block/loop/1?ms=65');
      await sleep(Math.max(1, 100 - (performance.now() - startedAt)));
    }
    await sleep(500);
    return {
      injected: count,
      metric: (await subject.metric(METRIC)) - before.metric,
      ofTheRoute: await stallsOf(subject, '/block/loop/:id'),
      lines: subject.lines.length - before.lines,
      suppressed: await subject.metric('quittance_event_loop_stall_lines_suppressed_total'),
    };
  } finally {
    await subject.stop();
  }
};

const stallsOf = async ({ opsUrl }: Subject, route: string): Promise<number> => {
  const reply = await fetch(`${opsUrl}/verdict`, { headers: { Accept: 'application/json' } });
  const { culprits } = (await reply.json()) as { culprits: { route?: string; stalls: number }[] };
  return culprits.filter((culprit) => culprit.route === route).reduce((sum, { stalls }) => sum + stalls, 0);
};

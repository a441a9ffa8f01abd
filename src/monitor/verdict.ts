/**
 * The question of the story, answered from the service's own records: what makes it slow, what does that cost, and what
 * would mend it? Pure: from the minutes of a window to a finding, an advice and a page of text.
 */
import type { Economics, Spent, ToldEconomics } from './ops.ts';
import type { Culprit } from './records.ts';
import { isHostCause, type Cause } from './sample.ts';
import type { SeenMinute } from './view.ts';

type Finding = Exclude<Cause, 'mixed' | 'unknown'> | 'database' | 'stripe' | 'healthy' | 'too little seen';
type Advice =
  | 'stay'
  | 'fix the route'
  | 'move it to a worker'
  | 'mend the memory'
  | 'mend the database'
  | 'add an instance'
  | 'mend the machine'
  | 'rewrite';

export interface VerdictReport {
  readonly finding: Finding;
  /** What would be found on a machine that withheld nothing; the same as `finding` where it does not. */
  readonly apart: Finding;
  readonly advice: Advice;
  readonly summary: string;
  readonly window: { readonly minutes: number; readonly secondsSeen: number; readonly requests: number };
  readonly loop: {
    readonly utilisation: number;
    readonly secondsOver50Ratio: number;
    readonly secondsOver10Ratio: number;
    readonly gcRatio: number;
  };
  readonly stalls: readonly {
    readonly cause: Cause;
    readonly stalls: number;
    readonly seconds: number;
    readonly ratio: number;
  }[];
  readonly culprits: readonly Culprit[];
  /** Of the time that requests took, where it went. */
  readonly time: { readonly database: number; readonly queue: number; readonly stripe: number; readonly rest: number };
  /** How far what was seen bears the finding. */
  readonly certainty: { readonly level: 'too little' | 'a hint' | 'sure'; readonly why: string };
  /** Undefined where nobody told what it costs: then nothing is said of a rewrite. */
  readonly economics: Money | undefined;
}

type Money = Economics & {
  readonly usdMonth: number;
  readonly savedUsdMonth: number;
  readonly breakEvenMonths: number | undefined;
};

/** Below this there is nothing to judge. */
const SECONDS_MIN = 10;
/** The story's "consistently": lag of 50 ms or more in one second of twenty, or stalls for a hundredth of the time. */
const CONSISTENT_RATIO = 0.05;
const STALL_RATIO = 0.01;
/** A collector that takes a tenth of the loop's time costs a tenth of the machine, whether it stalls or not. */
const GC_RATIO = 0.1;
/** Of the time of requests: more than this somewhere else, and a faster loop would change little. */
const ELSEWHERE_RATIO = 0.5;
const BUSY = 0.85;
/** One route with this much of the stalls is the thing to mend. */
const ONE_ROUTE_RATIO = 0.5;
/** From the story: below this bill, or later than this, a rewrite is not worth its engineers. */
const RUN_USD_MONTH_MIN = 5_000;
const BREAK_EVEN_MONTHS_MAX = 24;

/** What a finding needs to be more than a hint: minutes enough to differ from each other, and a usual load. */
const SURE_SECONDS = 300;
const SURE_REQUESTS = 1_000;
/** Of resamples of the minutes, how many must find the same. */
const SURE_RATIO = 0.9;
const RESAMPLES = 100;

/** `processes`: the minutes of each. */
export const verdictOf = (
  processes: readonly (readonly SeenMinute[])[],
  economics: Economics | undefined,
): VerdictReport => {
  const report = reportOf(processes, economics);
  const certainty = certaintyOf(processes, report);
  return { ...report, certainty, summary: summaryOf({ ...report, certainty }) };
};

type Bare = Omit<VerdictReport, 'summary' | 'certainty'>;

/** How often the same is found in as many of its minutes, drawn at random with some of them twice: the bootstrap. */
const certaintyOf = (
  processes: readonly (readonly SeenMinute[])[],
  { finding, window }: Bare,
): VerdictReport['certainty'] => {
  const { secondsSeen, requests } = window;
  const seen = `${secondsSeen} s and ${requests} requests`;
  if (finding === 'too little seen') return { level: 'too little', why: `${seen} tell nothing` };
  if (secondsSeen < SURE_SECONDS || requests < SURE_REQUESTS)
    return {
      level: 'a hint',
      why: `${seen} are less than the ${SURE_SECONDS} s and ${SURE_REQUESTS} that it takes to be sure`,
    };
  const random = randomFrom(secondsSeen);
  let same = 0;
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn = processes.map((minutes) =>
      minutes.flatMap(() => minutes[Math.floor(random() * minutes.length)] ?? []),
    );
    if (findingIn(drawn) === finding) same++;
  }
  const why = `${same} of ${RESAMPLES} resamples of what was seen, ${seen}, find the same`;
  return { level: same >= RESAMPLES * SURE_RATIO ? 'sure' : 'a hint', why };
};

/** The same numbers each time: a verdict that is asked twice is told twice. (mulberry32) */
const randomFrom = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
};

/** Of minutes in any order: what was spent is of each minute alone. */
const findingIn = (processes: readonly (readonly SeenMinute[])[]): Finding =>
  reportOf(processes, undefined, spentByMinute).finding;

const reportOf = (
  processes: readonly (readonly SeenMinute[])[],
  economics: Economics | undefined,
  spentOf = spentIn,
): Bare => {
  const minutes = processes.flat();
  const seconds = sum(minutes, ({ seconds: seen }) => seen);
  const secondsSeen = longest(processes.map((own) => sum(own, ({ seconds: seen }) => seen)));
  const culprits = mergeCulprits(minutes);
  const stalls = byCause(culprits, seconds);
  const spent = spentOf(processes);
  // Jobs share the batches of requests, so that the parts may be more than the whole.
  const wholeMs = Math.max(spent.requestMs, spent.databaseMs + spent.queueMs + spent.stripeMs);
  const per = (ms: number): number => (wholeMs === 0 ? 0 : ms / wholeMs);
  const time = { database: per(spent.databaseMs), queue: per(spent.queueMs), stripe: per(spent.stripeMs), rest: 0 };
  const rest = Math.max(0, 1 - time.database - time.queue - time.stripe);
  const ratio = (of: (minute: SeenMinute) => number, whole = seconds): number =>
    whole === 0 ? 0 : sum(minutes, of) / whole;
  const loop = {
    utilisation: ratio(({ activeMs }) => activeMs, seconds * 1000),
    secondsOver50Ratio: ratio(({ secondsOver50 }) => secondsOver50),
    secondsOver10Ratio: ratio(({ secondsOver10 }) => secondsOver10),
    gcRatio: ratio(({ gcMs }) => gcMs, seconds * 1000),
  };
  const seen = { secondsSeen, loop, stalls, culprits, time: { ...time, rest } };
  const money = economics && reckon(economics, loop.utilisation);
  const finding = findingOf(seen);
  const ours = stalls.filter(({ cause }) => !isHostCause(cause));
  const apart = isHost(finding)
    ? findingOf({ ...seen, stalls: ours, loop: { ...loop, secondsOver50Ratio: 0 } })
    : finding;
  const advice = adviceOf(finding, seen, money);
  return {
    finding,
    apart,
    advice,
    window: {
      minutes: longest(processes.map(({ length }) => length)),
      secondsSeen,
      requests: spent.requests,
    },
    loop,
    stalls,
    culprits: culprits.slice(0, 10),
    time: seen.time,
    economics: money,
  };
};

interface Seen extends Pick<VerdictReport, 'loop' | 'stalls' | 'culprits' | 'time'> {
  /** By the process that was seen longest. */
  readonly secondsSeen: number;
}

/** The loop first: while it is blocked, a database looks slow that is not. */
const findingOf = ({ secondsSeen, loop, stalls, time }: Seen): Finding => {
  if (secondsSeen < SECONDS_MIN) return 'too little seen';
  const worst = stalls.find(({ cause }) => cause !== 'mixed');
  const stalled = sum(stalls, ({ ratio }) => ratio);
  const isBlocked = stalled >= STALL_RATIO || loop.secondsOver50Ratio >= CONSISTENT_RATIO;
  if (isBlocked && worst) return worst.cause as Finding;
  if (loop.gcRatio >= GC_RATIO) return 'gc';
  if (loop.utilisation >= BUSY) return 'saturated';
  if (time.database + time.queue >= ELSEWHERE_RATIO) return 'database';
  if (time.stripe >= ELSEWHERE_RATIO) return 'stripe';
  return 'healthy';
};

const isHost = (finding: Finding): boolean =>
  finding === 'starved' || finding === 'throttled' || finding === 'suspended';

const adviceOf = (finding: Finding, { culprits, stalls }: Seen, money: Money | undefined): Advice => {
  switch (finding) {
    case 'gc':
      return 'mend the memory';
    case 'sync_io':
      return 'fix the route';
    case 'suspended':
    case 'throttled':
    case 'starved':
      return 'mend the machine';
    case 'database':
      return 'mend the database';
    case 'cpu': {
      const total = stalls.find(({ cause }) => cause === 'cpu')?.seconds ?? 0;
      const first = culprits.find(({ cause }) => cause === 'cpu');
      const isOne = first !== undefined && total > 0 && first.ms / 1000 >= total * ONE_ROUTE_RATIO;
      if (!isOne) return isWorthIt(money) ? 'rewrite' : 'fix the route';
      // What is long by itself stays long when it is written better: it belongs off the loop.
      return first.ms / first.stalls >= 250 ? 'move it to a worker' : 'fix the route';
    }
    case 'saturated':
      return isWorthIt(money) ? 'rewrite' : 'add an instance';
    case 'stripe':
    case 'healthy':
    case 'too little seen':
      return 'stay';
  }
};

const isWorthIt = (money: Money | undefined): boolean =>
  money?.breakEvenMonths !== undefined &&
  money.usdMonth >= RUN_USD_MONTH_MIN &&
  money.breakEvenMonths <= BREAK_EVEN_MONTHS_MAX;

/** A rewrite saves the loop's own time, less what the speed-up leaves of it; waiting elsewhere stays. */
const reckon = (economics: Economics, utilisation: number): Money => {
  const { instances, instanceUsdMonth, rewriteUsd, rewriteSpeedup } = economics;
  const usdMonth = instances * instanceUsdMonth;
  // What could be switched off today is no saving of a rewrite.
  const neededNow = Math.max(1, Math.ceil((instances * utilisation) / BUSY));
  const neededThen = Math.max(1, Math.ceil((instances * utilisation) / rewriteSpeedup / BUSY));
  const savedUsdMonth = (Math.min(instances, neededNow) - Math.min(instances, neededThen)) * instanceUsdMonth;
  const breakEvenMonths = savedUsdMonth === 0 ? undefined : rewriteUsd / savedUsdMonth;
  return { ...economics, usdMonth, savedUsdMonth, breakEvenMonths };
};

const sum = <T>(items: readonly T[], of: (item: T) => number): number =>
  items.reduce((total, item) => total + of(item), 0);

const longest = (lengths: readonly number[]): number => Math.max(0, ...lengths);

const mergeCulprits = (minutes: readonly SeenMinute[]): Culprit[] => {
  const merged = new Map<string, Culprit>();
  for (const { culprits } of minutes) {
    for (const [key, { stalls, ms, ...rest }] of culprits) {
      const known = merged.get(key);
      merged.set(key, { ...rest, stalls: stalls + (known?.stalls ?? 0), ms: ms + (known?.ms ?? 0) });
    }
  }
  return [...merged.values()].sort((a, b) => b.ms - a.ms);
};

const byCause = (culprits: readonly Culprit[], seconds: number): VerdictReport['stalls'] => {
  const causes = new Map<Cause, { stalls: number; seconds: number }>();
  for (const { cause, stalls, ms } of culprits) {
    const known = causes.get(cause) ?? { stalls: 0, seconds: 0 };
    causes.set(cause, { stalls: known.stalls + stalls, seconds: known.seconds + ms / 1000 });
  }
  return [...causes]
    .map(([cause, figures]) => ({ cause, ...figures, ratio: seconds === 0 ? 0 : figures.seconds / seconds }))
    .sort((a, b) => b.seconds - a.seconds);
};

const NOTHING: Spent = { requests: 0, requestMs: 0, databaseMs: 0, queueMs: 0, stripeMs: 0, cpuMs: 0 };

const spentIn = (processes: readonly (readonly SeenMinute[])[]): Spent =>
  spentOver(processes.flatMap((minutes) => [[minutes[0]?.spentFirst, minutes.at(-1)?.spentLast] as const]));

const spentByMinute = (processes: readonly (readonly SeenMinute[])[]): Spent =>
  spentOver(processes.flat().map(({ spentFirst, spentLast }) => [spentFirst, spentLast] as const));

const spentOver = (spans: readonly (readonly [Spent | undefined, Spent | undefined])[]): Spent => {
  const grew = (name: keyof Spent): number => sum(spans, ([first = NOTHING, last = first]) => last[name] - first[name]);
  return {
    requests: grew('requests'),
    requestMs: grew('requestMs'),
    databaseMs: grew('databaseMs'),
    queueMs: grew('queueMs'),
    stripeMs: grew('stripeMs'),
    cpuMs: grew('cpuMs'),
  };
};

// ---- what a person reads -------------------------------------------------------------------------------------------

const FINDINGS: Record<Finding, string> = {
  gc: 'Garbage collection blocks the loop.',
  cpu: 'Code on the main thread blocks the loop.',
  sync_io: 'Synchronous calls block the loop: it waits where it should await.',
  starved: 'The machine does not give the process its core: others compute on it.',
  throttled: "The container's CPU quota stops the process.",
  suspended: 'The process was stopped as a whole: paused, frozen or signalled.',
  saturated: 'No callback is long, but there are more of them than one loop can run.',
  database: 'The loop is free. The time goes to the database.',
  stripe: 'The loop is free. The time goes to Stripe.',
  healthy: 'The loop is free, and no single part takes most of the time.',
  'too little seen': 'Too little was seen to judge: let it run under its usual load for some minutes.',
};

const ADVICE: Record<Advice, string> = {
  stay: 'Stay with Node: a faster loop would change nothing that a caller can feel.',
  'fix the route': 'Fix what is named below; it is a few functions, not a language.',
  'move it to a worker': 'Move it to a worker thread, or stream it in pieces: it is long by itself.',
  'mend the memory':
    'Take a heap snapshot under load, find what is kept or made needlessly, and give the young generation more room (--max-semi-space-size).',
  'mend the database':
    'Look at the slowest statements, their plans, and what waits for what; batch what can be batched.',
  'add an instance': 'Add an instance on the same database.',
  'mend the machine': 'Raise the CPU request and limit, or move the neighbours away; nothing in the code would help.',
  rewrite:
    'The limits of the loop are reached, and the bill pays for a rewrite. Begin with the routes below, one at a time.',
};

const percent = (ratio: number): string => `${(ratio * 100).toFixed(ratio < 0.1 ? 1 : 0)} %`;
const usd = (amount: number): string => `$${Math.round(amount).toLocaleString('en-US')}`;

const OPENINGS: Record<VerdictReport['certainty']['level'], string> = {
  'too little': '',
  'a hint': 'A hint, no verdict yet: ',
  sure: '',
};
const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const moneyText = (money: Money | undefined): string => {
  if (!money)
    return 'Economics: nobody told what this costs. Whether a rewrite would pay: npm run verdict -- --instances N --instance-usd N --rewrite-usd N --speedup N';
  const assumed = (name: keyof ToldEconomics): string => (money.assumed.includes(name) ? ' (assumed)' : '');
  const bill = `${money.instances}${assumed('instances')} instances at ${usd(money.instanceUsdMonth)}${assumed('instanceUsdMonth')} a month are ${usd(money.usdMonth)}`;
  const rewrite = `A rewrite at ${usd(money.rewriteUsd)}${assumed('rewriteUsd')}, ${money.rewriteSpeedup}×${assumed('rewriteSpeedup')} less CPU, would save ${usd(money.savedUsdMonth)} a month`;
  const pays =
    money.breakEvenMonths === undefined
      ? '; it never pays.'
      : ` and pay for itself in ${money.breakEvenMonths.toFixed(1)} months.`;
  const note = money.assumed.length === 0 ? '' : ' What is assumed is an example: tell yours.';
  return `Economics: ${bill}. ${rewrite}${pays}${note}`;
};

/** The page: what was found, what to do, and the figures behind it. */
const summaryOf = (report: Omit<VerdictReport, 'summary'>): string => {
  const { finding, apart, advice, loop, stalls, culprits, time, certainty, economics } = report;
  const lines = [
    `${OPENINGS[certainty.level]}${FINDINGS[finding]}${finding === 'too little seen' ? '' : ` ${ADVICE[advice]}`}`,
    ...(apart === finding ? [] : [`Apart from that: ${FINDINGS[apart]}`]),
    '',
    `How sure: ${certainty.level}. ${capital(certainty.why)}.`,
    `Loop: busy ${percent(loop.utilisation)}; lag over 50 ms in ${percent(loop.secondsOver50Ratio)} of the seconds, over 10 ms in ${percent(loop.secondsOver10Ratio)}; garbage collection ${percent(loop.gcRatio)}.`,
    `Requests spent: database ${percent(time.database)}, queue ${percent(time.queue)}, Stripe ${percent(time.stripe)}, the rest ${percent(time.rest)}.`,
    '',
    stalls.length === 0 ? 'No stalls.' : 'Stalls by cause:',
    ...stalls.map(
      ({ cause, stalls: count, seconds, ratio }) =>
        `  ${cause.padEnd(10)} ${seconds.toFixed(1).padStart(8)} s  ${percent(ratio).padStart(7)}  ${count} stalls`,
    ),
    ...(culprits.length === 0 ? [] : ['', 'Where:']),
    ...culprits.map(
      ({ route, method, cause, at, stalls: count, ms }) =>
        `  ${(ms / 1000).toFixed(1).padStart(6)} s  ${cause.padEnd(9)} ${method ? `${method} ` : ''}${route ?? 'no route'}${at ? `  ${at}` : ''}  (${count} stalls, ${Math.round(ms / count)} ms each)`,
    ),
    '',
    moneyText(economics),
  ];
  return lines.join('\n');
};

/** What is wrong now, the worst first, each with what the runbook says of it. Pure. */
import { sentenceOf } from './line.ts';
import type { CheckState } from './ops.ts';
import { isHostCause, type Stall } from './sample.ts';
import type { View } from './view.ts';

type Level = 'red' | 'amber';

export interface Trouble {
  readonly level: Level;
  /** One sentence. */
  readonly what: string;
  readonly detail: string;
  /** Of the runbook, and the paragraph that stands there. */
  readonly heading: string;
  readonly sentence: string;
}

interface Told {
  readonly what: string;
  /** Where it is late, or holds in part: what is served still is not to be called broken. */
  readonly degraded?: string;
  readonly heading: string;
  readonly level?: Level;
}

/** Of a check that does not hold: what that means for those who pay, and where the runbook tells what to do. */
const CHECKS: Readonly<Record<string, Told>> = {
  event_loop: { what: 'The event loop does not come round', heading: 'wedged' },
  database: {
    what: 'The database does not answer as it should',
    degraded: 'The database answers late',
    heading: 'database_unavailable',
  },
  writes: { what: 'Nothing can be written', degraded: 'Writes are slow', heading: 'database_unavailable' },
  pool: { what: 'Requests wait for a connection to the database', heading: 'database_unavailable' },
  // Requests are served still, and yet nobody can pay.
  stripe: { what: 'Stripe does not answer: charges are refused', heading: 'provider_unavailable', level: 'red' },
  stripe_webhooks: { what: "Stripe's webhooks are not believed", heading: 'stripe-webhooks' },
  unknown_outcomes: { what: 'The outcome of charges is not known', heading: 'unknown-outcomes' },
  contradictions: { what: 'Stripe contradicts what was believed of payments', heading: 'contradictions' },
  clocks: { what: 'Clocks differ that money depends on', heading: 'clocks' },
  requests: { what: 'Every request is refused', heading: 'overloaded' },
  service: { what: 'This process does not serve: it starts, or stops', heading: 'down' },
  jobs: { what: 'A job in the background does not do its work', heading: 'jobs' },
  // All that is served goes on, and nobody can trust it.
  books: { what: 'The books contradict themselves', heading: 'ledger', level: 'red' },
  workers: { what: 'A process is missing', heading: 'workers' },
  snapshot: { what: 'The service does not say how it is', heading: 'wedged' },
};

/** As long as a person who was woken takes to look. */
const RECENT_MS = 300_000;
const SHED_SECONDS = 60;
const MB = 2 ** 20;
/** A machine that others use too holds everybody up now and then. */
const HELD_UP_MIN_MS = 1_000;
/** Shorter, it is over before anyone has read of it. */
const BLOCKED_MIN_MS = 500;
/** So long is a page, whoever is to blame; less is a thing for the morning. */
const BLOCKED_RED_MS = 2_000;

export const storyOf = (view: View, sentences: Readonly<Record<string, string>>, now: number): Trouble[] => {
  // Under more than can be served all else is late as well.
  const troubles = [...blockedNow(view), ...refusals(view), ...checksIn(view), ...recentStalls(view, now)];
  return troubles
    .map((trouble) => ({ ...trouble, sentence: sentences[trouble.heading] ?? '' }))
    .sort((a, b) => Number(b.level === 'red') - Number(a.level === 'red'));
};

type Bare = Omit<Trouble, 'sentence'>;

const blockedNow = ({ loop: { blockedMs }, stalls }: View): Bare[] => {
  if (blockedMs < BLOCKED_MIN_MS) return [];
  const told = stalls.findLast(({ phase }) => phase === 'started');
  const isLong = blockedMs >= BLOCKED_RED_MS;
  return [
    {
      level: isLong ? 'red' : 'amber',
      what: `The event loop has been blocked for ${(blockedMs / 1000).toFixed(1)} s`,
      detail: told ? sentenceOf(told) : 'its stack is being taken',
      // It may end by itself yet.
      heading: isLong ? 'wedged' : (told?.cause ?? 'unknown'),
    },
  ];
};

const levelOf = (state: CheckState): Level => (state === 'bad' ? 'red' : 'amber');

/** The same of several processes is one trouble. */
const checksIn = ({ checks, loop: { blockedMs } }: View): Bare[] => {
  const broken = Object.entries(checks).filter(([, { state }]) => state !== 'ok');
  const byKind = Map.groupBy(broken, ([name]) => name.replace(/^worker_\d+_?/, ''));
  // That it is blocked is told already, with where; and so are refusals, with how many. A loop that is late only has been
  // blocked for too short a time to be told, or a past stall says so.
  if (blockedMs >= BLOCKED_MIN_MS) byKind.delete('event_loop');
  return [...byKind].flatMap(([name, some]) => {
    const worst = some.some(([, { state }]) => state === 'bad') ? 'bad' : 'degraded';
    if (worst === 'degraded' && (name === 'requests' || name === 'event_loop')) return [];
    const { what, degraded = what, heading, level } = CHECKS[name] ?? unknownCheck(name);
    const detail = some.map(([, check]) => check.detail).join('; ');
    return [{ level: level ?? levelOf(worst), what: worst === 'bad' ? what : degraded, detail, heading }];
  });
};

/** A worker that does not answer has no checks but that one, which has its name. */
const unknownCheck = (name: string): Told =>
  name === ''
    ? { what: 'A process does not answer', heading: 'workers' }
    : { what: `Not as it should be: ${name.replaceAll('_', ' ')}`, heading: name };

const refusals = ({ points }: View): Bare[] => {
  const refused = points.slice(-SHED_SECONDS).reduce((sum, { shed }) => sum + shed, 0);
  if (refused === 0) return [];
  const detail = `${refused} in the last minute, ${points.at(-1)?.shed ?? 0} in the last second`;
  return [
    { level: 'amber', what: 'Requests are refused: more come than can be served', detail, heading: 'overloaded' },
  ];
};

/** Those that were worth a line, by cause; first what took most. */
const recentStalls = ({ stalls }: View, now: number): Bare[] => {
  const recent = stalls.filter(
    ({ phase, severity, at }) => phase === 'ended' && severity !== 'metric' && now - Date.parse(at) < RECENT_MS,
  );
  return [...Map.groupBy(recent, ({ cause }) => cause)]
    .filter(([cause, some]) => !isHostCause(cause) || totalMs(some) >= HELD_UP_MIN_MS)
    .sort(([, a], [, b]) => totalMs(b) - totalMs(a))
    .map(([cause, some]) => ({
      level: 'amber',
      what: stallText(cause, some, now),
      detail: `${sentenceOf(longestOf(some))}${cause === 'gc' ? heapText(longestOf(some)) : ''}`,
      heading: cause,
    }));
};

/** Near its limit or far from it: that is what on-call asks first of a collector. */
const heapText = ({ heapUsedBytes, heapLimitBytes }: Stall): string =>
  heapUsedBytes === undefined || heapLimitBytes === undefined
    ? ''
    : `; the heap has ${Math.round(heapUsedBytes / MB)} of ${Math.round(heapLimitBytes / MB)} MB`;

const totalMs = (stalls: readonly Stall[]): number => stalls.reduce((sum, { durationMs }) => sum + durationMs, 0);

const longestOf = (stalls: readonly Stall[]): Stall =>
  stalls.reduce((longest, stall) => (stall.durationMs > longest.durationMs ? stall : longest));

const stallText = (cause: Stall['cause'], stalls: readonly Stall[], now: number): string => {
  const totalS = (totalMs(stalls) / 1000).toFixed(1);
  const times = stalls.length === 1 ? 'once' : `${stalls.length} times`;
  const who = isHostCause(cause) ? 'The machine held the service up' : 'The event loop was blocked';
  const agoS = Math.max(0, Math.round((now - Math.max(...stalls.map(({ at }) => Date.parse(at)))) / 1000));
  const last = stalls.length === 1 ? `${agoS} s ago` : `the last ${agoS} s ago`;
  return `${who} (${cause}) ${times} in the last five minutes, ${totalS} s in all, ${last}`;
};

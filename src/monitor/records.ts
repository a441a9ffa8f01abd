/** What the ops thread remembers: the latest stalls, a quarter of an hour by the second, a day by the minute. */
import type { Calls, Live, Mark, Spent } from './ops.ts';
import type { Cause, Stall } from './sample.ts';

const STALLS_MAX = 500;
const POINTS_MAX = 900;
const MINUTES_MAX = 1_440;
/** A night of things that happen. */
const MARKS_MAX = 200;
/** Routes are templates and functions are ours: some hundreds at most. */
const CULPRITS_MAX = 500;

export interface Point {
  /** Seconds since 1970. */
  readonly t: number;
  readonly lagMs: number;
  readonly gcMs: number;
  readonly utilisation: number;
  readonly inflight: number;
  readonly shed: number;
  readonly stallMs: number;
  /** How long a call took, of those that ended in this second; 0 where there was none. */
  readonly databaseMs: number;
  readonly stripeMs: number;
}

export interface Culprit {
  readonly route: string | undefined;
  readonly method: string | undefined;
  readonly cause: Cause;
  readonly at: string | undefined;
  stalls: number;
  ms: number;
}

export interface Minute {
  readonly t: number;
  seconds: number;
  /** Seconds in which the loop lagged 50 ms or more, and 10 ms or more. */
  secondsOver50: number;
  secondsOver10: number;
  activeMs: number;
  gcMs: number;
  readonly culprits: Map<string, Culprit>;
  spentFirst: Spent | undefined;
  spentLast: Spent | undefined;
}

export interface Records {
  readonly stall: (stall: Stall) => void;
  readonly second: (live: Live | undefined, blockedMs: number, now: number) => void;
  /** So many of the latest, as with `minutes`. */
  readonly stalls: (count: number) => readonly Stall[];
  readonly points: () => readonly Point[];
  /** Keeps it for the time line. */
  readonly mark: (mark: Mark) => void;
  readonly marks: () => readonly Mark[];
  readonly minutes: (count: number) => readonly Minute[];
}

export const createRecords = (): Records => {
  const stalls: Stall[] = [];
  const points: Point[] = [];
  const minutes: Minute[] = [];
  const marks: Mark[] = [];
  let stallMs = 0;
  let shedBefore = 0;

  const minuteAt = (t: number): Minute => {
    const last = minutes.at(-1);
    if (last?.t === t) return last;
    const made: Minute = {
      t,
      seconds: 0,
      secondsOver50: 0,
      secondsOver10: 0,
      activeMs: 0,
      gcMs: 0,
      culprits: new Map(),
      spentFirst: last?.spentLast,
      spentLast: last?.spentLast,
    };
    minutes.push(made);
    if (minutes.length > MINUTES_MAX) minutes.shift();
    return made;
  };
  const minuteOf = (now: number): number => Math.floor(now / 60_000) * 60;

  const stall = (told: Stall): void => {
    // What was said of it while it went on is replaced by what is known now.
    const known = stalls.findLastIndex(({ id }) => id === told.id);
    if (known >= 0) stalls.splice(known, 1);
    stalls.push(told);
    if (stalls.length > STALLS_MAX) stalls.shift();
    if (told.phase === 'started') return;
    stallMs += told.durationMs;
    const { culprits } = minuteAt(minuteOf(Date.parse(told.at)));
    const at = told.frame && `${told.frame.function} ${told.frame.filename}:${told.frame.lineno}`;
    const key = `${told.cause}\n${told.method ?? ''} ${told.route ?? ''}\n${at ?? ''}`;
    const culprit = culprits.get(key) ?? {
      route: told.route,
      method: told.method,
      cause: told.cause,
      at,
      stalls: 0,
      ms: 0,
    };
    culprit.stalls++;
    culprit.ms += told.durationMs;
    if (culprits.size < CULPRITS_MAX || culprits.has(key)) culprits.set(key, culprit);
  };

  const second = (live: Live | undefined, blockedMs: number, now: number): void => {
    const lagMs = Math.max(live?.lagMsMax ?? 0, blockedMs);
    const utilisation = live?.utilisation ?? 1;
    points.push({
      t: Math.round(now / 1000),
      lagMs: Math.round(lagMs * 10) / 10,
      gcMs: Math.round((live?.gcMs ?? 0) * 10) / 10,
      utilisation: Math.round(utilisation * 1000) / 1000,
      inflight: live?.inflight ?? points.at(-1)?.inflight ?? 0,
      shed: live ? Math.max(0, live.shed - shedBefore) : 0,
      stallMs: Math.round(stallMs),
      databaseMs: meanOf(live?.calls.database),
      stripeMs: meanOf(live?.calls.stripe),
    });
    if (points.length > POINTS_MAX) points.shift();
    stallMs = 0;
    shedBefore = live?.shed ?? shedBefore;

    const minute = minuteAt(minuteOf(now));
    minute.seconds++;
    minute.secondsOver50 += Number(lagMs >= 50);
    minute.secondsOver10 += Number(lagMs >= 10);
    minute.activeMs += utilisation * 1000;
    minute.gcMs += live?.gcMs ?? 0;
    minute.spentFirst ??= live?.spent;
    minute.spentLast = live?.spent ?? minute.spentLast;
  };

  return {
    stall,
    second,
    stalls: (count) => latest(stalls, count),
    points: () => points,
    mark: (mark) => {
      marks.push(mark);
      if (marks.length > MARKS_MAX) marks.shift();
    },
    marks: () => marks,
    minutes: (count) => latest(minutes, count),
  };
};

const meanOf = (calls: Calls | undefined): number =>
  calls && calls.count > 0 ? Math.round((calls.ms / calls.count) * 10) / 10 : 0;

/** Not `slice(-count)`, which is all of them where none is wanted. */
const latest = <T>(all: readonly T[], count: number): readonly T[] => all.slice(Math.max(0, all.length - count));

/**
 * Who is let in. In quiet times everyone is. Under load, which takes both a delay and a loop with hardly any rest to be
 * called so, the number of requests under way is limited, and what can best wait is refused first: reports, then reads,
 * then charges.
 */

/** As the table of routes has them. `exempt`: health, and what a refusal would only bring back: webhooks. */
export type AdmissionClass = 'money' | 'read' | 'report' | 'exempt';
type Limited = Exclude<AdmissionClass, 'exempt'>;

export type Refusal = 'overload' | 'in_flight';

/** What the loop was like over the last tenth of a second. */
export interface Pressure {
  /** The median of what the beats came late. */
  readonly delayMs: number;
  /** 1 is a loop that never waited for events. */
  readonly utilisation: number;
  /** Over how long. */
  readonly intervalMs: number;
}

export interface Admission {
  /** Undefined: let in, and `leave` is called when it has ended. A repeat is of a request that was let in before. */
  readonly enter: (serviceClass: AdmissionClass, isRepeat: boolean) => Refusal | undefined;
  readonly leave: (serviceClass: AdmissionClass) => void;
  /** Called every tenth of a second. */
  readonly feel: (pressure: Pressure) => void;
  readonly inflight: () => Readonly<Record<AdmissionClass, number>>;
  readonly limit: () => number;
  readonly shed: () => number;
}

/**
 * A loop that rests more is not overloaded, whatever a delay says: others are slow, and to refuse would not help them.
 * It rests a little even then, while the one batch that is under way is in the database: 0.93 was seen at full load.
 */
const UTILISATION_MIN = 0.9;
/** Above it the limit shrinks, below the other it grows: between them it stays, so that it does not swing. */
const DELAY_HIGH_MS = 40;
const DELAY_LOW_MS = 15;
/**
 * How long one who comes now will wait: those under way, at the rate at which they end. A tenth of a second's worth is
 * what full batches take; more than the other is waiting that makes nothing faster.
 */
const WAIT_HIGH_MS = 200;
const WAIT_LOW_MS = 100;
/** Fewer at once make smaller batches, which cost more: of 64, of 256 and of 1,024 a core serves 3,600, 5,900 and 7,000 a second. */
const LIMIT_MIN = 256;
/** As good as none: more than this under way, and they wait longer than callers do. Under the commit lane's own bound. */
const LIMIT_MAX = 4_096;
/** A fifth less for each tenth of a second of overload; a tenth more for each without. */
const SHRINK = 0.8;
const GROW = 1.1;
/** Of the limit, how much a class may fill: who can wait is refused while there still is room for who cannot. */
const SHARE: Record<Limited, number> = { report: 0.4, read: 0.75, money: 1 };
/** At any time: a report holds a connection for long, and there are ten. */
const CLASS_MAX: Record<Limited, number> = { report: 16, read: 2_048, money: 3_072 };

export const createAdmission = (): Admission => {
  const inflight: Record<AdmissionClass, number> = { money: 0, read: 0, report: 0, exempt: 0 };
  let limit = LIMIT_MAX;
  let shed = 0;
  let ended = 0;

  const refusalOf = (serviceClass: Limited): Refusal | undefined => {
    const total = inflight.money + inflight.read + inflight.report;
    if (total >= limit * SHARE[serviceClass]) return 'overload';
    return inflight[serviceClass] >= CLASS_MAX[serviceClass] ? 'in_flight' : undefined;
  };

  return {
    enter: (serviceClass, isRepeat) => {
      const refusal = serviceClass === 'exempt' || isRepeat ? undefined : refusalOf(serviceClass);
      if (refusal) shed++;
      else inflight[serviceClass]++;
      return refusal;
    },
    leave: (serviceClass) => {
      inflight[serviceClass]--;
      ended++;
    },
    feel: ({ delayMs, utilisation, intervalMs }) => {
      const total = inflight.money + inflight.read + inflight.report;
      // Where none ended there is no rate to go by.
      const waitMs = ended === 0 ? 0 : (total / ended) * intervalMs;
      ended = 0;
      const isBusy = utilisation > UTILISATION_MIN;
      if (isBusy && (delayMs > DELAY_HIGH_MS || waitMs > WAIT_HIGH_MS))
        // From what is under way: a limit far above it would take seconds to be felt.
        limit = Math.max(LIMIT_MIN, Math.min(limit, Math.max(total, LIMIT_MIN)) * SHRINK);
      else if (!isBusy || (delayMs < DELAY_LOW_MS && waitMs < WAIT_LOW_MS))
        limit = Math.min(LIMIT_MAX, limit * GROW + 1);
    },
    inflight: () => inflight,
    limit: () => limit,
    shed: () => shed,
  };
};

/** One second, and up to two more by chance: callers who were refused together do not come back together. */
export const retryAfterS = (): number => 1 + Math.floor(Math.random() * 3);

/** Keys of requests that were let in: the same key again asks for an outcome, and is not refused. */
export interface SeenKeys {
  readonly has: (key: string) => boolean;
  readonly add: (key: string) => void;
}

/** Two generations of this many keys of up to 255 characters. */
const GENERATION = 20_000;

export const createSeenKeys = (): SeenKeys => {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    has: (key) => young.has(key) || old.has(key),
    add: (key) => {
      if (young.size >= GENERATION) [old, young] = [young, new Set()];
      young.add(key);
    },
  };
};

/**
 * Who is let in. In quiet times everyone is. Under load, which takes both a delay and a loop with hardly any rest to be
 * called so, the number of requests under way is limited, and what can best wait is refused first: reports, then reads,
 * then charges. At any time nobody has more than a share of the house.
 */

/** As the table of routes has them. */
export type AdmissionClass = 'money' | 'read' | 'report';

export type Refusal = 'overload' | 'in_flight' | 'share';

/** One who asks for a place: he is known by now, and all that he sent has come. */
export interface Visitor {
  readonly class: AdmissionClass;
  /** A merchant and a role. */
  readonly principal: string;
  /** By a key that anyone can read in a page of the shop. */
  readonly isPublic: boolean;
  /** Of a request that was let in before: who asks for an outcome is not turned away for a load. */
  readonly isRepeat: boolean;
}

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
  /** Why one more would be refused now. */
  readonly refusal: (visitor: Visitor) => Refusal | undefined;
  /** Undefined: let in, and `leave` is called when its handler has answered, whether its caller takes the reply or not. */
  readonly enter: (visitor: Visitor) => Refusal | undefined;
  readonly leave: (visitor: Visitor) => void;
  /** Called every tenth of a second. */
  readonly feel: (pressure: Pressure) => void;
  readonly inflight: () => Readonly<Record<AdmissionClass, number>>;
  readonly limit: () => number;
  readonly shed: () => number;
  /** How many were let in since the start. */
  readonly entered: () => number;
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
const SHARE: Record<AdmissionClass, number> = { report: 0.4, read: 0.75, money: 1 };
/** At any time: a report holds a connection for long, and there are ten. */
const CLASS_MAX: Record<AdmissionClass, number> = { report: 16, read: 2_048, money: 3_072 };
/**
 * Of what a class may fill, how much one principal may: a merchant whose requests all wait, for Stripe or for a wallet
 * that is locked, leaves a quarter to the others. One alone still has three quarters of the house, in which batches are
 * as large as in the whole of it.
 */
const PRINCIPAL_SHARE = 0.75;
/** And all publishable keys together, of whatever merchant: half belongs to the merchants' own servers. */
const PUBLIC_SHARE = 0.5;
/** Reads of one publishable key: each asks the database by itself, and a page asks for one payment at a time. */
const PUBLIC_READS_MAX = 64;

export const createAdmission = (): Admission => {
  const inflight: Record<AdmissionClass, number> = { money: 0, read: 0, report: 0 };
  const ofPublic: Record<AdmissionClass, number> = { money: 0, read: 0, report: 0 };
  const ofPrincipal: Record<AdmissionClass, Map<string, number>> = {
    money: new Map(),
    read: new Map(),
    report: new Map(),
  };
  let limit = LIMIT_MAX;
  let shed = 0;
  let ended = 0;
  let entered = 0;

  const refusalOf = ({ class: of, principal, isPublic, isRepeat }: Visitor): Refusal | undefined => {
    const total = inflight.money + inflight.read + inflight.report;
    if (!isRepeat && total >= limit * SHARE[of]) return 'overload';
    if (inflight[of] >= CLASS_MAX[of]) return 'in_flight';
    const room = Math.min(limit * SHARE[of], CLASS_MAX[of]);
    if (isPublic && ofPublic[of] >= room * PUBLIC_SHARE) return 'share';
    const own = room * PRINCIPAL_SHARE * (isPublic ? PUBLIC_SHARE : 1);
    const most = isPublic && of === 'read' ? Math.min(own, PUBLIC_READS_MAX) : own;
    return (ofPrincipal[of].get(principal) ?? 0) >= most ? 'share' : undefined;
  };

  const refusal = (visitor: Visitor): Refusal | undefined => {
    const why = refusalOf(visitor);
    if (why) shed++;
    return why;
  };

  return {
    refusal,
    enter: (visitor) => {
      const why = refusal(visitor);
      if (why) return why;
      const { class: of, principal, isPublic } = visitor;
      entered++;
      inflight[of]++;
      if (isPublic) ofPublic[of]++;
      ofPrincipal[of].set(principal, (ofPrincipal[of].get(principal) ?? 0) + 1);
      return undefined;
    },
    leave: ({ class: of, principal, isPublic }) => {
      ended++;
      inflight[of]--;
      if (isPublic) ofPublic[of]--;
      const left = (ofPrincipal[of].get(principal) ?? 1) - 1;
      if (left === 0) ofPrincipal[of].delete(principal);
      else ofPrincipal[of].set(principal, left);
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
    entered: () => entered,
  };
};

/** One second, and up to two more by chance: callers who were refused together do not come back together. */
export const retryAfterS = (): number => 1 + Math.floor(Math.random() * 3);

/**
 * Keys of requests that were let in: the same key again asks for an outcome, and is not refused for a load. While one of
 * it is under way, another is a request like any: else one key would let in as many as there are. Each merchant has a
 * share of what is remembered, so that nobody's keys are forgotten for another's.
 */
export interface SeenKeys {
  readonly isRepeat: (merchant: string, key: string) => boolean;
  /** It was let in. Answers what is to be called when it has been answered. */
  readonly begin: (merchant: string, key: string) => () => void;
}

/** Keys of up to 255 characters in a generation, of which each merchant has two, as their number shares them out; */
const GENERATION = 20_000;
/** but at least as many as one asks for at once. */
const GENERATION_MIN = 200;
/** Beyond it, the one that has sent nothing for longest is forgotten. */
const MERCHANTS_MAX = 1_000;

class KeysOfOne {
  young = new Set<string>();
  old = new Set<string>();
  readonly underWay = new Set<string>();
}

export const createSeenKeys = (): SeenKeys => {
  const merchants = new Map<string, KeysOfOne>();
  const of = (merchant: string): KeysOfOne => {
    const keys = merchants.get(merchant) ?? new KeysOfOne();
    merchants.delete(merchant);
    const [longest] = merchants.size >= MERCHANTS_MAX ? merchants.keys() : [];
    if (longest !== undefined) merchants.delete(longest);
    merchants.set(merchant, keys);
    return keys;
  };
  return {
    isRepeat: (merchant, key) => {
      const keys = merchants.get(merchant);
      return keys !== undefined && !keys.underWay.has(key) && (keys.young.has(key) || keys.old.has(key));
    },
    begin: (merchant, key) => {
      const keys = of(merchant);
      if (keys.young.size >= Math.max(GENERATION_MIN, GENERATION / merchants.size))
        [keys.old, keys.young] = [keys.young, new Set()];
      keys.young.add(key);
      if (keys.underWay.has(key)) return () => undefined;
      keys.underWay.add(key);
      return () => keys.underWay.delete(key);
    },
  };
};

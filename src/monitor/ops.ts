/** What the main thread and the ops thread tell each other. */
import type { MetricObjectWithValues, MetricValue } from 'prom-client';
import type { MainSample, Tiers } from './sample.ts';

/** A metric in prom-client's JSON. Its own types take `type` for a number: it is a word. */
export type MetricJson = Omit<MetricObjectWithValues<MetricValue<string>>, 'type' | 'collect'> & {
  readonly type: unknown;
};

/** What the main thread says of itself every second. Totals are since the start. */
export interface Live {
  readonly lagMsMax: number;
  readonly utilisation: number;
  readonly gcMs: number;
  readonly inflight: number;
  readonly waiting: { readonly commit: number; readonly pool: number };
  readonly shed: number;
  readonly spent: Spent;
  /** Since the last time. */
  readonly calls: { readonly database: Calls; readonly stripe: Calls };
}

/** What was asked of another, of those calls that ended. */
export interface Calls {
  readonly count: number;
  readonly failed: number;
  readonly ms: number;
}

/** Where the time of all requests went, in milliseconds since the start; requests run side by side, so it may pass the clock. */
export interface Spent {
  readonly requests: number;
  readonly requestMs: number;
  readonly databaseMs: number;
  /** Waiting for the batch before, or for a connection. */
  readonly queueMs: number;
  readonly stripeMs: number;
  /** CPU of the process, all threads. */
  readonly cpuMs: number;
}

/**
 * - `ok`
 * - `degraded`: something is missing that only a part of the requests needs, or a person should look. Requests are served.
 * - `bad`: no request should be sent here.
 */
export type CheckState = 'ok' | 'degraded' | 'bad';

export interface Check {
  readonly state: CheckState;
  readonly detail: string;
}

/** What takes a look at the database. */
export interface Snapshot {
  readonly checks: Readonly<Record<string, Check>>;
  /** SHA-256 of the keys that may read more than health, in base64; undefined while no database has told them. */
  readonly keyHashes: readonly string[] | undefined;
  readonly unknown: Unknown | undefined;
  /** The oldest that are open. */
  readonly contradictions: readonly OpenContradiction[];
  /** Where a person reads of a payment, by its id. */
  readonly consoleUrl: string | undefined;
}

/** Where Stripe and the books say different things, and a person must look. */
interface OpenContradiction {
  readonly kind: string;
  /** Whose; null where it is nobody's alone. */
  readonly merchant: string | null;
  readonly payment: string | null;
  /** Stripe's id of what it is about. */
  readonly subject: string;
  readonly detail: string;
  readonly ageMs: number;
}

/** Attempts at Stripe whose outcome nobody knows. */
interface Unknown {
  readonly count: number;
  readonly oldestMs: number;
  /** The oldest of them. */
  readonly oldest: readonly {
    readonly merchant: string;
    readonly payment: string;
    readonly kind: string;
    readonly ageMs: number;
  }[];
}

/** Something that happened, for the time line. */
export interface Mark {
  /** ISO 8601. */
  readonly at: string;
  readonly what: string;
  readonly level: CheckState;
}

export type ToOps =
  | { readonly type: 'stall'; readonly sample: MainSample }
  | { readonly type: 'live'; readonly live: Live }
  | { readonly type: 'snapshot'; readonly snapshot: Snapshot }
  | { readonly type: 'metrics'; readonly metrics: readonly MetricJson[] };

export type FromOps =
  | { readonly type: 'listening'; readonly url: string }
  | { readonly type: 'failed'; readonly message: string }
  | { readonly type: 'stacks unavailable'; readonly message: string }
  /** Someone scrapes: render the metrics now. */
  | { readonly type: 'render' }
  /** Someone asks how it is: look now. */
  | { readonly type: 'look' };

export interface OpsData {
  readonly host: string;
  readonly port: number;
  readonly slots: SharedArrayBuffer;
  readonly ask: SharedArrayBuffer;
  readonly pid: number;
  readonly mainOffsetMs: number;
  readonly tiers: Tiers;
  readonly root: string;
  /** Where lines lead; undefined: to the runbook of this ops port. */
  readonly runbookUrl: string | undefined;
  /** Lines below this are not written: pino's number of a level. */
  readonly levelMin: number;
  /** The file descriptor that lines are written to. */
  readonly linesFd: number;
  /** Whether the pages that show more than health ask for an on-call key. */
  readonly protect: boolean;
  readonly economics: ToldEconomics | undefined;
  /** Opens `/view` to the process that adds up several; undefined where there is one. */
  readonly secret: string | undefined;
}

/** What the verdict reckons with. */
export interface Economics extends Figures {
  /** Those of the example, because nobody told them. */
  readonly assumed: readonly (keyof Figures)[];
}

interface Figures {
  readonly instances: number;
  readonly instanceUsdMonth: number;
  readonly rewriteUsd: number;
  /** How many times less CPU the same work takes once rewritten. */
  readonly rewriteSpeedup: number;
}

export type ToldEconomics = Partial<Figures>;

/**
 * What is not told beside a figure that is: those of a service that was rewritten, with 32 instances at $12,000 a month,
 * $180,000 of engineering, and 4 of the 32 left.
 */
const EXAMPLE: Figures = { instances: 32, instanceUsdMonth: 375, rewriteUsd: 180_000, rewriteSpeedup: 8 };
const FIGURES = ['instances', 'instanceUsdMonth', 'rewriteUsd', 'rewriteSpeedup'] as const;

/** What was told, and of the rest the example's. */
export const economicsOf = (told: ToldEconomics): Economics => ({
  ...EXAMPLE,
  ...told,
  assumed: FIGURES.filter((name) => told[name] === undefined),
});

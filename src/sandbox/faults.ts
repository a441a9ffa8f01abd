import { err, ok, Result } from 'neverthrow';
import { z } from 'zod';
import { badParam, type Failure } from './failure.ts';
import { newId } from './ids.ts';

/**
 * What may go wrong. `before` means that nothing has run; `after` that it has run, and its reply is kept under its
 * idempotency key, but the client does not see it.
 *
 * - `latency`: runs after a wait, its key in use meanwhile, even if the client has gone by then.
 * - `hang_before`, `hang_after`: as if the wait had no end; removing the faults lets go of what hangs.
 * - `error_before`, `error_after`: a 500. The latter is kept, and replayed, as at Stripe.
 * - `reset_before`, `reset_after`: the connection is reset instead of a reply.
 * - `truncate`: the connection is closed after `bytes` of the reply, head and body.
 * - `rate_limit`, `lock_timeout`: a 429, nothing has run.
 * - `bad_request`, `unauthorized`, `forbidden`, `missing`: a 400, 401, 403 or 404 that Stripe answers before it looks
 *   whether it knows the idempotency key.
 * - `error_reconciled`: a 500, kept and replayed; what was asked for is done after `ms`, when Stripe reconciles.
 * - `webhook_drop`, `webhook_duplicate`, `webhook_delay`, `webhook_reorder`: of the deliveries of an event; delayed by
 *   `ms`, or each by a random part of it.
 */
const KINDS = [
  'latency',
  'hang_before',
  'hang_after',
  'error_before',
  'error_after',
  'reset_before',
  'reset_after',
  'truncate',
  'rate_limit',
  'lock_timeout',
  'bad_request',
  'unauthorized',
  'forbidden',
  'missing',
  'error_reconciled',
  'webhook_drop',
  'webhook_duplicate',
  'webhook_delay',
  'webhook_reorder',
] as const;
export type FaultKind = (typeof KINDS)[number];

/** All kinds, for a person to read. */
export const faultKinds: readonly string[] = KINDS;

/** An hour: a longer wait is a hang. */
const MS_MAX = 3_600_000;
const BYTES_MAX = 10_000_000;
const milliseconds = z.number().min(0).max(MS_MAX);

const faultSchema = z.strictObject({
  kind: z.enum(KINDS),
  /** Which requests: all, where they are not given. A `*` in the path stands for one segment, as in `/v1/charges/*`. */
  method: z.enum(['GET', 'POST', 'DELETE']).optional(),
  path: z.string().max(200).optional(),
  /** Which events: `payment_intent.*`. */
  event: z.string().max(200).optional(),
  /** How many times it strikes, after it has let `skip` pass; without a count until it is removed. */
  count: z.int().min(1).max(1_000_000).optional(),
  skip: z.int().min(0).max(1_000_000).default(0),
  /** Of those that match, how many are struck, from 0 to 1; drawn from `seed`, so that a run can be repeated. */
  probability: z.number().min(0).max(1).default(1),
  seed: z.int().optional(),
  /** Of a latency: always `ms`; or evenly between two; or log-normal with that median and 99th percentile. */
  ms: milliseconds.optional(),
  min_ms: milliseconds.optional(),
  max_ms: milliseconds.optional(),
  median_ms: milliseconds.optional(),
  p99_ms: milliseconds.optional(),
  bytes: z.int().min(0).max(BYTES_MAX).optional(),
});
type FaultSpec = z.output<typeof faultSchema>;

const FIELDS: Readonly<Record<keyof FaultSpec, string>> = {
  kind: 'which fault: the only one that must be given',
  method: 'the requests that it strikes: GET, POST or DELETE; all where it is not given',
  path: 'and their path, where a * stands for one segment: /v1/charges/*',
  event: 'the events whose deliveries a webhook_… fault strikes: payment_intent.*',
  count: 'how many times it strikes; without it, until it is removed',
  skip: 'how many it lets pass first',
  probability: 'how many of those that match are struck, from 0 to 1',
  seed: 'an integer, with which chance can be repeated',
  ms: 'how long latency waits; after how long what error_reconciled did shows, and webhook_delay and webhook_reorder deliver',
  min_ms: 'with max_ms instead of ms: evenly between the two',
  max_ms: 'see min_ms',
  median_ms: 'with p99_ms instead of ms: log-normal, with that median',
  p99_ms: 'and that 99th percentile',
  bytes: 'of truncate: how much of the reply, head and body, still comes',
};

/** All fields, and what each says, for a person to read. */
export const faultFields: readonly (readonly [string, string])[] = Object.entries(FIELDS);

/** A fault that strikes a request or a delivery now, its wait drawn. */
export interface Struck {
  readonly kind: FaultKind;
  readonly waitMs: number;
  readonly bytes: number;
}

interface Registered {
  readonly id: string;
  readonly spec: FaultSpec;
  readonly matches: RegExp;
  readonly random: () => number;
  passed: number;
  struck: number;
}

/** The faults that are set. They live in memory: a sandbox starts without any. */
export interface Faults {
  readonly add: (given: unknown) => Result<object, Failure>;
  readonly list: () => object[];
  /** Removes one, or all, and lets go of what hangs. */
  readonly remove: (id?: string) => void;
  /** The faults of a request: its own, from the `Sandbox-Fault` header, and those that are set for all. */
  readonly ofRequest: (method: string, path: string, header: string | undefined) => Result<Struck[], Failure>;
  readonly ofEvent: (type: string) => Struck[];
  /** Waits until the faults are removed. */
  readonly hang: () => Promise<void>;
}

export const createFaults = (): Faults => {
  const faults = new Map<string, Registered>();
  let hanging: (() => void)[] = [];

  /** What strikes now, and is counted: all of one group, requests' or webhooks'. */
  const strike = (webhooks: boolean, subject: string, method?: string): Struck[] =>
    [...faults.values()].flatMap((fault) => {
      const { spec, matches, random } = fault;
      if (spec.kind.startsWith('webhook_') !== webhooks || !matches.test(subject)) return [];
      if (spec.method !== undefined && spec.method !== method) return [];
      if (fault.passed < spec.skip) {
        fault.passed++;
        return [];
      }
      if (random() >= spec.probability) return [];
      fault.struck++;
      // One that is used up stays in the list until it is removed, to be read; it strikes no more.
      if (spec.count !== undefined && fault.struck > spec.count) return [];
      return [{ kind: spec.kind, waitMs: waitOf(spec, random), bytes: spec.bytes ?? 0 }];
    });

  const show = ({ id, spec, struck }: Registered): object => ({
    id,
    ...spec,
    struck: Math.min(struck, spec.count ?? struck),
  });

  return {
    add: (given) => {
      const read = faultSchema.safeParse(given);
      if (!read.success) {
        const [issue] = read.error.issues;
        return err(badParam(`Invalid fault: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`.trim()));
      }
      const spec = read.data;
      const fault: Registered = {
        id: newId('fault_'),
        spec,
        matches: patternOf(spec.kind.startsWith('webhook_') ? spec.event : spec.path),
        random: spec.seed === undefined ? Math.random : seeded(spec.seed),
        passed: 0,
        struck: 0,
      };
      faults.set(fault.id, fault);
      return ok(show(fault));
    },
    list: () => [...faults.values()].map(show),
    remove: (id) => {
      if (id === undefined) faults.clear();
      else faults.delete(id);
      const free = hanging;
      hanging = [];
      for (const go of free) go();
    },
    ofRequest: (method, path, header) =>
      parseHeader(header).map((own) => (faults.size === 0 ? own : [...own, ...strike(false, path, method)])),
    ofEvent: (type) => (faults.size === 0 ? [] : strike(true, type)),
    hang: () => new Promise((resolve) => hanging.push(resolve)),
  };
};

/** `latency=500, reset_after`: kinds of faults, each with its milliseconds or bytes. */
const parseHeader = (header: string | undefined): Result<Struck[], Failure> => {
  if (header === undefined) return ok([]);
  return Result.combine(
    header.split(',').map((part) => {
      const [, kind, amount] = /^\s*([a-z_]+)(?:=(\d{1,7}))?\s*$/.exec(part) ?? [];
      const known = KINDS.find((name) => name === kind && !name.startsWith('webhook_'));
      return known === undefined
        ? err(badParam(`Invalid Sandbox-Fault header: '${part.trim().slice(0, 50)}'. It takes ${KINDS.join(', ')}.`))
        : ok({ kind: known, waitMs: Math.min(Number(amount ?? 0), MS_MAX), bytes: Number(amount ?? 0) });
    }),
  );
};

const waitOf = (spec: FaultSpec, random: () => number): number => {
  if (spec.kind === 'webhook_reorder') return random() * (spec.ms ?? 2000);
  if (spec.min_ms !== undefined && spec.max_ms !== undefined) {
    return spec.min_ms + random() * (spec.max_ms - spec.min_ms);
  }
  if (spec.median_ms !== undefined && spec.p99_ms !== undefined) {
    // The 99th percentile of a normal distribution lies 2.326 standard deviations above its middle.
    const sigma = Math.log(spec.p99_ms / spec.median_ms) / 2.326;
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    return Math.min(spec.median_ms * Math.exp(sigma * normal), MS_MAX);
  }
  return spec.ms ?? 0;
};

const patternOf = (pattern: string | undefined): RegExp =>
  pattern === undefined
    ? /^/
    : new RegExp(`^${pattern.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replace(/\*+/g, '[^/]*')}$`);

/** Mulberry32: small, and good enough to draw faults from. */
const seeded = (seed: number): (() => number) => {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};

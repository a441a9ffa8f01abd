import { hash } from 'node:crypto';
import { err, ok, type Result } from 'neverthrow';
import type { Clock } from './clock.ts';
import { badParam, type Failure, keyInUse, keyReused } from './failure.ts';
import { type Form, isForm } from './params.ts';
import type { KeptReply, Store } from './store.ts';

/** Stripe may forget a key once it is a day old; the sandbox does, to the second. */
const KEPT_MS = 24 * 60 * 60 * 1000;
/** Stripe's limit. */
const KEY_CHARS_MAX = 255;

/** A POST that carries an `Idempotency-Key`. */
export interface Claim {
  readonly key: string;
  readonly path: string;
  readonly paramsHash: string;
}

/** The keys of the sandbox: which requests run now, and what was answered to those that have run. */
export interface Idempotency {
  /** The reply to be replayed; none where the request is to be run, and then the key is locked until `release`. */
  readonly claim: (claim: Claim) => Result<KeptReply | undefined, Failure>;
  /** Keeps a reply under its key, in the transaction that made it. */
  readonly keep: (claim: Claim, requestId: string, status: number, body: string) => void;
  readonly release: (claim: Claim) => void;
  readonly forgetOld: () => void;
}

export const createIdempotency = (store: Store, clock: Clock): Idempotency => {
  const running = new Set<string>();
  return {
    claim: ({ key, path, paramsHash }) => {
      if (running.has(key)) return err(keyInUse(key));
      const kept = store.keptReply(key);
      if (kept === undefined || kept.createdMs <= clock.nowMs() - KEPT_MS) {
        running.add(key);
        return ok(undefined);
      }
      return kept.path === path && kept.paramsHash === paramsHash ? ok(kept) : err(keyReused(key, kept.path, path));
    },
    keep: ({ key, path, paramsHash }, requestId, status, body) =>
      store.keepReply(key, { path, paramsHash, requestId, status, body, createdMs: clock.nowMs() }),
    release: ({ key }) => void running.delete(key),
    forgetOld: () => store.forgetReplies(clock.nowMs() - KEPT_MS),
  };
};

/** The claim that a POST makes with its key; none without one. */
export const claimOf = (key: string | undefined, path: string, form: Form): Result<Claim | undefined, Failure> => {
  if (key === undefined || key === '') return ok(undefined);
  return key.length > KEY_CHARS_MAX
    ? err(badParam(`Idempotency keys can be up to 255 characters long; this one has ${key.length}.`))
    : ok({ key, path, paramsHash: hash('sha256', canonical(form)) });
};

/** The parameters in an order that does not depend on how they were sent. */
const canonical = (value: unknown): string => {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (!isForm(value)) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(',')}}`;
};

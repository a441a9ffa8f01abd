import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The largest multiple of 62 in a byte: bytes from here on would favour the alphabet's first letters. */
const UNBIASED = 248;
/** Filled at once, since a call into the system for each id costs more than the id. */
const pool = Buffer.alloc(8192);
let used = pool.length;

/** The id behind a reference, which Stripe's types let be an id or the whole object; the sandbox stores ids alone. */
export const idOf = (reference: string | { readonly id: string } | null | undefined): string | null =>
  typeof reference === 'string' ? reference : (reference?.id ?? null);

/** Ids begin with their time, in 62s of a millisecond, so that they are written one after the other into the index. */
const TIME_CHARS = 8;
let timedAtMs = 0;
let timed = '';

const timeNow = (): string => {
  const nowMs = Date.now();
  if (nowMs === timedAtMs) return timed;
  timedAtMs = nowMs;
  timed = '';
  for (let rest = nowMs; timed.length < TIME_CHARS; rest = Math.floor(rest / ALPHABET.length)) {
    timed = ALPHABET.charAt(rest % ALPHABET.length) + timed;
  }
  return timed;
};

/** `prefix`, the time, and random letters and digits up to 24. */
export const newId = (prefix: string): string => newSecret(prefix + timeNow(), 24 - TIME_CHARS);

/** `prefix` and that many random letters and digits. */
export const newSecret = (prefix: string, length: number): string => {
  let id = prefix;
  for (let wanted = length; wanted > 0;) {
    if (used === pool.length) {
      randomFillSync(pool);
      used = 0;
    }
    const byte = pool[used++] ?? UNBIASED;
    if (byte < UNBIASED) {
      id += ALPHABET.charAt(byte % ALPHABET.length);
      wanted--;
    }
  }
  return id;
};

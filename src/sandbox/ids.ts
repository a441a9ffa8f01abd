import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** The largest multiple of 62 in a byte: bytes from here on would favour the alphabet's first letters. */
const UNBIASED = 248;
/** Filled at once, since a call into the system for each id costs more than the id. */
const pool = Buffer.alloc(8192);
let used = pool.length;

/** `prefix` and that many random letters and digits. Stripe's ids have 24, its client secrets 25. */
export const newId = (prefix: string, length = 24): string => {
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

/** Has a made-up year written: a small one for the demo merchant, or a large one for a merchant of its own. */
import { err, ok, okAsync, ResultAsync } from 'neverthrow';
import type { Logger } from 'pino';
import { idOf, type MerchantId } from '../domain/ids.ts';
import { micros, type Micros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import { openDatabase } from '../storage/database.ts';
import { createSeeding, type PastRows, type Seeding } from '../storage/seed.ts';
import { tellSandbox } from './at-stripe.ts';
import { DAY_MS, shopYear, type ShopOptions } from './shop.ts';

/** A version 7 UUID like any other, with nothing in it: the merchant of the demo keys. */
export const DEMO_MERCHANT: MerchantId = idOf('mer', '00000000000070008000000000000000');
export const DEMO_MERCHANT_NAME = 'Demo';

/** So few that a start does not wait for them, and enough that no page is empty. */
const DEMO_TRANSFERS = 600;
const DEMO_SEED = 3;

/** The last midnight: a day that has begun is today's. */
export const lastMidnight = (nowMs: number): Micros => micros(nowMs - (nowMs % DAY_MS));

/**
 * Writes the year, while the next stretch of it is made: answers how many transfers it has. Errors:
 * `database_unavailable`.
 */
export const seedShop = (
  past: Seeding,
  options: ShopOptions & { readonly name: string },
  onProgress: (transfers: number) => void = () => undefined,
  stretches: Iterator<PastRows> = shopYear(options),
): ResultAsync<number, PaymentError> => {
  let written = 0;
  /** One is made while the one before it is written. */
  const next = (before: ResultAsync<void, PaymentError>): ResultAsync<number, PaymentError> => {
    const made = stretches.next();
    return before.andThen(() => {
      onProgress(written);
      if (made.done) return past.finish(options.until).map(() => written);
      const name = written === 0 ? options.name : undefined;
      written += made.value.transfers.length;
      return next(past.write(made.value, name));
    });
  };
  return next(okAsync(undefined));
};

/**
 * The demo merchant's own, where the database is empty; what of it is at Stripe, the sandbox is told first, so that nothing
 * here is missing there. Errors: why it could not be made, in one line.
 */
export const seedDemo = (url: string, sandboxUrl: string, log: Logger): ResultAsync<void, string> => {
  const database = openDatabase({ url, poolMin: 0, poolMax: 1, acquireTimeoutMs: 3_000, log });
  const past = createSeeding(database.pool);
  const options = {
    ...{ merchant: DEMO_MERCHANT, name: DEMO_MERCHANT_NAME, seed: DEMO_SEED, transfers: DEMO_TRANSFERS },
    until: lastMidnight(Date.now()),
  };
  return past
    .isEmpty()
    .andThen((isEmpty) => {
      if (!isEmpty) return ok();
      const year = [...shopYear(options)];
      return tellSandbox(sandboxUrl, year)
        .orElse((why) => {
          log.warn({ why }, 'the sandbox does not know the demo’s past: a payment of it cannot be refunded');
          return ok();
        })
        .andThen(() => seedShop(past, options, () => undefined, year.values()))
        .map(() => undefined);
    })
    .mapErr(({ message }) => `the demo could not be seeded: ${message}`)
    .andThen(() => ResultAsync.fromPromise(database.close(), String))
    .orElse((message) => ResultAsync.fromPromise(database.close(), String).andThen(() => err(message)));
};

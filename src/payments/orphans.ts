/**
 * The orphan sweep: reads Stripe's list of PaymentIntents for those with our tags that nobody here knows. A failover that
 * lost a tail leaves such, and so does whoever copies tags; no event need tell of them, nor any line of the balance, which
 * a hold has none of. Reading it is a call for a hundred payments.
 */
import { okAsync, ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { PaymentError } from '../error.ts';
import { applyIntent } from './facts.ts';
import { readWindows, type PageRead } from './windows.ts';

/** Nobody waits for it. */
const SPAN_MS = 60_000;
/** By then whoever made it has told what came of it, in all but a few cases. */
const AFTER_MS = 60_000;
/** Once more, for what Stripe has made good or has listed later. */
const READ_AGAIN_MS = [2 * 3600 * 1000];

/** A round. Errors: `database_unavailable`. */
export const sweepOrphans = (ctx: Context): ResultAsync<'done' | 'more', PaymentError> =>
  readWindows(ctx, {
    name: "Stripe's list of PaymentIntents",
    windows: ctx.intents.windows,
    spanMs: () => SPAN_MS,
    afterMs: AFTER_MS,
    againMs: READ_AGAIN_MS,
    readPage: ({ from, to, after }) =>
      ctx.stripeEvents.intentsMadeIn(from, to, after).andThen(({ intents, last, hasMore }) =>
        ctx.intents
          .unknown(intents.map(({ id }) => id))
          .andThen((unknown) =>
            ResultAsync.combine(
              intents
                .filter(({ id }) => unknown.has(id))
                .map(({ id, of }) => lookAt(ctx, id, () => applyIntent(ctx, of, id))),
            ),
          )
          .map((): PageRead => ({ last, hasMore })),
      ),
  });

/** One that cannot be applied holds up no other: it is seen again when the span is read again. */
const lookAt = (
  ctx: Pick<Context, 'log'>,
  intent: string,
  apply: () => ResultAsync<string, PaymentError>,
): ResultAsync<void, PaymentError> =>
  apply()
    .map((outcome) => ctx.log.info({ intent, outcome }, 'a PaymentIntent was found that was not known'))
    .orElse((error) => {
      ctx.log.warn(
        { intent, code: error.code, err: error.cause },
        'a PaymentIntent that is not known could not be applied',
      );
      return okAsync(undefined);
    });

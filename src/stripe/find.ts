/** Looks for a PaymentIntent by its tags, where nobody knows its id: a bounded part of Stripe's list at a time. */
import type Stripe from 'stripe';
import type { IntentFact } from '../domain/fact.ts';
import { STRIPE_LOOK_MS } from '../domain/deadlines.ts';
import type { Payment } from '../domain/payment.ts';
import { toMs, type Micros } from '../domain/time.ts';
import { factOf } from './outcome.ts';
import type { Tags } from './tags.ts';

export interface Wanted {
  readonly payment: Pick<Payment, 'amount' | 'currency'>;
  readonly isIt: (tags: Tags) => boolean;
  /** When it was sent first, by our clock. */
  readonly since: Micros;
  /** How far a look before this one has come; null for none. */
  readonly seenTo: string | null;
}

/** More is left to be looked at: how far this look has come. */
export class Unfinished extends Error {
  readonly seenTo: string;
  constructor(seenTo: string) {
    super('no end after what is looked at in one turn');
    this.seenTo = seenTo;
  }
}

/** Most looks find it here: it was sent within minutes, and clocks that somebody looks after agree. */
const NEAR_S = 600;
/** No clock that is off by a day, either way, hides it; and where Stripe failed it may be made some hours later. */
const FAR_S = { before: 26 * 3600, after: 32 * 3600 } as const;
/** In one turn, if Stripe takes no longer for them than a turn may be: 2,000 PaymentIntents. */
const PAGES_MAX = 20;
/** The largest page that Stripe gives. */
const PAGE = 100;

/**
 * Listed, never searched: Stripe's search lags behind by up to a minute, or hours in an outage. Null where there is none.
 * Throws `Unfinished` at the end of a turn.
 */
export const findIntent = async (
  stripe: Stripe,
  { payment, isIt, since, seenTo }: Wanted,
  /** Until when it may have been made; undefined where that is not known. */
  isBounded: boolean,
): Promise<IntentFact | null> => {
  const sinceS = Math.floor(toMs(since) / 1000);
  const spans: readonly Stripe.RangeQueryParam[] = [
    { gte: sinceS - NEAR_S, lte: sinceS + NEAR_S },
    { gte: sinceS - FAR_S.before, ...(isBounded ? { lte: sinceS + FAR_S.after } : {}) },
  ];
  let pages = 0;
  const until = performance.now() + STRIPE_LOOK_MS;
  // Of another look, how far it came says nothing.
  const [of, span, last] = seenTo?.split(' ') ?? [];
  const from = of === String(sinceS) ? { span: Number(span), last } : { span: 0, last: undefined };
  for (const [at, created] of spans.entries()) {
    if (at < from.span) continue;
    let after = at === from.span ? from.last : undefined;
    for (;;) {
      const isOver = pages === PAGES_MAX || (pages > 0 && performance.now() > until);
      if (isOver) throw new Unfinished(`${sinceS} ${at} ${after ?? ''}`.trimEnd());
      const { data, has_more: hasMore } = await stripe.paymentIntents.list({
        ...{ created, limit: PAGE },
        ...(after === undefined ? {} : { starting_after: after }),
      });
      pages++;
      const found = data.find(
        (intent) =>
          intent.currency === payment.currency && BigInt(intent.amount) === payment.amount && isIt(intent.metadata),
      );
      if (found) return factOf(found);
      after = data.at(-1)?.id;
      if (!hasMore || after === undefined) break;
    }
  }
  return null;
};

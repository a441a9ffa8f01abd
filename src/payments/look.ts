/** The customer comes back from his bank before Stripe's webhook does: whoever reads then has Stripe asked. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Payment } from '../domain/payment.ts';
import type { PaymentError } from '../error.ts';
import { applyIntent } from './facts.ts';

/** A reader waits so long for it at the most, and is told what is known by then; most looks take a third of a second. */
const WAIT_MAX_MS = 2_000;
/** As many at once as leave Stripe's 100 reads a second to others: https://docs.stripe.com/rate-limits */
const AT_ONCE_MAX = 16;

/** A look at one object, and the one after it: whoever asks meanwhile shares that, since this one began before he asked. */
interface Looks {
  readonly now: Promise<void>;
  next?: Promise<void>;
}
const looks = new Map<string, Looks>();

/** Only while it waits for its customer can he have answered since. */
const isChallenged = ({ status, intent, underWay }: Payment): boolean =>
  status === 'requires_action' && intent !== null && !underWay;

/** Has Stripe asked where that may tell more. Answers whether it was; it never fails, for then nothing is new. */
export const lookAgain = async (ctx: Context, payment: Payment): Promise<boolean> => {
  const { merchant, id, intent } = payment;
  return isChallenged(payment) && shareLook(ctx, id, () => applyIntent(ctx, { merchant, payment: id }, intent ?? ''));
};

/** Has that look done, once for all who ask for it at the same time. Answers whether it was; it never fails. */
export const shareLook = async (
  ctx: Pick<Context, 'log'>,
  id: string,
  apply: () => ResultAsync<unknown, PaymentError>,
): Promise<boolean> => {
  const look = join(id, () =>
    apply().match(
      () => undefined,
      (error) => ctx.log.debug({ code: error.code, err: error.cause, id }, 'Stripe could not be asked'),
    ),
  );
  if (!look) return false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, WAIT_MAX_MS);
  });
  await Promise.race([look, late]);
  clearTimeout(timer);
  return true;
};

const join = (id: string, look: () => Promise<void>): Promise<void> | undefined => {
  const under = looks.get(id);
  if (under) return (under.next ??= under.now.then(() => begin(id, look)));
  return looks.size < AT_ONCE_MAX ? begin(id, look) : undefined;
};

const begin = (id: string, look: () => Promise<void>): Promise<void> => {
  const now = look();
  const begun: Looks = { now };
  looks.set(id, begun);
  void now.then(() => {
    if (begun.next === undefined) looks.delete(id);
  });
  return now;
};

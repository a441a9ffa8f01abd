/** What befalls the calls of the storm, and how its callers ask. */
import type { InProcess, Reply } from '../in-process.ts';
import type { Random } from '../random.ts';
import type { Stripe } from '../../support/stripe.ts';
import { clearFaults, setFault, type World } from '../../support/world.ts';

export interface Storm {
  readonly world: World;
  readonly service: InProcess;
  readonly stripe: Stripe;
  readonly random: Random;
  readonly count: (what: string) => void;
  /** PaymentIntents that somebody else made. */
  readonly elsewhere: string[];
  /** Whether all of Stripe's events are sent once more in the end; else its list has to tell. */
  readonly resends: boolean;
  /** Payments of which a caller was told for good that nothing was charged. */
  readonly refused: string[];
  readonly complaints: string[];
  /** By how many seconds our clock was put ahead, one after the other. */
  readonly leads: number[];
  readonly customer: string;
}

export const CREATE = '/v1/payment_intents';
/** A request's lease on its attempt, and a second: then whoever comes takes it over. */
const LEASE_S = 11;
/** Stripe makes what it failed at within this, and the service looks for it for six hours. */
const RECONCILED_MS = { min: 70_000, max: 3_600_000 } as const;
export const HOUR_S = 3600;

const REFUSALS = ['bad_request', 'unauthorized', 'forbidden', 'missing', 'rate_limit', 'lock_timeout'] as const;

/** What befalls the next call of a path: nothing; a reply that is lost, and whose repeat may be refused; or a 500. */
export const strike = async ({ world, random, count }: Storm, path: string): Promise<void> => {
  const on = { path, method: 'POST' } as const;
  await clearFaults(world);
  if (random.chance(0.5)) await setFault(world, { kind: 'webhook_drop' });
  const kind = random.integer(0, 4);
  if (kind === 1 || kind === 2) {
    // Sent once, and once more since a connection may be reset that nobody has read from.
    await setFault(world, { kind: 'reset_after', ...on, count: 2 });
    count('reply lost');
  }
  if (kind === 2) {
    const refusal = random.pick(REFUSALS);
    await setFault(world, { kind: refusal, ...on, skip: 2, count: 4 });
    count(`repeat refused: ${refusal}`);
  }
  if (kind === 3) {
    await setFault(world, { kind: 'error_reconciled', ...on, count: 1, ms: random.integer(...wait) });
    count('failed, and made later');
  }
};
const wait = [RECONCILED_MS.min, RECONCILED_MS.max] as const;

/** Asks as a caller does who repeats his request until it is answered, while time passes. */
export const ask = async (
  { service, world, count }: Storm,
  name: string,
  path: string,
  body: object,
): Promise<Reply> => {
  const asking = service.post(path, body);
  for (let waits = 0; waits < ASK_WAITS; waits++) {
    const reply = await Promise.race([asking, new Promise<undefined>((wake) => setTimeout(wake, 400, undefined))]);
    if (reply !== undefined) break;
    // The first moments are the request's own.
    if (waits % 2 === 1) await service.clock.advance(world.sandboxUrl, LEASE_S);
  }
  const answered = await asking;
  const error = answered.body['error'] as { code?: string } | undefined;
  count(`${name}: ${answered.status}${error?.code === undefined ? '' : ` ${error.code}`}`);
  return answered;
};
/** Its caller gives up after ten seconds of repeating. */
const ASK_WAITS = 40;

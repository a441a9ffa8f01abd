/** What is read of Stripe's lists in the background, where our key may not read them, as a restricted one may not. */
import { describe, expect, it } from '@jest/globals';
import { startWorld } from '../support/service.ts';
import { eventually, movableClock, stripeAt } from '../support/stripe.ts';

const clock = movableClock();
const world = await startWorld({}, clock);
const stripe = stripeAt(world.sandbox.url);
const onCall = { headers: { Authorization: `Bearer ${await world.createKey('Operations', 'oncall')}` } };
const metric = async (name: string, job: string): Promise<number> => {
  const text = await (await fetch(`${world.opsUrl}/metrics`, onCall)).text();
  return Number(new RegExp(`^quittance_job_${name}\\{name="${job}"\\} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
};

describe('a list of Stripe’s that cannot be read', () => {
  it.each([
    ['stripe_events', '/v1/events'],
    ['stripe_balance', '/v1/balance_transactions'],
    ['orphans', '/v1/payment_intents'],
  ])('is told of as a failure of %s, until it can be', async (job, path) => {
    const heal = await stripe.fault({ kind: 'forbidden', method: 'GET', path });
    const before = await metric('failures_total', job);
    for (let n = 0; n < 2; n++) await clock.advance(world.sandbox.url, 300);
    await eventually(
      () => metric('age_seconds', job),
      (ageS) => ageS > 5,
    );
    expect(await metric('failures_total', job)).toBeGreaterThan(before || 0);
    await heal();
    await clock.advance(world.sandbox.url, 60);
    await eventually(
      () => metric('age_seconds', job),
      (ageS) => ageS < 3,
    );
  });
});

/** The drills that need no process of their own, on a demo in this one. `npm run drill` is for a person. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { eventually } from '../support/stripe.ts';
import { startService, startWorld } from '../support/service.ts';

const run = promisify(execFile);
const world = await startWorld();

const drill = async (...words: string[]): Promise<string> => {
  const places = ['--api', world.url, '--ops', world.opsUrl, '--sandbox', world.sandbox.url];
  return (await run(process.execPath, ['scripts/drill/main.ts', ...places, ...words])).stdout;
};
interface Faults {
  readonly data: readonly unknown[];
}
const faults = async (): Promise<Faults> =>
  (await (await fetch(`${world.sandbox.url}/_sandbox/faults`)).json()) as Faults;

describe('npm run drill', () => {
  it('makes a night without Stripe, tells what the page says, and takes away what it did', async () => {
    const told = await drill('stripe', '--seconds', '6');
    expect(told).toContain(`${world.opsUrl}/runbook#provider_unavailable`);
    expect(told).toContain('the page says  red: Stripe does not answer: charges are refused');
    expect(told).toContain('the drill is over');
    expect(await faults()).toEqual({ data: [] });
  });

  it('is made on the demo alone', async () => {
    // On the database of what was a demo before: its key is there still, and opens nothing any more.
    const { databaseUrl, sandbox } = world;
    const env = { STRIPE_SECRET_KEY: 'sk_test_real', STRIPE_API_BASE: sandbox.url, DATABASE_URL: databaseUrl };
    const real = await startService({ databaseUrl, sandboxUrl: sandbox.url, env });
    await eventually(
      async () => (await fetch(`${real.opsUrl}/readyz`)).status,
      (status) => status === 200,
    );
    await expect(drill('stripe', '--ops', real.opsUrl)).rejects.toThrow('is not the demo');
  });
});

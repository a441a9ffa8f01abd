import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { startProxy, type Proxy } from '../support/proxy.ts';
import { startWorld, type World } from '../support/service.ts';
import { stripeAt } from '../support/stripe.ts';

const run = promisify(execFile);
const ROOT = join(import.meta.dirname, '../..');

let world: World;
let wire: Proxy;
let shop: string;
let archive: string;

/** An empty project with the package in it, as npm would put it there; its one dependency is this project's own. */
beforeAll(async () => {
  world = await startWorld();
  wire = await startProxy(world.url);
  shop = await createTempDir('shop');
  await run(process.execPath, [join(ROOT, 'scripts/pack-client.ts'), '--out', shop], { cwd: '/' });
  archive = join(shop, (await readdir(shop)).find((name) => name.endsWith('.tgz')) ?? '');
  const modules = join(shop, 'node_modules');
  await mkdir(join(modules, 'quittance-client'), { recursive: true });
  await run('tar', ['xzf', archive, '--strip-components=1', '-C', join(modules, 'quittance-client')]);
  await symlink(join(ROOT, 'node_modules/neverthrow'), join(modules, 'neverthrow'));
  await writeFile(join(shop, 'package.json'), '{"type":"module"}');
});

/** What the README shows, for a service at that address. */
const fromReadme = async (url: string): Promise<string> => {
  const readme = await readFile(join(ROOT, 'README.md'), 'utf8');
  const code = /```ts\n(import \{ createClient \}[\s\S]*?)```/.exec(readme)?.[1] ?? '';
  return code.replace('http://127.0.0.1:3000', url);
};
const inShop = async (file: string, code: string): Promise<string> => {
  await writeFile(join(shop, file), code);
  return (await run(process.execPath, [file], { cwd: shop })).stdout.trim();
};
const charges = async (): Promise<number> => (await world.sandboxCounts())['charges'] ?? 0;

describe('the package in an empty project', () => {
  it('is smaller than 25 kB, and the checkout with its words than 6 kB', async () => {
    expect((await stat(archive)).size).toBeLessThan(25_000);
    const { stdout } = await run('sh', ['-c', 'cat checkout.js kept.js words.js | gzip -c | wc -c'], {
      cwd: join(shop, 'node_modules/quittance-client/dist'),
    });
    expect(Number(stdout)).toBeLessThan(6_000);
  });

  it("charges a card with the README's lines, in plain JavaScript", async () => {
    expect(await inShop('shop.js', await fromReadme(world.url))).toMatch(/^pay_\w+ succeeded$/);
  });

  it('is typed, to the errors of each route, and to the states of the checkout', async () => {
    await writeFile(
      join(shop, 'shop.ts'),
      `${await fromReadme(world.url)}
import { createCheckout, tell, type CheckoutState } from 'quittance-client/checkout';
const checkout = createCheckout({ quittance, clientSecret: 'pay_1_secret_2' });
const told = (state: CheckoutState): string => {
  switch (state.name) {
    case 'loading': case 'idle': case 'confirming': case 'processing': case 'unknown': case 'ended': return state.name;
    case 'needs_action': return state.challenge.kind;
    case 'succeeded': return state.payment?.id ?? '';
    case 'declined': case 'failed': return state.refusal.message;
  }
};
checkout.subscribe((state) => console.log(told(state), tell(state, '$12.50').said));
void checkout.pay({ payment_method: 'pm_card_visa', save_payment_method: true });
paid.mapErr((error) => {
  // @ts-expect-error: a payment is charged, and no item looked for
  return error.code === 'item_not_found';
});
`,
    );
    const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2022', '--lib', 'es2024,dom'];
    await expect(
      run(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), ...options, 'shop.ts'], { cwd: shop }),
    ).resolves.toMatchObject({ stdout: '' });
  });

  it('charges once, though connections are killed, and 503 and 409 are answered in between', async () => {
    const before = await charges();
    let requests = 0;
    wire.judge((bytes) => {
      if (!bytes.toString().startsWith('POST /v1/payments')) return 'forward';
      requests++;
      return requests === 1 ? 'lose' : requests <= 3 ? 'deliver and cut' : 'forward';
    });
    const stripe = stripeAt(world.sandbox.url);
    // Stripe answers late, so that the key is in use meanwhile (409), and then not at all, once (503).
    await stripe.fault({ kind: 'error_before', method: 'POST', path: '/v1/payment_intents', count: 1 });
    await stripe.fault({ kind: 'latency', method: 'POST', path: '/v1/payment_intents', ms: 1500, count: 1 });
    expect(await inShop('cut.js', await fromReadme(wire.url))).toMatch(/^pay_\w+ succeeded$/);
    wire.judge(() => 'forward');
    expect(requests).toBeGreaterThan(3);
    expect(await charges()).toBe(before + 1);
  });
});

/** What Stripe has and the sandbox has not is told by its name, whatever of Stripe's API it is. */
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { LEFT_OUT } from '../../src/sandbox/stripe-names.ts';
import { openApi } from './openapi.ts';
import { startSandbox } from './support.ts';

const sandbox = await startSandbox();
const api = openApi();

const post = async (path: string, form: Record<string, string>) => {
  const { status, json } = await sandbox.raw('POST', path, { body: new URLSearchParams(form).toString() });
  return { status, code: json.error?.code, param: json.error?.param, message: json.error?.message };
};

describe('what the sandbox leaves out', () => {
  test.each([
    ['/v1/payment_intents', { on_behalf_of: 'acct_1' }, 'on_behalf_of'],
    ['/v1/payment_intents', { 'allowed_payment_method_types[]': 'klarna' }, 'allowed_payment_method_types[0]'],
    ['/v1/payment_intents', { 'payment_method_types[]': 'ideal' }, 'payment_method_types[0]'],
    ['/v1/payment_intents', { 'payment_method_data[type]': 'sepa_debit' }, 'payment_method_data[type]'],
    [
      '/v1/payment_intents',
      { 'payment_method_options[card][installments][enabled]': 'true' },
      'payment_method_options[card][installments]',
    ],
    ['/v1/payment_methods', { type: 'us_bank_account' }, 'type'],
    ['/v1/payouts', { amount: '100', currency: 'usd', method: 'instant' }, 'method'],
    ['/v1/webhook_endpoints', { url: 'https://example.com', 'enabled_events[]': '*', connect: 'true' }, 'connect'],
  ])('%s of %j', async (path, form: Record<string, string>, param) => {
    const usual = path === '/v1/payment_intents' ? { amount: '1000', currency: 'usd' } : {};
    const said = await post(path, { ...usual, ...form });
    expect(said).toMatchObject({ status: 400, code: 'sandbox_leaves_out', param });
    expect(said.message).toMatch(/^Stripe takes .*The sandbox leaves it out/);
  });

  test('is no excuse for what Stripe has not either', async () => {
    const usual = { amount: '1000', currency: 'usd' };
    expect(await post('/v1/payment_intents', { ...usual, 'allowed_payment_method_types[]': 'cowries' })).toMatchObject({
      ...{ status: 400, code: undefined, param: 'allowed_payment_method_types[0]' },
    });
    expect(
      await post('/v1/payment_intents', { ...usual, 'shipping[name]': 'A', 'shipping[address][planet]': 'Mars' }),
    ).toMatchObject({
      ...{ status: 400, code: 'parameter_unknown', param: 'shipping[address][planet]' },
    });
  });

  test('is told of the whole of version 2', async () => {
    const { status, json } = await sandbox.raw('POST', '/v2/core/accounts', {
      body: '{}',
      headers: { 'Content-Type': 'application/json' },
    });
    expect([status, json.error.code]).toEqual([404, 'sandbox_leaves_out']);
    expect(json.error.message).toContain('version 2 of the API');
  });

  test('stands in its documentation, route by route', async () => {
    const { text } = await sandbox.raw('GET', '/_sandbox/help');
    expect(text).toContain('POST /v1/payment_intents');
    for (const names of Object.values(LEFT_OUT)) for (const name of names) expect(text).toContain(name);
  });
});

(api === undefined ? describe.skip : describe)("beside Stripe's OpenAPI", () => {
  test('the names are up to date', () => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/stripe-names.ts', '--check'], {
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([0, '']);
  });

  test('every path is served, or named as left out', async () => {
    const unknown: string[] = [];
    for (const [path, operations] of Object.entries(api!.paths)) {
      for (const method of Object.keys(operations)) {
        const { json } = await sandbox.raw(method.toUpperCase(), path.replace(/\{\w+\}/g, 'nope_1'));
        if (json.error?.message?.startsWith('Unrecognized request URL') === true) unknown.push(`${method} ${path}`);
      }
    }
    expect(unknown).toEqual([]);
  });
});

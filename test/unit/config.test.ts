import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { loadConfig, VARIABLES } from '../../src/config.ts';

const load = (env: Record<string, string>) => loadConfig(env)._unsafeUnwrap();
const refuse = (env: Record<string, string>) => loadConfig(env)._unsafeUnwrapErr();
const REAL = { DATABASE_URL: 'postgres://db.example/pay', STRIPE_SECRET_KEY: 'sk_live_abc' };

describe('the configuration', () => {
  it('starts everything on this machine when nothing is set', () => {
    expect(load({})).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      opsPort: 3001,
      sandboxPort: 3002,
      dataDir: '.data',
      database: { kind: 'embedded' },
      stripe: { kind: 'sandbox', apiBase: undefined },
      pool: { min: 2, max: 10, acquireTimeoutMs: 3000 },
      workers: 1,
      migrate: 'auto',
      corsOrigins: '*',
      logLevel: 'info',
      stalls: { metricMs: 50, warnMs: 100, errorMs: 500, fatalMs: 5000 },
      demoKeys: true,
    });
  });

  it('takes an empty variable for an unset one', () => {
    const empty = Object.fromEntries([...VARIABLES.keys()].map((name) => [name, ' ']));
    expect(load(empty)).toEqual(load({}));
  });

  it('takes every value that it documents', () => {
    const config = load({
      ...REAL,
      PORT: '0',
      HOST: '0.0.0.0',
      STRIPE_API_BASE: 'https://stripe.example',
      STRIPE_WEBHOOK_SECRET: 'whsec_new, whsec_old',
      CORS_ORIGINS: 'https://a.example,https://b.example:8443',
      LOG_LEVEL: 'debug',
    });
    expect(config).toMatchObject({
      host: '0.0.0.0',
      port: 0,
      database: { kind: 'url', url: REAL.DATABASE_URL },
      migrate: 'check',
      stripe: {
        kind: 'stripe',
        secretKey: 'sk_live_abc',
        apiBase: 'https://stripe.example',
        webhookSecrets: ['whsec_new', 'whsec_old'],
      },
      corsOrigins: ['https://a.example', 'https://b.example:8443'],
      logLevel: 'debug',
    });
  });

  it.each([
    ['PORT', 'eighty'],
    ['PORT', '65536'],
    ['OPS_PORT', '-1'],
    ['SANDBOX_PORT', '1e3'],
    ['HOST', 'http://localhost'],
    ['DATA_DIR', 'x'.repeat(1001)],
    ['STRIPE_API_BASE', 'stripe.example'],
    ['STRIPE_API_BASE', 'https://gateway.example/stripe'],
    ['MIGRATE', 'never'],
    ['DB_PREPARE', 'true'],
    ['DB_POOL_MIN', '2.5'],
    ['DB_POOL_MAX', '0'],
    ['DB_ACQUIRE_TIMEOUT_MS', '0'],
    ['WORKERS', '0'],
    ['CORS_ORIGINS', 'https://shop.example/path'],
    ['LOG_LEVEL', 'loud'],
    ['STALL_METRIC_MS', 'soon'],
  ])('refuses %s=%s in one line that names it, what it got and what it takes', (name, value) => {
    const message = refuse({ [name]: value });
    expect(message).toContain(`${name} takes ${VARIABLES.get(name)!.takes}`);
    expect(message).toContain(JSON.stringify(value));
    expect(message).not.toContain('\n');
  });

  it.each([
    ['DATABASE_URL', 'mysql://user:hunter2@db.example/pay'],
    ['STRIPE_SECRET_KEY', 'pk_live_hunter2'],
    ['STRIPE_WEBHOOK_SECRET', 'hunter2'],
    ['STRIPE_WEBHOOK_SECRET', 'whsec_hunter2,whsec_b,whsec_c'],
  ])('refuses a bad %s and does not repeat the secret', (name, value) => {
    const message = refuse({ STRIPE_SECRET_KEY: 'sandbox', [name]: value });
    expect(message).toContain(`${name} takes`);
    expect(message).not.toContain('hunter2');
  });

  it('refuses a database without a word on Stripe, so that nobody takes pretended money by forgetting it', () => {
    expect(refuse({ DATABASE_URL: REAL.DATABASE_URL })).toContain('STRIPE_SECRET_KEY must be set');
    expect(load({ ...REAL, STRIPE_SECRET_KEY: 'sandbox' }).stripe.kind).toBe('sandbox');
  });

  it('opens the demo keys only where neither the database nor Stripe is a real one', () => {
    const opens = (env: Record<string, string>) => load(env).demoKeys;
    expect(opens({ STRIPE_API_BASE: 'http://127.0.0.1:9999' })).toBe(true);
    expect(opens(REAL)).toBe(false);
    expect(opens({ ...REAL, STRIPE_SECRET_KEY: 'sandbox' })).toBe(false);
    expect(opens({ STRIPE_SECRET_KEY: 'sk_test_abc' })).toBe(false);
    expect(opens({ STRIPE_API_BASE: 'https://stripe.example' })).toBe(false);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.1.2.3', true],
    ['localhost', true],
    ['::1', true],
    ['0.0.0.0', false],
    ['::', false],
    ['192.168.1.2', false],
    ['127.0.0.1.example.com', false],
  ])(
    "opens what everybody knows, demo keys and the sandbox's secret, only to this machine: HOST=%s",
    (HOST, isOpen) => {
      const { demoKeys, stripe } = load({ HOST });
      expect([demoKeys, stripe.webhookSecrets.includes('whsec_sandbox')]).toEqual([isOpen, isOpen]);
    },
  );

  it('signs with the published secret of a sandbox nowhere but in a demo', () => {
    const secrets = [1, 2].flatMap(() => load({ ...REAL, STRIPE_SECRET_KEY: 'sandbox' }).stripe.webhookSecrets);
    expect(new Set(secrets).size).toBe(2);
    expect(secrets).not.toContain('whsec_sandbox');
  });

  it('has a webhook secret for the sandbox, and none for Stripe until it is given', () => {
    expect(load({}).stripe.webhookSecrets).toHaveLength(1);
    expect(load(REAL).stripe.webhookSecrets).toEqual([]);
  });

  it('refuses values that contradict each other', () => {
    expect(refuse({ DB_POOL_MIN: '11' })).toContain('DB_POOL_MIN');
    expect(refuse({ STALL_WARN_MS: '50' })).toContain('STALL_WARN_MS');
    expect(refuse({ OPS_PORT: '3000' })).toContain('OPS_PORT');
    expect(load({ PORT: '0', OPS_PORT: '0', SANDBOX_PORT: '0' }).opsPort).toBe(0);
  });

  it('is explained by .env.example: every variable, its default and what it takes', () => {
    const text = readFileSync(new URL('../../.env.example', import.meta.url), 'utf8');
    const written = [...text.matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(([, name, fallback]) => [name, fallback]);
    expect(written).toEqual([...VARIABLES].map(([name, { fallback = '' }]) => [name, fallback]));
    for (const { meaning, takes } of VARIABLES.values()) {
      expect(text).toContain(`# ${meaning}\n# Takes ${takes}.\n`);
    }
  });
});

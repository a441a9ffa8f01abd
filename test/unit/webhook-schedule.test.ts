import { describe, expect, it } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { micros, toMs, type Micros } from '../../src/domain/time.ts';
import { JITTER, nextTryAt, SCHEDULE_MS } from '../../src/webhooks/schedule.ts';
import { newSecret, signedHeaders } from '../../src/webhooks/sign.ts';

const now = micros(1_700_000_000_000);
const delayMs = (at: Micros | null) => at && toMs(at) - toMs(now);

describe('a delivery that failed', () => {
  it('is tried again after 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h, 75 hours in all, and then no more', () => {
    expect(SCHEDULE_MS.map((_, step) => delayMs(nextTryAt(step, now, 0)))).toEqual([
      5_000,
      300_000,
      1_800_000,
      7_200_000,
      18_000_000,
      36_000_000,
      50_400_000,
      72_000_000,
      86_400_000,
      null,
    ]);
  });
  it('is put off by chance, by a fifth at the most', () => {
    expect(delayMs(nextTryAt(0, now, 0.5))).toBe(5_500);
    expect(delayMs(nextTryAt(1, now, 1))).toBe(300_000 * (1 + JITTER));
  });
});

describe('a signature', () => {
  const body = '{"id":"evt_1","name":"Zoë"}';
  const timestampS = Math.floor(Date.now() / 1000);

  it('is verified by the library of Standard Webhooks', () => {
    const secret = newSecret();
    const headers = signedHeaders('evt_1', timestampS, body, [secret]);
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
    expect(() => new Webhook(secret).verify(body.replace('1', '2'), headers)).toThrow();
    expect(() => new Webhook(secret).verify(body, { ...headers, 'webhook-id': 'evt_2' })).toThrow();
    expect(() => new Webhook(newSecret()).verify(body, headers)).toThrow();
  });
  it('is there for each secret in force', () => {
    const secrets = [newSecret(), newSecret()];
    const headers = signedHeaders('evt_1', timestampS, body, secrets);
    for (const secret of secrets) expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  });
});

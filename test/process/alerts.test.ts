/** The proof of the alerts in short: `npm run proof:alerts` causes them all. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { CAUSES } from '../proof/alert-causes.ts';
import { alertsIn, proveAlerts, scaled } from '../proof/alerts.ts';
import { hasPrometheus } from '../proof/prometheus.ts';

const rules = readFileSync(join(import.meta.dirname, '../../scripts/ops/rules.yml'), 'utf8');
const isThere = await hasPrometheus();
if (!isThere) console.warn('SKIPPED: the alerts are caused before prometheus, which is not on this machine.');

describe('the alert rules', () => {
  it('are each of them caused by the proof', () =>
    expect(Object.keys(CAUSES).toSorted()).toEqual(alertsIn(rules).toSorted()));

  it('are the same at another pace, but for their spans and ages', () => {
    const short = scaled(rules);
    expect(alertsIn(short)).toEqual(alertsIn(rules));
    expect(short).not.toMatch(/\[\d+[mhd]\]|for: \d+[mhd]/);
  });
});

(isThere ? describe : describe.skip)('an alert', () => {
  it('fires when what it is for has happened, and ends when that is over', async () => {
    const alerts = ['QuittanceStripeFails', 'QuittanceDown', 'QuittanceContradictions'];
    const seen = await proveAlerts({ alerts, log: () => undefined });
    expect(seen.map(({ alert }) => alert)).toEqual(alerts);
    for (const { firedAfterS, resolvedAfterS } of seen) {
      expect(firedAfterS).toBeDefined();
      expect(resolvedAfterS).toBeDefined();
    }
    // Each may take as long as the proof waits for it.
  }, 600_000);
});

import { expect, it } from '@jest/globals';
import { createMetrics } from '../../src/monitor/metrics.ts';
import { metricsText } from '../../src/monitor/view.ts';

it('a class of requests that is no longer there is no longer told of', async () => {
  let inflight: Record<string, number> = { money: 800 };
  const metrics = createMetrics({
    pool: () => ({ total: 0, idle: 0, waiting: 0 }),
    inflight: () => inflight,
    waiting: () => 0,
    unknown: () => undefined,
    contradictions: () => undefined,
    clocks: () => ({}),
    stripe: undefined,
    lag: () => undefined,
  });
  expect(await metricsText(await metrics.json())).toContain('quittance_requests_in_flight{class="money"} 800');
  inflight = { read: 1 };
  const text = await metricsText(await metrics.json());
  expect(text).toContain('quittance_requests_in_flight{class="read"} 1');
  expect(text).not.toContain('class="money"');
});

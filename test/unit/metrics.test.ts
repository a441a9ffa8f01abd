import { expect, it } from '@jest/globals';
import { ERRORS } from '../../src/error.ts';
import { createMetrics } from '../../src/monitor/metrics.ts';
import { createStallMetrics } from '../../src/monitor/stall-metrics.ts';
import { metricsText } from '../../src/monitor/view.ts';

it('a class of requests that is no longer there is no longer told of', async () => {
  let inflight: Record<string, number> = { money: 800 };
  const metrics = createMetrics({
    pool: () => ({ total: 0, idle: 0, waiting: 0 }),
    inflight: () => inflight,
    waiting: () => 0,
    unknown: () => undefined,
    contradictions: () => undefined,
    jobs: () => [],
    clocks: () => ({}),
    stripe: undefined,
    lag: () => undefined,
  });
  expect(await metricsText(await metrics.json())).toContain('quittance_requests_in_flight{class="money"} 800');
  inflight = { read: 1 };
  const text = await metricsText(await metrics.json());
  expect(text).toContain('quittance_requests_in_flight{class="read"} 1');
  expect(text).not.toContain('quittance_requests_in_flight{class="money"');
});

it('no label is called as Prometheus calls the target that it scraped, which would put its own in the place of ours', async () => {
  const metrics = createMetrics({
    pool: () => ({ total: 0, idle: 0, waiting: 0 }),
    inflight: () => ({}),
    waiting: () => 0,
    unknown: () => undefined,
    contradictions: () => undefined,
    jobs: () => [{ name: 'sweeper', undoneMs: 1_000, ageMsMax: 120_000 }],
    clocks: () => ({}),
    stripe: undefined,
    lag: () => undefined,
  });
  metrics.job('sweeper', 'internal', 1);
  const text = await metricsText(await metrics.json());
  expect(text).toContain('quittance_job_age_seconds{name="sweeper"} 1');
  expect(text).toContain('quittance_job_age_limit_seconds{name="sweeper"} 120');
  expect(text).toContain('quittance_job_failures_total{name="sweeper"} 1');
  expect(text).not.toMatch(/[{,](job|instance)="/);
});

it('what is known is told as zero before it happens for the first time, so that the first is seen to be one more', async () => {
  const metrics = createMetrics({
    pool: () => ({ total: 0, idle: 0, waiting: 0 }),
    inflight: () => ({}),
    waiting: () => 0,
    unknown: () => undefined,
    contradictions: () => undefined,
    jobs: () => [],
    clocks: () => ({}),
    stripe: undefined,
    lag: () => undefined,
  });
  const stalls = createStallMetrics(
    () => 0,
    () => 0,
    true,
  );
  const text = await metricsText([...(await metrics.json()), ...(await stalls.json())]);
  for (const code of Object.keys(ERRORS)) expect(text).toContain(`quittance_errors_total{code="${code}"} 0`);
  for (const line of [
    'quittance_shed_requests_total{reason="overload",class="money"} 0',
    'quittance_stripe_call_duration_seconds_count{operation="confirm",result="provider_unavailable"} 0',
    'quittance_event_loop_stall_duration_seconds_count{cause="cpu",severity="fatal"} 0',
    'quittance_event_loop_stall_seconds_total{cause="cpu",http_route="none"} 0',
    'quittance_faults_total 0',
    'quittance_payments_total{outcome="declined",decline_code="none"} 0',
  ])
    expect(text).toContain(line);
});

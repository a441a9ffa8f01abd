/** What is counted. Labels are route templates, codes and names of ours: nothing that a client can make grow. */
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

export interface Metrics {
  readonly registry: Registry;
  readonly request: (method: string, route: string, status: number, durationMs: number) => void;
  readonly batch: (lane: string, batch: { size: number; waitMs: number; durationMs: number }) => void;
  readonly error: (code: string) => void;
  readonly stripeCall: (operation: string, result: string, durationMs: number) => void;
  readonly recovered: (result: 'settled' | 'unknown') => void;
}

/** Half a millisecond to ten seconds: what a wallet read takes, and what Stripe is given. */
const SECONDS = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

export const createMetrics = (pool: () => { total: number; idle: number; waiting: number }): Metrics => {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const requests = new Histogram({
    name: 'http_server_request_duration_seconds',
    help: 'How long requests took, by route template.',
    labelNames: ['http_request_method', 'http_route', 'http_response_status_code'],
    buckets: SECONDS,
    registers,
  });
  const errors = new Counter({
    name: 'quittance_errors_total',
    help: 'Errors answered, by the code of the PaymentError.',
    labelNames: ['code'],
    registers,
  });
  const sizes = new Histogram({
    name: 'quittance_batch_size',
    help: 'How many changes or reads left together.',
    labelNames: ['lane'],
    buckets: SIZES,
    registers,
  });
  const waits = new Histogram({
    name: 'quittance_batch_wait_seconds',
    help: 'How long the first of a batch waited for the batch before it.',
    labelNames: ['lane'],
    buckets: SECONDS,
    registers,
  });
  const durations = new Histogram({
    name: 'quittance_batch_duration_seconds',
    help: 'How long a batch took in the database.',
    labelNames: ['lane'],
    buckets: SECONDS,
    registers,
  });
  const stripe = new Histogram({
    name: 'quittance_stripe_call_duration_seconds',
    help: 'How long Stripe took, by operation and by what came of it.',
    labelNames: ['operation', 'result'],
    buckets: SECONDS,
    registers,
  });
  const recoveries = new Counter({
    name: 'quittance_recoveries_total',
    help: 'Abandoned attempts taken over, by what came of it.',
    labelNames: ['result'],
    registers,
  });
  new Gauge({
    name: 'quittance_database_connections',
    help: 'Connections to Postgres, by state; waiting are those who want one.',
    labelNames: ['state'],
    registers,
    collect() {
      const { total, idle, waiting } = pool();
      this.set({ state: 'used' }, total - idle);
      this.set({ state: 'idle' }, idle);
      this.set({ state: 'waiting' }, waiting);
    },
  });

  return {
    registry,
    request: (method, route, status, durationMs) =>
      requests.observe(
        { http_request_method: method, http_route: route, http_response_status_code: status },
        durationMs / 1000,
      ),
    batch: (lane, { size, waitMs, durationMs }) => {
      sizes.observe({ lane }, size);
      waits.observe({ lane }, waitMs / 1000);
      durations.observe({ lane }, durationMs / 1000);
    },
    error: (code) => errors.inc({ code }),
    stripeCall: (operation, result, durationMs) => stripe.observe({ operation, result }, durationMs / 1000),
    recovered: (result) => recoveries.inc({ result }),
  };
};

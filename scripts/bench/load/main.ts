/**
 * The load generator: a process of its own, on one thread. `--mode open` keeps a constant rate whatever the service
 * does, and a latency counts from when its request should have been sent; `--mode closed` has each connection send its
 * next request when it has its reply. Ends with 1 where anything was not as it should be.
 */
import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { monotonicMs } from './clock.ts';
import { createConnection, targetOf, type Connection, type Reply, type Target } from './connection.ts';
import { pace } from './pace.ts';
import type { Report, Tally } from './report.ts';
import {
  balancePath,
  createRequests,
  needsCustomers,
  parseMix,
  paymentBody,
  post,
  seededCustomers,
  type Customer,
  type Customers,
  type Sent,
} from './requests.ts';
import { createSamples, quantile, type Samples } from './samples.ts';
import { parseWatched, sample } from './sampler.ts';

const { values } = parseArgs({
  options: {
    url: { type: 'string', default: 'http://127.0.0.1:3000' },
    key: { type: 'string', default: 'sk_test_demo' },
    mode: { type: 'string', default: 'closed' },
    rate: { type: 'string', default: '1000' },
    connections: { type: 'string', default: '64' },
    duration: { type: 'string', default: '10' },
    warmup: { type: 'string', default: '2' },
    mix: { type: 'string', default: 'balance' },
    customers: { type: 'string', default: '1000' },
    seeded: { type: 'string' },
    fund: { type: 'string', default: '10000000' },
    amount: { type: 'string', default: '1' },
    hot: { type: 'boolean', default: false },
    replay: { type: 'string', default: '0' },
    pid: { type: 'string', default: '' },
    json: { type: 'string' },
    'allow-errors': { type: 'boolean', default: false },
  },
});
const connectionCount = Number(values.connections);
const mode = values.mode === 'open' ? 'open' : 'closed';

/** Whoever still waits when the time is over counts, until this much later. */
const PATIENCE_MS = 10_000;
/** A service that is gone is not asked again at once. */
const AFTER_FAILURE_MS = 10;
const SETUP_CONNECTIONS = 32;
const ERRORS_SHOWN = 5;

// ---- customers with money ------------------------------------------------------------------------------------------

/** Made, funded and looked up over HTTP, as any client would. */
const makeCustomers = async (target: Target, count: number): Promise<Customers> => {
  const made: Customer[] = [];
  let left = count;
  const make = async (): Promise<void> => {
    const connection = createConnection(target);
    const call = (text: string): Promise<Record<string, unknown>> =>
      new Promise((settle, fail) =>
        connection.send(text, ({ status, body }) => {
          if (status >= 200 && status < 300) settle(JSON.parse(body) as Record<string, unknown>);
          else fail(new Error(`the customers could not be made: ${status} ${body}`));
        }),
      );
    while (left-- > 0) {
      const { id } = await call(post(target, '/v1/customers', '{"name":"Load"}', randomUUID()));
      await call(post(target, '/v1/payments', paymentBody(String(id), Number(values.fund)), randomUUID()));
      const balance = await call(`GET ${balancePath(String(id))}${target.common}\r\n`);
      if (balance['posted'] !== values.fund) throw new Error(`a wallet was not funded: ${JSON.stringify(balance)}`);
      made.push({ id: String(id), account: String(balance['account']) });
    }
    connection.close();
  };
  await Promise.all(Array.from({ length: Math.min(SETUP_CONNECTIONS, count) }, make));
  return { count: made.length, at: (n) => made[n]! };
};

// ---- what is counted -----------------------------------------------------------------------------------------------

interface OpStats {
  readonly latencies: Samples;
  readonly status: Record<string, number>;
}

const ops = new Map<string, OpStats>();
const lags = createSamples();
const errors: string[] = [];
let completed = 0;
let problems = 0;

const problem = (what: string): void => {
  problems++;
  if (errors.length < ERRORS_SHOWN) errors.push(what);
};

const statsOf = (op: string): OpStats => {
  const known = ops.get(op);
  if (known) return known;
  const fresh: OpStats = { latencies: createSamples(), status: {} };
  ops.set(op, fresh);
  return fresh;
};

const isOk = (status: number | string): boolean => Number(status) >= 200 && Number(status) < 300;

/** Everything that is asked for within the window; in a closed loop, everything that is answered in it. */
const count = (op: string, reply: Reply, isInWindow: boolean, latencyMs: number): void => {
  if (isInWindow) {
    const { latencies, status } = statsOf(op);
    latencies.add(latencyMs);
    status[reply.status] = (status[reply.status] ?? 0) + 1;
  }
  if (isOk(reply.status)) return;
  const what = `${op}: ${reply.status} ${reply.body.slice(0, 400)}`;
  if (!isInWindow) problem(what);
  else if (errors.length < ERRORS_SHOWN) errors.push(what);
};

// ---- the two loops -------------------------------------------------------------------------------------------------

const target = targetOf(values.url, values.key);
const mix = parseMix(values.mix);
const customers = !needsCustomers(mix)
  ? { count: 0, at: (): never => process.exit(1) }
  : values.seeded === undefined
    ? await makeCustomers(target, Number(values.customers))
    : seededCustomers(Number(values.seeded));
const requests = createRequests({
  target,
  mix,
  customers,
  amount: Number(values.amount),
  hot: values.hot,
  replayShare: Number(values.replay) / 100,
});

const connections = Array.from({ length: connectionCount }, () => createConnection(target));
/** A moment for the threads to start. */
const beginMs = monotonicMs() + 100;
const fromMs = beginMs + Number(values.warmup) * 1000;
const toMs = fromMs + Number(values.duration) * 1000;
/** Cheaper than the monotonic clock, and the same but for where it begins. */
const offsetMs = monotonicMs() - performance.now();
const now = (): number => performance.now() + offsetMs;
const isWithin = (atMs: number): boolean => fromMs <= atMs && atMs < toMs;

/** One request; `intendedMs` where it should have been sent at a time of its own. */
const exchange = (connection: Connection, intendedMs: number | undefined, next: () => void): void => {
  const sent: Sent = requests.next();
  const sentMs = now();
  const startMs = intendedMs ?? sentMs;
  connection.send(sent.text, (reply) => {
    const doneMs = now();
    if (isWithin(doneMs)) completed++;
    const isInWindow = isWithin(intendedMs ?? doneMs);
    if (isInWindow && intendedMs !== undefined) lags.add(sentMs - startMs);
    count(sent.op, reply, isInWindow, doneMs - startMs);
    const wrong = requests.answered(sent, reply);
    if (wrong !== undefined) problem(wrong);
    if (reply.status === 0) setTimeout(next, AFTER_FAILURE_MS);
    else next();
  });
};

/** Answers how many were left unanswered. */
const runClosed = async (): Promise<number> => {
  let busy = connections.length;
  const allDone = Promise.withResolvers<undefined>();
  for (const connection of connections) {
    const again = (): void => {
      if (now() < toMs) exchange(connection, undefined, again);
      else if (--busy === 0) allDone.resolve(undefined);
    };
    again();
  }
  const patience = sleep(toMs + PATIENCE_MS - now(), undefined, { ref: false });
  await Promise.race([allDone.promise, patience]);
  return busy;
};

const runOpen = async (): Promise<number> => {
  const idle = [...connections];
  const queue: number[] = [];
  let head = 0;
  const next = (connection: Connection): void => {
    const intendedMs = queue[head];
    if (intendedMs === undefined) {
      idle.push(connection);
      return;
    }
    head++;
    if (head === queue.length) queue.length = head = 0;
    exchange(connection, intendedMs, () => next(connection));
  };
  await pace({ rate: Number(values.rate), beginMs, endMs: toMs }, (intendedMs) => {
    queue.push(intendedMs);
    const connection = idle.pop();
    if (connection) next(connection);
  });
  const left = (): number => queue.length - head + connections.length - idle.length;
  while (left() > 0 && now() < toMs + PATIENCE_MS) await sleep(5);
  return left();
};

// ---- the report ----------------------------------------------------------------------------------------------------

const tally = (latencies: ArrayLike<number>, status: Readonly<Record<string, number>>, rate: number): Tally => ({
  sent: latencies.length,
  ok: Object.entries(status).reduce((sum, [code, n]) => sum + (isOk(code) ? n : 0), 0),
  rate,
  p50_ms: quantile(latencies, 0.5),
  p90_ms: quantile(latencies, 0.9),
  p99_ms: quantile(latencies, 0.99),
  p999_ms: quantile(latencies, 0.999),
  max_ms: quantile(latencies, 1),
});

const reportOf = (unfinished: number, procs: Awaited<ReturnType<typeof sample>>): Report => {
  const seconds = (toMs - fromMs) / 1000;
  const all = createSamples();
  const status: Record<string, number> = {};
  const shown: Record<string, Report['ops'][string]> = {};
  for (const [op, stats] of ops) {
    const sorted = stats.latencies.sorted();
    for (const latency of sorted) all.add(latency);
    for (const [code, n] of Object.entries(stats.status)) status[code] = (status[code] ?? 0) + n;
    shown[op] = { ...tally(sorted, stats.status, sorted.length / seconds), status: stats.status };
  }
  const late = lags.sorted();
  return {
    mode,
    all: tally(all.sorted(), status, completed / seconds),
    ops: shown,
    completed_in_window: completed,
    unfinished,
    problems,
    errors,
    send_lag_ms: {
      p50: quantile(late, 0.5),
      p99: quantile(late, 0.99),
      p999: quantile(late, 0.999),
      max: quantile(late, 1),
    },
    procs: procs.map((one) => ({ ...one, cpu_us_per_request: (one.cpu_s * 1e6) / Math.max(1, completed) })),
    window_ms: [fromMs, toMs],
  };
};

const sampling = sample({ watched: parseWatched(values.pid), fromMs, toMs });
const unfinished = await (mode === 'open' ? runOpen() : runClosed());
const report = reportOf(unfinished, await sampling);
for (const connection of connections) connection.close();

if (values.json === undefined) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
else writeFileSync(values.json, JSON.stringify(report));
const hasFailed = unfinished + problems > 0 || report.all.ok < report.all.sent || completed === 0;
process.exitCode = hasFailed && !values['allow-errors'] ? 1 : 0;

/** An Express application with a route for each way to block the event loop, and the monitor in one line. */
import { execSync } from 'node:child_process';
import { pbkdf2Sync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import express, { type RequestHandler } from 'express';
import { eventLoopMonitor } from '../../../src/monitor/middleware.ts';

/** Born in this cgroup: before the monitor asks in which one it is. */
const cgroup = process.env['CGROUP'];
if (cgroup !== undefined) writeFileSync(`${cgroup}/cgroup.procs`, String(process.pid));

type Injection = (ms: number) => void;

/** Work that is not known to the optimiser: whoever is blamed must be blamed by name. */
const spin = (ms: number): void => {
  const end = performance.now() + ms;
  let sum = 0;
  while (performance.now() < end) sum += Math.sqrt(sum + 1);
};

/** Work that takes so much of a core, however long it waits for one. */
const compute = (cpuMs: number): void => {
  const spentMs = (): number => {
    const { user, system } = process.threadCpuUsage();
    return (user + system) / 1000;
  };
  const end = spentMs() + cpuMs;
  let sum = 0;
  while (spentMs() < end) for (let i = 0; i < 1_000; i++) sum += Math.sqrt(sum + i);
};

const record = JSON.stringify({ id: 12345, name: 'a name', tags: ['x', 'y'], nested: { amount: '1250', ok: true } });
let text = '';
let parseMs = 100;
const prepareText = (records: number): void => {
  text = `[${record}${`,${record}`.repeat(records - 1)}`;
  const startedAt = performance.now();
  JSON.parse(`${text}]`);
  parseMs = performance.now() - startedAt;
};
const fifo = process.env['FIFO'] ?? '';

const loop: Injection = (ms) => spin(ms);
const regex: Injection = (ms) => {
  // Each further letter doubles it; a slow expression is met again and again until the time is over.
  const end = performance.now() + ms;
  while (performance.now() < end) /^(a+)+$/.test(`${'a'.repeat(18)}!`);
};
const parse: Injection = (ms) => {
  // One call, of as much of the text as should take that long.
  const records = Math.ceil((Math.min(1, ms / parseMs) * text.length) / (record.length + 1));
  JSON.parse(`${text.slice(0, records * (record.length + 1))}]`);
};
let roundsPerMs = 0;
const hash: Injection = (ms) => {
  if (roundsPerMs === 0) {
    const startedAt = performance.now();
    pbkdf2Sync('secret', 'salt', 20_000, 64, 'sha512');
    roundsPerMs = 20_000 / (performance.now() - startedAt);
  }
  pbkdf2Sync('secret', 'salt', Math.ceil(ms * roundsPerMs), 64, 'sha512');
};
const child: Injection = (ms) => void execSync(`sleep ${String(ms / 1000)}`);
const file: Injection = (ms) => {
  // A pipe whose writer takes its time: what a slow disk or a lost network drive is.
  execSync(`(sleep ${String(ms / 1000)}; echo done) > ${fifo} &`, { stdio: 'ignore' });
  readFileSync(fifo);
};
let kept: object[] = [];
const collect: Injection = (ms) => {
  const end = performance.now() + ms;
  do (globalThis as { gc?: () => void }).gc?.();
  while (performance.now() < end);
};

const app = express();
app.use(
  eventLoopMonitor({
    port: 0,
    tiers: { metricMs: 50, warnMs: Number(process.env['WARN_MS'] ?? 100), errorMs: 500, fatalMs: 5_000 },
    onStarted: ({ url }) => process.send?.({ opsUrl: url }),
  }),
);

const msOf = ({ user, system }: NodeJS.CpuUsage): number => (user + system) / 1000;

/**
 * Answers how long it truly took: the truth that the monitor is held against. It answers in a later turn, so that it
 * can tell for how long the machine kept the thread from a core just after the block, while the loop was blocked still:
 * after a collection its helpers may have both cores.
 */
const inject =
  (injection: Injection): RequestHandler =>
  async (request, response) => {
    const ms = Number(request.query['ms'] ?? 300);
    const startedAt = performance.now();
    const thread = process.threadCpuUsage();
    const all = process.cpuUsage();
    injection(ms);
    const endedAt = performance.now();
    const durationMs = endedAt - startedAt;
    const onCpu = msOf(process.threadCpuUsage(thread)) / durationMs;
    const processOnCpu = msOf(process.cpuUsage(all)) / durationMs;
    const after = process.threadCpuUsage();
    // With an immediate to run, the loop waits for nothing: what it is not on a core, it is kept from one.
    await turn();
    const heldMs = Math.max(0, performance.now() - endedAt - msOf(process.threadCpuUsage(after)));
    response.json({ durationMs, heldMs, onCpu, processOnCpu });
  };
const after =
  (awaits: number, handler: RequestHandler): RequestHandler =>
  async (request, response, next) => {
    for (let i = 0; i < awaits; i++) await (i % 2 ? turn() : sleep(1));
    await handler(request, response, next);
  };

for (const [name, injection] of Object.entries({ loop, regex, parse, hash, child, file, collect })) {
  app.get(`/block/${name}/:id`, inject(injection));
  app.get(`/later/${name}/:id`, after(5, inject(injection)));
}
app.get('/wedge', function wedgeForever() {
  for (;;) spin(1);
});
app.get('/prepare/parse', (request, response) => {
  prepareText(Number(request.query['records'] ?? 300_000));
  response.json({ bytes: text.length });
});
app.get('/prepare/heap', (request, response) => {
  // Kept alive in pieces, so that preparing it is no stall itself.
  const count = Number(request.query['objects'] ?? 1_000_000);
  kept = [];
  const fill = (): void => {
    for (let i = 0; i < 20_000 && kept.length < count; i++) kept.push({ i, text: `kept ${String(i)}` });
    if (kept.length < count) setImmediate(fill);
    else response.json({ kept: kept.length });
  };
  fill();
});
const ring: object[][] = [];
app.get('/churn', (_request, response) => {
  // What is made survives the young generation, and then is thrown away: the old one is collected over and over.
  ring.push(Array.from({ length: 40_000 }, (_, i) => ({ i, text: `made ${String(i)}` })));
  if (ring.length > 8) ring.shift();
  response.json({ held: ring.length });
});
app.get('/work/:id', async (request, response) => {
  // Ordinary traffic: a little computing between two waits.
  await sleep(1);
  spin(Number(request.query['ms'] ?? 0));
  compute(Number(request.query['cpu'] ?? 0));
  await turn();
  response.json({ id: request.params.id });
});

const server = app.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ apiUrl: `http://127.0.0.1:${String(typeof address === 'object' && address ? address.port : 0)}` });
});
process.on('disconnect', () => process.exit());

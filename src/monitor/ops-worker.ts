/** The thread that answers the ops port. It knows only what it is told. */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { parentPort, workerData } from 'node:worker_threads';
import type { Snapshot } from './ops.ts';

const { host, port } = workerData as { host: string; port: number };

/** A main thread that has said nothing for this long is blocked, or gone. */
const STALE_MS = 5_000;

let latest: Snapshot = { metrics: '', checks: {}, keyHashes: [] };
let heardAt = performance.now();

parentPort?.on('message', (snapshot: Snapshot) => {
  latest = snapshot;
  heardAt = performance.now();
});

const json = (response: ServerResponse, status: number, value: object): void => {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
};

const mayReadMore = ({ headers }: IncomingMessage): boolean => {
  const key = /^Bearer +(\S{1,200})$/i.exec(headers.authorization ?? '')?.[1];
  return key !== undefined && latest.keyHashes.includes(createHash('sha256').update(key).digest('base64'));
};

const server = createServer((request, response) => {
  const ageMs = Math.round(performance.now() - heardAt);
  const path = request.url?.split('?')[0];
  if (path === '/livez') {
    json(response, 200, { status: 'alive', main_thread_age_ms: ageMs });
    return;
  }
  if (path === '/readyz') {
    const loop = { ok: ageMs < STALE_MS, detail: `the main thread reported ${ageMs} ms ago` };
    const checks = { event_loop: loop, ...latest.checks };
    const ready = Object.values(checks).every(({ ok }) => ok);
    json(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', age_ms: ageMs, checks });
    return;
  }
  if (!mayReadMore(request)) {
    json(response, 401, { error: { code: 'unauthenticated', message: 'Send an on-call key (ok_…) as a Bearer token.' } });
    return;
  }
  if (path === '/metrics') {
    response.writeHead(200, { 'Content-Type': 'text/plain; version=0.0.4; charset=utf-8' });
    response.end(`${latest.metrics}# HELP quittance_snapshot_age_seconds How old these figures are.
# TYPE quittance_snapshot_age_seconds gauge
quittance_snapshot_age_seconds ${ageMs / 1000}\n`);
    return;
  }
  json(response, 404, { error: { code: 'route_not_found', message: 'There are /livez, /readyz and /metrics.' } });
});

server.on('error', (error) => parentPort?.postMessage({ error: error.message }));
server.listen(port, host, () => {
  const address = server.address();
  const bound = typeof address === 'object' && address ? address.port : port;
  parentPort?.postMessage({ url: `http://${host}:${bound}` });
});

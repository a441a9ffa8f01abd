/** The ops port. It is served by the ops thread from what that knows, whatever the main thread does. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fieldsOf, sentenceOf } from './line.ts';
import type { Check, Economics, Live, Snapshot } from './ops.ts';
import type { Records } from './records.ts';
import { verdictOf } from './verdict.ts';

export interface OpsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly protect: boolean;
  readonly economics: Economics;
  readonly records: Records;
  readonly render: () => Promise<string>;
  readonly live: () => Live | undefined;
  readonly snapshot: () => { readonly snapshot: Snapshot; readonly ageMs: number };
  readonly loop: () => { readonly ageMs: number; readonly blockedMs: number };
  readonly inflight: () => number;
  readonly onListening: (url: string) => void;
  readonly onError: (message: string) => void;
}

/** A loop that has not come round for this long cannot serve: an instance without it is better off. */
const WEDGED_MS = 2_000;
/** Snapshots come every two seconds; this many missed, and nothing is known of the database. */
const SNAPSHOT_MAX_AGE_MS = 10_000;
const STALLS_SHOWN = 100;
const VERDICT_MINUTES = 60;
const MINUTES_MAX = 1_440;

interface Page {
  readonly type: string;
  readonly file: string;
}

const uplot = join(dirname(createRequire(import.meta.url).resolve('uplot')));
const here = join(import.meta.dirname, 'page');
/** The live page: no build step, and nothing from another host. */
const PAGES: Readonly<Record<string, Page>> = {
  '/': { type: 'text/html', file: join(here, 'index.html') },
  '/live.js': { type: 'text/javascript', file: join(here, 'live.js') },
  '/live.css': { type: 'text/css', file: join(here, 'live.css') },
  '/uplot.js': { type: 'text/javascript', file: join(uplot, 'uPlot.esm.js') },
  '/uplot.css': { type: 'text/css', file: join(uplot, 'uPlot.min.css') },
};
const PAGE_HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; img-src data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
};

export const serveOps = (options: OpsServerOptions): void => {
  const { host, port, records } = options;

  const checks = (): Record<string, Check> => {
    const { snapshot, ageMs: snapshotAgeMs } = options.snapshot();
    const { ageMs } = options.loop();
    return {
      event_loop: { ok: ageMs < WEDGED_MS, detail: `came round ${Math.round(ageMs)} ms ago` },
      ...snapshot.checks,
      ...(!options.protect || snapshotAgeMs < SNAPSHOT_MAX_AGE_MS
        ? {}
        : { snapshot: { ok: false, detail: `the checks are ${Math.round(snapshotAgeMs)} ms old` } }),
    };
  };

  const livez = (response: ServerResponse): void => {
    const { ageMs, blockedMs } = options.loop();
    json(response, 200, { status: 'alive', event_loop_age_ms: Math.round(ageMs), blocked_ms: Math.round(blockedMs) });
  };

  const readyz = (response: ServerResponse): void => {
    const found = checks();
    const ready = Object.values(found).every(({ ok }) => ok);
    const ageMs = Math.round(options.snapshot().ageMs);
    json(response, ready ? 200 : 503, { status: ready ? 'ready' : 'not ready', age_ms: ageMs, checks: found });
  };

  const stalls = (response: ServerResponse): void => {
    const latest = records.stalls().slice(-STALLS_SHOWN).reverse();
    const data = latest.map((stall) => ({
      time: stall.at,
      severity: stall.severity,
      msg: sentenceOf(stall),
      ...fieldsOf(stall),
    }));
    json(response, 200, { object: 'list', data });
  };

  const verdict = (response: ServerResponse, request: IncomingMessage): void => {
    const { searchParams } = new URL(request.url ?? '/', 'http://ops');
    const asked = settingsIn(searchParams, options.economics);
    if (typeof asked === 'string') {
      json(response, 400, { error: { code: 'invalid_request', message: asked } });
      return;
    }
    const report = verdictOf(records.minutes(asked.minutes), asked.economics);
    if (request.headers.accept?.includes('application/json')) json(response, 200, report);
    else text(response, 'text/plain', `${report.summary}\n`);
  };

  const live = (response: ServerResponse): void => {
    const { snapshot, ageMs } = options.snapshot();
    const { blockedMs, ageMs: loopAgeMs } = options.loop();
    const hour = verdictOf(records.minutes(VERDICT_MINUTES), options.economics);
    json(response, 200, {
      loop: { age_ms: loopAgeMs, blocked_ms: blockedMs },
      inflight: options.inflight(),
      live: options.live(),
      unknown: snapshot.unknown,
      checks: checks(),
      checks_age_ms: ageMs,
      points: records.points(),
      culprits: hour.culprits,
      verdict: { finding: hour.finding, advice: hour.advice, summary: hour.summary },
      stalls: records
        .stalls()
        .slice(-20)
        .reverse()
        .map((stall) => ({
          at: stall.at,
          msg: sentenceOf(stall),
          severity: stall.severity,
          cause: stall.cause,
          phase: stall.phase,
        })),
    });
  };

  const mayReadMore = ({ headers }: IncomingMessage): boolean => {
    if (!options.protect) return true;
    const key = /^Bearer +(\S{1,200})$/i.exec(headers.authorization ?? '')?.[1];
    return key !== undefined && options.snapshot().snapshot.keyHashes.includes(hashOf(key));
  };

  const metrics = (response: ServerResponse): void => {
    void options.render().then((body) => text(response, 'text/plain; version=0.0.4', body));
  };

  type Answer = (response: ServerResponse, request: IncomingMessage) => void;
  const open: Readonly<Record<string, Answer>> = { '/livez': livez, '/readyz': readyz };
  const closed: Readonly<Record<string, Answer>> = {
    '/metrics': metrics,
    '/stalls': stalls,
    '/verdict': verdict,
    '/live': live,
  };

  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url?.split('?')[0] ?? '/';
    const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD')
      json(response, 405, { error: { code: 'method_not_allowed', message: 'The ops port is only read.' } });
    else if (page) text(response, page.type, readFileSync(page.file, 'utf8'), PAGE_HEADERS);
    else if (Object.hasOwn(open, path)) open[path]?.(response, request);
    else if (!mayReadMore(request))
      json(response, 401, {
        error: { code: 'unauthenticated', message: 'Send an on-call key (ok_…) as a Bearer token.' },
      });
    else if (Object.hasOwn(closed, path)) closed[path]?.(response, request);
    else {
      const message = `There are /, ${[...Object.keys(open), ...Object.keys(closed)].join(', ')}.`;
      json(response, 404, { error: { code: 'route_not_found', message } });
    }
  };

  const server = createServer(answer);
  server.on('error', (error) => options.onError(error.message));
  server.listen(port, host, () => {
    const address = server.address();
    options.onListening(`http://${host}:${typeof address === 'object' && address ? address.port : port}`);
  });
};

const hashOf = (key: string): string => createHash('sha256').update(key).digest('base64');

const json = (response: ServerResponse, status: number, value: object): void => {
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Cache-Control': 'no-store' });
  response.end(`${JSON.stringify(value)}\n`);
};

const text = (response: ServerResponse, type: string, body: string, headers: Record<string, string> = {}): void => {
  response.writeHead(200, { 'Content-Type': `${type}; charset=utf-8`, 'Cache-Control': 'no-store', ...headers });
  response.end(body);
};

const ECONOMICS = {
  instances: 'instances',
  instance_usd: 'instanceUsdMonth',
  rewrite_usd: 'rewriteUsd',
  speedup: 'rewriteSpeedup',
} as const;
/** Nobody runs a larger bill on this page. */
const AMOUNT_MAX = 1e9;

/** What the address asks for. The error is a sentence. */
const settingsIn = (
  query: URLSearchParams,
  defaults: Economics,
): { readonly minutes: number; readonly economics: Economics } | string => {
  const economics: Record<keyof Economics, number> = { ...defaults };
  let minutes = VERDICT_MINUTES;
  for (const [name, value] of query) {
    const amount = /^\d{1,10}(\.\d{1,4})?$/.test(value) ? Number(value) : NaN;
    if (name === 'minutes') minutes = amount;
    else if (Object.hasOwn(ECONOMICS, name)) economics[ECONOMICS[name as keyof typeof ECONOMICS]] = amount;
    else
      return `There is no ${JSON.stringify(name.slice(0, 40))}; there are minutes, ${Object.keys(ECONOMICS).join(', ')}.`;
    if (!(amount > 0 && amount <= AMOUNT_MAX)) return `${name} takes a number above 0.`;
  }
  return minutes >= 1 && minutes <= MINUTES_MAX ? { minutes, economics } : `minutes takes 1 to ${MINUTES_MAX}.`;
};

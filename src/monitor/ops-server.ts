/** The ops port. It is served by the ops thread from what that knows, whatever the main thread does. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fieldsOf, sentenceOf } from './line.ts';
import type { Economics } from './ops.ts';
import { verdictOf } from './verdict.ts';
import { metricsText, type View, type Want } from './view.ts';

export interface OpsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly protect: boolean;
  readonly economics: Economics;
  /** Asked for each answer. */
  readonly view: (want: Want) => Promise<View>;
  /** Who knows it may read the view as it is, at /view. */
  readonly secret: string | undefined;
  readonly onListening: (url: string) => void;
  readonly onError: (message: string) => void;
}

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

type SeenStall = View['stalls'][number];
const sentence = (stall: SeenStall): string =>
  stall.worker ? `${sentenceOf(stall)}, in worker ${stall.worker.index} (pid ${stall.worker.pid})` : sentenceOf(stall);

interface Answer {
  readonly want: Want;
  readonly send: (response: ServerResponse, view: View, request: IncomingMessage) => void;
}

const HEALTH: Want = { minutes: 0, metrics: false };

const livez: Answer = {
  want: HEALTH,
  send: (response, { loop: { ageMs, blockedMs } }) =>
    json(response, 200, { status: 'alive', event_loop_age_ms: Math.round(ageMs), blocked_ms: Math.round(blockedMs) }),
};

const readyz: Answer = {
  want: HEALTH,
  send: (response, { checks, checksAgeMs }) => {
    const ready = Object.values(checks).every(({ ok }) => ok);
    const status = ready ? 'ready' : 'not ready';
    json(response, ready ? 200 : 503, { status, age_ms: Math.round(checksAgeMs), checks });
  },
};

const metrics: Answer = {
  want: { minutes: 0, metrics: true },
  send: (response, view) =>
    void metricsText(view.metrics).then((body) => text(response, 'text/plain; version=0.0.4', body)),
};

const stalls: Answer = {
  want: { minutes: 1, metrics: false },
  send: (response, view) => {
    const latest = view.stalls.slice(-STALLS_SHOWN).reverse();
    const data = latest.map((stall) => ({
      time: stall.at,
      severity: stall.severity,
      msg: sentence(stall),
      worker: stall.worker?.index,
      pid: stall.worker?.pid,
      ...fieldsOf(stall),
    }));
    json(response, 200, { object: 'list', data });
  },
};

const verdict = (defaults: Economics): Answer => ({
  want: { minutes: MINUTES_MAX, metrics: false },
  send: (response, view, request) => {
    const { searchParams } = new URL(request.url ?? '/', 'http://ops');
    const asked = settingsIn(searchParams, defaults);
    if (typeof asked === 'string') {
      json(response, 400, { error: { code: 'invalid_request', message: asked } });
      return;
    }
    const minutes = view.minutes.map((own) => own.slice(-asked.minutes));
    const report = verdictOf(minutes, asked.economics);
    if (request.headers.accept?.includes('application/json')) json(response, 200, report);
    else text(response, 'text/plain', `${report.summary}\n`);
  },
});

const live = (economics: Economics): Answer => ({
  want: { minutes: VERDICT_MINUTES, metrics: false },
  send: (response, view) => {
    const hour = verdictOf(view.minutes, economics);
    json(response, 200, {
      loop: { age_ms: view.loop.ageMs, blocked_ms: view.loop.blockedMs },
      inflight: view.inflight,
      live: view.live,
      unknown: view.unknown,
      checks: view.checks,
      checks_age_ms: view.checksAgeMs,
      points: view.points,
      culprits: hour.culprits,
      verdict: { finding: hour.finding, advice: hour.advice, summary: hour.summary },
      stalls: view.stalls
        .slice(-20)
        .reverse()
        .map((stall) => ({
          at: stall.at,
          msg: sentence(stall),
          severity: stall.severity,
          cause: stall.cause,
          phase: stall.phase,
        })),
    });
  },
});

export const serveOps = (options: OpsServerOptions): void => {
  const { host, port, economics, secret } = options;
  const open: Readonly<Record<string, Answer>> = { '/livez': livez, '/readyz': readyz };
  const closed: Readonly<Record<string, Answer>> = {
    '/metrics': metrics,
    '/stalls': stalls,
    '/verdict': verdict(economics),
    '/live': live(economics),
  };

  const mayReadMore = (request: IncomingMessage, { keyHashes }: View): boolean => {
    const key = options.protect ? keyIn(request) : '';
    return key === '' || (key !== undefined && keyHashes.includes(hashOf(key)));
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url?.split('?')[0] ?? '/';
    const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      json(response, 405, { error: { code: 'method_not_allowed', message: 'The ops port is only read.' } });
      return;
    }
    if (page) {
      text(response, page.type, readFileSync(page.file, 'utf8'), PAGE_HEADERS);
      return;
    }
    if (path === '/view' && secret !== undefined && keyIn(request) === secret) {
      json(response, 200, await options.view(wantIn(request)));
      return;
    }
    const isOpen = Object.hasOwn(open, path);
    const known = isOpen ? open[path] : Object.hasOwn(closed, path) ? closed[path] : undefined;
    // Who may not read is not worth the work of the whole.
    if (!isOpen && !mayReadMore(request, await options.view(HEALTH)))
      json(response, 401, {
        error: { code: 'unauthenticated', message: 'Send an on-call key (ok_…) as a Bearer token.' },
      });
    else if (known) known.send(response, await options.view(known.want), request);
    else {
      const message = `There are /, ${[...Object.keys(open), ...Object.keys(closed)].join(', ')}.`;
      json(response, 404, { error: { code: 'route_not_found', message } });
    }
  };

  const server = createServer((request, response) => void answer(request, response));
  server.on('error', (error) => options.onError(error.message));
  server.listen(port, host, () => {
    const address = server.address();
    options.onListening(`http://${host}:${typeof address === 'object' && address ? address.port : port}`);
  });
};

const keyIn = ({ headers }: IncomingMessage): string | undefined =>
  /^Bearer +(\S{1,200})$/i.exec(headers.authorization ?? '')?.[1];

/** As the process that adds up several asks for it. */
const wantIn = (request: IncomingMessage): Want => {
  const { searchParams } = new URL(request.url ?? '/', 'http://ops');
  return { minutes: Number(searchParams.get('minutes')), metrics: searchParams.get('metrics') === '1' };
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

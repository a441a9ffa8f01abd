/**
 * The ops port, which answers whatever the main thread does: the ops thread serves it from what that knows, and of several
 * processes the first one does, from what their ops threads say (fleet.ts).
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import { isLocalHost, urlOf } from '../address.ts';
import { fieldsOf, sentenceOf } from './line.ts';
import { economicsOf, type CheckState, type Economics, type ToldEconomics } from './ops.ts';
import { openRunbook, runbookAt, type Runbook } from './runbook.ts';
import { storyOf } from './story.ts';
import { verdictOf } from './verdict.ts';
import { HEALTH, metricsText, type View, type Want } from './view.ts';

export interface OpsServerOptions {
  readonly host: string;
  readonly port: number;
  readonly protect: boolean;
  /** What it costs, where that was told. */
  readonly economics: ToldEconomics | undefined;
  /** Asked for each answer. */
  readonly view: (want: Want) => Promise<View>;
  /** Who knows it may read the view as it is, at /view. */
  readonly secret: string | undefined;
  /** Where alerts lead; the runbook of this port where it is left out. */
  readonly runbookUrl?: string | undefined;
}

export interface OpsServer {
  readonly url: string;
  /** Cuts off who is being answered. */
  readonly close: () => Promise<void>;
}

const STALLS_SHOWN = 100;
const STALLS_LIVE = 20;
/** Of the last five minutes: all that are remembered. */
const STALLS_JUDGED = 500;
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
  '/style.css': { type: 'text/css', file: join(here, '../../pages/style.css') },
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

interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const json = (status: number, value: object): Reply => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});
const failure = (status: number, code: string, message: string): Reply => json(status, { error: { code, message } });
const text = (type: string, body: string): Reply => ({ status: 200, type, body });

type SeenStall = View['stalls'][number];
const sentence = (stall: SeenStall): string =>
  stall.worker ? `${sentenceOf(stall)}, in worker ${stall.worker.index} (pid ${stall.worker.pid})` : sentenceOf(stall);
const latestFirst = (stalls: View['stalls'], count: number): SeenStall[] => stalls.slice(-count).reverse();
/** Those of whom the answer knows nothing. */
const silentIn = ({ silent }: View): object[] => silent.map(({ index, pid }) => ({ worker: index, pid }));

/** What has to be known for it, and how that is shown. */
interface Answer {
  readonly want: Want;
  readonly show: (view: View) => Reply | Promise<Reply>;
}
/** The error says what is wrong with the address. */
type Route = (request: IncomingMessage) => Result<Answer, string>;

const livez: Route = () =>
  ok({
    want: HEALTH,
    show: ({ loop: { ageMs, blockedMs } }) =>
      json(200, { status: 'alive', event_loop_age_ms: Math.round(ageMs), blocked_ms: Math.round(blockedMs) }),
  });

/** What is degraded gets requests still: each that needs what is missing is told so by its own answer. */
const READINESS: Readonly<Record<CheckState, string>> = { ok: 'ready', degraded: 'degraded', bad: 'not ready' };
const worstOf = (checks: View['checks']): CheckState => {
  const states = new Set(Object.values(checks).map(({ state }) => state));
  return states.has('bad') ? 'bad' : states.has('degraded') ? 'degraded' : 'ok';
};

const readyz: Route = () =>
  ok({
    want: { ...HEALTH, fresh: true },
    show: ({ checks, checksAgeMs }) => {
      const state = worstOf(checks);
      const shown: Record<string, object> = {};
      for (const [name, check] of Object.entries(checks)) shown[name] = { ok: check.state === 'ok', ...check };
      const age = Math.round(checksAgeMs);
      return json(state === 'bad' ? 503 : 200, { status: READINESS[state], age_ms: age, checks: shown });
    },
  });

const metrics: Route = () =>
  ok({
    want: { ...HEALTH, metrics: true },
    show: async (view) => text('text/plain; version=0.0.4', await metricsText(view.metrics)),
  });

const stalls: Route = () =>
  ok({
    want: { ...HEALTH, stalls: STALLS_SHOWN },
    show: (view) => {
      const data = latestFirst(view.stalls, STALLS_SHOWN).map((stall) => ({
        time: stall.at,
        severity: stall.severity,
        msg: sentence(stall),
        worker: stall.worker?.index,
        pid: stall.worker?.pid,
        ...fieldsOf(stall),
      }));
      return json(200, { object: 'list', data, silent: silentIn(view) });
    },
  });

const verdict =
  (told: ToldEconomics | undefined): Route =>
  (request) =>
    settingsIn(queryOf(request), told).map(({ minutes, economics }) => ({
      want: { ...HEALTH, minutes },
      show: (view) => {
        const report = verdictOf(view.minutes, economics);
        if (request.headers.accept?.includes('application/json'))
          return json(200, { ...report, silent: silentIn(view) });
        const silent = view.silent.map(
          ({ index, pid }) => `Worker ${index} (pid ${pid}) does not answer: what it saw is missing here.\n`,
        );
        return text('text/plain', `${report.summary}\n${silent.join('')}`);
      },
    }));

const live =
  (told: ToldEconomics | undefined, sentences: Runbook['sentences']): Route =>
  () =>
    ok({
      want: { minutes: VERDICT_MINUTES, stalls: STALLS_JUDGED, points: true, metrics: false, fresh: true },
      show: (view) => {
        const hour = verdictOf(view.minutes, reckonedBy(told));
        return json(200, {
          loop: { age_ms: view.loop.ageMs, blocked_ms: view.loop.blockedMs },
          inflight: view.inflight,
          live: view.live,
          unknown: view.unknown,
          contradictions: view.contradictions,
          console_url: view.consoleUrl,
          checks: view.checks,
          checks_age_ms: view.checksAgeMs,
          points: view.points,
          marks: view.marks,
          processes: view.processes,
          silent: silentIn(view),
          story: storyOf(view, sentences, Date.now()),
          culprits: hour.culprits,
          verdict: { finding: hour.finding, advice: hour.advice, summary: hour.summary },
          stalls: latestFirst(view.stalls, STALLS_LIVE).map((stall) => ({
            at: stall.at,
            msg: sentence(stall),
            severity: stall.severity,
            cause: stall.cause,
            phase: stall.phase,
          })),
        });
      },
    });

const pageTexts = new Map<string, string>();
/** Read when it is first asked for, and kept. */
const pageText = async (file: string): Promise<string> => {
  const page = pageTexts.get(file) ?? (await readFile(file, 'utf8'));
  pageTexts.set(file, page);
  return page;
};

/** Listens. An answer that fails is a 500, and ends nothing. Errors: why it could not listen, in one line. */
export const serveOps = (options: OpsServerOptions): ResultAsync<OpsServer, string> => {
  const { host, port, economics, secret } = options;
  let ownUrl = `http://localhost:${port}`;
  const runbook = openRunbook(
    () => options.runbookUrl ?? runbookAt(ownUrl),
    () => ownUrl,
  );
  const open: Readonly<Record<string, Route>> = { '/livez': livez, '/readyz': readyz };
  const closed: Readonly<Record<string, Route>> = {
    '/metrics': metrics,
    '/stalls': stalls,
    '/verdict': verdict(economics),
    '/live': live(economics, runbook.sentences),
  };

  const documents: Readonly<Record<string, () => Reply>> = {
    '/runbook': () => ({ ...text('text/html', runbook.page()), headers: PAGE_HEADERS }),
    '/rules.yml': () => text('text/yaml', runbook.rules()),
    '/dashboard.json': () => text('application/json', runbook.dashboard()),
  };

  /** Why this page is not for them, if it is not. */
  const refusalOf = (request: IncomingMessage, { keyHashes }: View): Reply | undefined => {
    if (!options.protect) return undefined;
    if (!keyHashes)
      return failure(503, 'not_ready', 'No worker answers, or none has been told yet who may read this: see /readyz.');
    const key = keyIn(request);
    // Anyone knows the demo's key: a page that has lead a name of its own here (DNS rebinding) must not use it.
    if (key?.endsWith('_test_demo') === true && !isLocalHost(request.headers.host))
      return failure(401, 'unauthenticated', 'The demo key works only by a name of this machine.');
    if (key !== undefined && keyHashes.includes(hashOf(key))) return undefined;
    return failure(401, 'unauthenticated', 'Send an on-call key (ok_…) as a Bearer token.');
  };

  const replyTo = async (request: IncomingMessage): Promise<Reply> => {
    const path = request.url?.split('?')[0] ?? '/';
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return failure(405, 'method_not_allowed', 'The ops port is only read.');
    const page = Object.hasOwn(PAGES, path) ? PAGES[path] : undefined;
    if (page) return { ...text(page.type, await pageText(page.file)), headers: PAGE_HEADERS };
    const document = Object.hasOwn(documents, path) ? documents[path] : undefined;
    if (document) return document();
    if (path === '/view' && secret !== undefined && keyIn(request) === secret)
      return json(200, await options.view(wantIn(queryOf(request))));
    const isOpen = Object.hasOwn(open, path);
    // Who may not read is not worth the work of the whole.
    const refusal = isOpen ? undefined : refusalOf(request, await options.view(HEALTH));
    if (refusal) return refusal;
    const route = isOpen ? open[path] : Object.hasOwn(closed, path) ? closed[path] : undefined;
    if (!route) {
      const message = `There are /, ${[open, closed, documents].flatMap((some) => Object.keys(some)).join(', ')}.`;
      return failure(404, 'route_not_found', message);
    }
    return route(request).match(
      async ({ want, show }) => show(await options.view(want)),
      (message) => Promise.resolve(failure(400, 'invalid_request', message)),
    );
  };

  const server = createServer((request, response) => {
    void replyTo(request)
      .catch((error: unknown) => failure(500, 'internal', `This could not be answered: ${reasonOf(error)}`))
      .then(({ status, type, body, headers }) => {
        response.writeHead(status, {
          'Content-Type': `${type}; charset=utf-8`,
          'Cache-Control': 'no-store',
          ...headers,
        });
        response.end(body);
      });
  });
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return ResultAsync.fromPromise(
    new Promise<OpsServer>((resolve, reject) => {
      // Not only until it listens: a connection that could not be accepted is an error of the server too.
      server.on('error', reject);
      server.listen(port, host, () => {
        const address = server.address();
        const url = urlOf(host, typeof address === 'object' && address ? address.port : port);
        ownUrl = url;
        resolve({ url, close });
      });
    }),
    messageOf,
  );
};

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A system error's message has a path of this machine, and whoever reaches the port may read it: its code says enough. */
const reasonOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : messageOf(error);

const keyIn = ({ headers }: IncomingMessage): string | undefined =>
  /^Bearer +(\S{1,200})$/i.exec(headers.authorization ?? '')?.[1];

const hashOf = (key: string): string => createHash('sha256').update(key).digest('base64');

const queryOf = ({ url }: IncomingMessage): URLSearchParams => new URL(url ?? '/', 'http://ops').searchParams;

/** How the process that adds up several asks each for its part, at `/view`. */
export const wantQuery = ({ minutes, stalls, points, metrics, fresh }: Want): string =>
  `minutes=${minutes}&stalls=${stalls}&points=${Number(points)}&metrics=${Number(metrics)}&fresh=${Number(fresh)}`;

const wantIn = (query: URLSearchParams): Want => ({
  minutes: Number(query.get('minutes')),
  stalls: Number(query.get('stalls')),
  points: query.get('points') === '1',
  metrics: query.get('metrics') === '1',
  fresh: query.get('fresh') === '1',
});

const ECONOMICS = {
  instances: 'instances',
  instance_usd: 'instanceUsdMonth',
  rewrite_usd: 'rewriteUsd',
  speedup: 'rewriteSpeedup',
} as const;
/** Nobody runs a larger bill on this page. */
const AMOUNT_MAX = 1e9;

/** Where nothing is told, nothing is reckoned. */
const reckonedBy = (told: ToldEconomics = {}): Economics | undefined =>
  Object.keys(told).length === 0 ? undefined : economicsOf(told);

/** What the address asks for. The error is a sentence. */
const settingsIn = (
  query: URLSearchParams,
  told: ToldEconomics | undefined,
): Result<{ readonly minutes: number; readonly economics: Economics | undefined }, string> => {
  const economics: Partial<Record<keyof ToldEconomics, number>> = {};
  let minutes = VERDICT_MINUTES;
  for (const [name, value] of query) {
    const amount = /^\d{1,10}(\.\d{1,4})?$/.test(value) ? Number(value) : NaN;
    if (name === 'minutes') minutes = amount;
    else if (Object.hasOwn(ECONOMICS, name)) economics[ECONOMICS[name as keyof typeof ECONOMICS]] = amount;
    else
      return err(
        `There is no ${JSON.stringify(name.slice(0, 40))}; there are minutes, ${Object.keys(ECONOMICS).join(', ')}.`,
      );
    if (!(amount > 0 && amount <= AMOUNT_MAX)) return err(`${name} takes a number above 0.`);
  }
  return minutes >= 1 && minutes <= MINUTES_MAX
    ? ok({ minutes, economics: reckonedBy({ ...told, ...economics }) })
    : err(`minutes takes 1 to ${MINUTES_MAX}.`);
};

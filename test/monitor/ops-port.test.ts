import { createHash } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Counter, Registry } from 'prom-client';
import { serveFleet, type Member } from '../../src/monitor/fleet.ts';
import type { Check, MetricJson } from '../../src/monitor/ops.ts';
import { serveOps } from '../../src/monitor/ops-server.ts';
import { createStallMetrics } from '../../src/monitor/stall-metrics.ts';
import type { Stall } from '../../src/monitor/sample.ts';
import { addUp, type View } from '../../src/monitor/view.ts';
import { afterSuite } from '../support/cleanup.ts';
import { sendRaw } from '../support/raw.ts';
import { until } from '../support/until.ts';

const KEY = 'ok_of_on_call';
const SECRET = 'what-the-first-process-knows';

const viewWith = (different: Partial<View> = {}): View => ({
  loop: { ageMs: 1, blockedMs: 0 },
  inflight: 0,
  live: undefined,
  checks: { event_loop: { state: 'ok', detail: 'came round 1 ms ago' } },
  checksAgeMs: 0,
  keyHashes: [createHash('sha256').update(KEY).digest('base64')],
  unknown: undefined,
  contradictions: [],
  consoleUrl: undefined,
  stalls: [],
  points: [],
  marks: [],
  processes: [],
  minutes: [[]],
  metrics: [],
  silent: [],
  ...different,
});

interface Told {
  readonly status: number;
  readonly text: string;
}
const ask = async (url: string, headers: Record<string, string> = {}): Promise<Told> => {
  const reply = await fetch(url, { headers: { Authorization: `Bearer ${KEY}`, ...headers } });
  return { status: reply.status, text: await reply.text() };
};

const startOps = async (view: () => Promise<View>): Promise<string> => {
  const options = { host: '127.0.0.1', port: 0, protect: true, economics: undefined, secret: SECRET };
  const { url, close } = (await serveOps({ ...options, view }))._unsafeUnwrap();
  afterSuite(close);
  return url;
};

const startFleet = async (members: () => readonly Member[], count = 2): Promise<string> => {
  const options = { host: '127.0.0.1', port: 0, secret: SECRET };
  const { url, close } = (await serveFleet({ ...options, count, members }))._unsafeUnwrap();
  afterSuite(close);
  return url;
};

/** Another program where a worker's part of the ops port should be. */
const startWorker = async (index: number, listener: RequestListener): Promise<Member> => {
  const server = createServer(listener);
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  afterSuite(
    () =>
      new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  );
  return { index, pid: 100 + index, opsUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
};
const answering =
  (view: () => Promise<View>): RequestListener =>
  (_request, response) =>
    void view().then((seen) => response.end(JSON.stringify(seen)));
const NEVER: RequestListener = () => undefined;

describe('the ops port', () => {
  it('answers 500 where an answer fails, and goes on', async () => {
    let fails = true;
    const url = await startOps(() =>
      fails ? Promise.reject(new Error('no file is left')) : Promise.resolve(viewWith()),
    );
    const failed = await ask(`${url}/livez`);
    expect(failed.status).toBe(500);
    expect(failed.text).toContain('no file is left');
    fails = false;
    expect((await ask(`${url}/livez`)).status).toBe(200);
  });

  it('tells nobody a path of the machine', async () => {
    const error = Object.assign(new Error("ENOENT: no such file, open '/srv/page/live.js'"), { code: 'ENOENT' });
    const { status, text } = await ask(`${await startOps(() => Promise.reject(error))}/livez`);
    expect(status).toBe(500);
    expect(text).toContain('ENOENT');
    expect(text).not.toContain('/srv');
  });

  it('shows its view to who knows the secret, and to nobody else', async () => {
    const url = await startOps(() => Promise.resolve(viewWith()));
    const view = (key: string): Promise<Told> => ask(`${url}/view`, { Authorization: `Bearer ${key}` });
    expect((await view('another')).status).toBe(401);
    expect((await view(KEY)).status).toBe(404);
    expect(JSON.parse((await view(SECRET)).text)).toMatchObject({ checksAgeMs: 0 });
  });
});

describe('the demo key, which anybody knows', () => {
  it.each([
    ['localhost:3001', 200],
    ['127.0.0.1:3001', 200],
    ['[::1]:3001', 200],
    ['evil.example:3001', 401],
    ['localhost.evil.example', 401],
  ])('opens the ops port by a name of this machine alone: Host: %s', async (host, status) => {
    const keyHashes = [createHash('sha256').update('ok_test_demo').digest('base64')];
    const url = await startOps(() => Promise.resolve(viewWith({ keyHashes })));
    const request = `GET /stalls HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nAuthorization: Bearer ok_test_demo\r\n\r\n`;
    expect(await sendRaw(url, request)).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });
});

describe('the runbook', () => {
  const get = async (url: string): Promise<string> => (await fetch(url)).text();

  it('is a page of the ops port, for anybody, with a place for each heading that an alert leads to', async () => {
    const url = await startOps(() => Promise.resolve(viewWith()));
    const page = await get(`${url}/runbook`);
    // Its commands are to be pasted.
    expect(page).toContain(`curl -s ${new URL(url).host}/readyz`);
    expect(page).not.toContain('localhost:3001');
    const rules = await get(`${url}/rules.yml`);
    const targets = [...rules.matchAll(/runbook_url: (\S+)#([\w-]+)/g)];
    expect(targets.length).toBeGreaterThan(8);
    for (const [, address, heading] of targets) {
      expect(address).toBe(`${url}/runbook`);
      expect(page).toContain(`id="${heading}"`);
    }
    expect(JSON.parse(await get(`${url}/dashboard.json`))).toMatchObject({ links: [{ url: `${url}/runbook` }] });
  });

  it('may be elsewhere: alerts lead there then', async () => {
    const own = 'https://wiki.example/quittance';
    const options = { host: '127.0.0.1', port: 0, protect: true, economics: undefined, secret: undefined };
    const server = await serveOps({ ...options, runbookUrl: own, view: () => Promise.resolve(viewWith()) });
    const { url, close } = server._unsafeUnwrap();
    afterSuite(close);
    expect(await get(`${url}/rules.yml`)).toContain(`runbook_url: ${own}#wedged`);
  });
});

describe("the page's story", () => {
  interface Live {
    readonly story: readonly {
      readonly level: string;
      readonly what: string;
      readonly heading: string;
      readonly sentence: string;
    }[];
  }
  const storyWith = async (different: Partial<View>): Promise<Live['story']> => {
    const url = await startOps(() => Promise.resolve(viewWith(different)));
    return (JSON.parse((await ask(`${url}/live`)).text) as Live).story;
  };
  const checks = (name: string, state: Check['state']): Partial<View> => ({
    checks: { [name]: { state, detail: 'so it is' } },
  });

  it('is nothing where nothing is wrong', async () => expect(await storyWith({})).toEqual([]));

  it.each([
    ['stripe', 'degraded', 'red', 'provider_unavailable'],
    ['database', 'bad', 'red', 'database_unavailable'],
    ['unknown_outcomes', 'degraded', 'amber', 'unknown-outcomes'],
    ['worker_1_database', 'bad', 'red', 'database_unavailable'],
    ['worker_1', 'bad', 'red', 'workers'],
    ['stripe_webhooks', 'degraded', 'amber', 'stripe-webhooks'],
    ['books', 'degraded', 'red', 'ledger'],
    ['jobs', 'degraded', 'amber', 'jobs'],
  ] as const)('says of the check %s (%s) in %s what the runbook says under %s', async (name, state, level, heading) => {
    const [trouble, ...more] = await storyWith(checks(name, state));
    expect(more).toEqual([]);
    expect(trouble).toMatchObject({ level, heading });
    expect(trouble?.sentence.length).toBeGreaterThan(40);
  });

  it('has the worst first', async () => {
    const story = await storyWith({
      checks: {
        unknown_outcomes: { state: 'degraded', detail: '3' },
        database: { state: 'bad', detail: 'none' },
      },
      loop: { ageMs: 900, blockedMs: 900 },
    });
    expect(story.map(({ level }) => level)).toEqual(['red', 'amber', 'amber']);
    expect(story[0]?.heading).toBe('database_unavailable');
  });

  it('tells of a loop that is blocked once, by how long, and not by its check as well', async () => {
    const blocked = { ...checks('event_loop', 'bad'), loop: { ageMs: 3_000, blockedMs: 3_000 } };
    expect((await storyWith(blocked)).map(({ what }) => what)).toEqual(['The event loop has been blocked for 3.0 s']);
  });

  it('calls nothing broken that is late, and tells of more than can be served before all that it makes late', async () => {
    const point = { t: 1, lagMs: 1, gcMs: 0, utilisation: 1, inflight: 9, stallMs: 0, databaseMs: 1, stripeMs: 0 };
    const late = { state: 'degraded' as const, detail: 'answered in 300 ms' };
    const story = await storyWith({
      checks: { database: late, writes: late, requests: late, event_loop: late },
      points: [{ ...point, shed: 40 }],
    });
    expect(story.map(({ what }) => what)).toEqual([
      'Requests are refused: more come than can be served',
      'The database answers late',
      'Writes are slow',
    ]);
  });

  it('has of past stalls first the cause that took most', async () => {
    const stallOf = (cause: Stall['cause'], durationMs: number): Stall => ({
      ...{
        id: cause,
        at: new Date().toISOString(),
        phase: 'ended',
        durationMs,
        kind: 'turn',
        cause,
        confidence: 'low',
      },
      ...{ severity: 'warn', onCpuRatio: 1, runqRatio: 0, gcMs: 0, route: undefined, method: undefined },
      ...{ requestId: undefined, frame: undefined, frames: [], afterNativeCall: false, fingerprint: cause },
      ...{ heapUsedBytes: undefined, heapLimitBytes: undefined, inflight: 0, elu: undefined },
    });
    const story = await storyWith({
      stalls: [stallOf('throttled', 120), stallOf('starved', 1_000), stallOf('gc', 500), stallOf('cpu', 1_200)],
    });
    // What others had of the machine for a tenth of a second is no trouble.
    expect(story.map(({ heading }) => heading)).toEqual(['cpu', 'starved', 'gc']);
  });
});

const thingsIn = (text: string): number => Number(/^things_total (\d+)$/m.exec(text)?.[1]);
const things = async (count: number): Promise<readonly MetricJson[]> => {
  const registry = new Registry();
  new Counter({ name: 'things_total', help: 'Things.', registers: [registry] }).inc(count);
  return registry.getMetricsAsJSON();
};

describe('the ops port of several processes', () => {
  it.each(['no JSON', '', '{}', '[]', 'null'])('takes a worker that says %j for one that is silent', async (said) => {
    const worker = await startWorker(0, (_request, response) => void response.end(said));
    const url = await startFleet(() => [worker]);
    const { status, text } = await ask(`${url}/readyz`);
    expect(status).toBe(503);
    expect(JSON.parse(text)).toMatchObject({ checks: { worker_0: { ok: false, detail: 'pid 100 does not answer' } } });
  });

  it('refuses no key where no worker answers: it says that', async () => {
    const url = await startFleet(() => []);
    const { status, text } = await ask(`${url}/metrics`);
    expect(status).toBe(503);
    expect(text).toContain('No worker answers');
    expect((await ask(`${url}/readyz`)).text).toContain('none runs');
    expect((await ask(`${url}/livez`)).status).toBe(200);
  });

  it('says which workers do not answer, and how many', async () => {
    const stallMetrics = createStallMetrics(
      () => 0,
      () => 0,
      true,
    );
    const view = async (): Promise<View> => viewWith({ metrics: await stallMetrics.json() });
    const workers = [await startWorker(0, answering(view)), await startWorker(1, NEVER)];
    const url = await startFleet(() => workers, 3);
    const silent = [{ worker: 1, pid: 101 }];
    expect(JSON.parse((await ask(`${url}/stalls`)).text)).toMatchObject({ data: [], silent });
    expect(JSON.parse((await ask(`${url}/verdict`, { Accept: 'application/json' })).text)).toMatchObject({ silent });
    expect((await ask(`${url}/verdict`)).text).toContain('Worker 1 (pid 101) does not answer');
    const { text } = await ask(`${url}/metrics`);
    for (const state of ['answers', 'silent', 'missing'])
      expect(text).toContain(`quittance_workers{state="${state}"} 1`);
  });

  it('tells on the page of one that ended, until another takes its place, and when that was', async () => {
    const workers = [
      await startWorker(
        0,
        answering(() => Promise.resolve(viewWith())),
      ),
      await startWorker(
        1,
        answering(() => Promise.resolve(viewWith())),
      ),
    ];
    let members = workers;
    const url = await startFleet(() => members);
    const live = async (): Promise<{ story: { what: string; detail: string }[]; marks: { what: string }[] }> =>
      JSON.parse((await ask(`${url}/live`)).text) as Awaited<ReturnType<typeof live>>;
    expect((await live()).story).toEqual([]);
    // Long enough for it to be known to have run.
    await new Promise((settle) => setTimeout(settle, 1_100));
    members = workers.slice(0, 1);
    await until(async () => (await live()).marks.some(({ what }) => what === 'worker 1: ended, pid 101'));
    expect((await live()).story).toMatchObject([
      { what: 'A process is missing', detail: '1 of 2 ended, and what takes its place does not serve yet' },
    ]);
    expect((await ask(`${url}/readyz`)).status).toBe(200);
    members = workers;
    await until(async () => (await live()).story.length === 0);
  });

  it('asks each worker once, however many ask at once', async () => {
    let asked = 0;
    const worker = await startWorker(0, (request, response) => {
      if (request.url?.includes('metrics=1')) asked++;
      answering(() => Promise.resolve(viewWith()))(request, response);
    });
    const url = await startFleet(() => [worker]);
    await Promise.all(Array.from({ length: 5 }, () => ask(`${url}/metrics`)));
    expect(asked).toBe(1);
  });

  it('forgets nothing that a worker counted which ends while another is still asked', async () => {
    let [ofFirst, ofSecond, isEnding] = [3, 1, false];
    let members: readonly Member[] = [];
    const first = await startWorker(
      0,
      answering(async () => viewWith({ metrics: await things(ofFirst) })),
    );
    const second = await startWorker(1, (request, response) => {
      // Both were asked: the first one answers too, and is gone when the answers are added up.
      if (isEnding && request.url?.includes('metrics=1')) members = [second];
      answering(async () => viewWith({ metrics: await things(ofSecond) }))(request, response);
    });
    members = [first, second];
    const url = await startFleet(() => members);
    const sum = async (): Promise<number> => thingsIn((await ask(`${url}/metrics`)).text);
    expect(await sum()).toBe(4);
    [ofFirst, isEnding] = [5, true];
    await until(async () => (await sum()) === 6);
    ofSecond = 2;
    await until(async () => (await sum()) === 7);
  });
});

describe('points of several processes', () => {
  const point = (t: number): View['points'][number] => ({
    t,
    lagMs: t,
    gcMs: 0,
    utilisation: 0,
    inflight: 1,
    shed: 0,
    stallMs: 0,
    databaseMs: 0,
    stripeMs: 0,
  });
  const of = (...processes: number[][]): View['points'] =>
    addUp(
      processes.map((seconds, index) => ({ index, pid: index, view: viewWith({ points: seconds.map(point) }) })),
      [],
    ).points;

  it('end with the last second of which each has told', () =>
    expect(of([1, 2], [1, 2, 3]).map(({ t, inflight }) => [t, inflight])).toEqual([
      [1, 2],
      [2, 2],
    ]));

  it('wait for no process that has none yet', () => expect(of([1, 2], []).map(({ t }) => t)).toEqual([1, 2]));
});

/**
 * The proofs of `npm run proof:stalls` in short, against an application in a process of its own. A machine that runs
 * other tests may starve it, and then the monitor says so: what is asserted holds there too.
 */
import { describe, expect, it, jest } from '@jest/globals';
import { CAUSES, injectOnce, storm, suspensions, wedge, type Injected } from '../proof/stalls/proofs.ts';
import { startSubject, type Subject } from '../proof/stalls/subject.ts';
import { afterSuite } from '../support/cleanup.ts';
import { sendRaw } from '../support/raw.ts';
import { until } from '../support/until.ts';

// A machine that stands still while a stack is taken leaves none: what is asserted is of the machine's own time.
jest.retryTimes(3, { logErrorsBeforeRetry: true });

const HOST = ['starved', 'throttled', 'mixed'];

const start = async (env: Record<string, string> = {}): Promise<Subject> => {
  const subject = await startSubject({ env });
  afterSuite(subject.stop);
  return subject;
};
const toldOf = ({ told }: Injected): NonNullable<Injected['told']> => {
  if (!told) throw new Error('nothing was said of this stall');
  return told;
};

describe('a blocked event loop', () => {
  let subject: Subject;
  const prepared = async (): Promise<Subject> => {
    if (!(subject as Subject | undefined)) {
      subject = await start();
      await subject.get('/prepare/parse?records=600000');
      await subject.get('/prepare/heap?objects=300000');
    }
    return subject;
  };

  it.each(Object.keys(CAUSES).flatMap((kind) => [[kind, 'block'] as const, [kind, 'later'] as const]))(
    'by %s (%s) is told with its route, its function, and a cause that is true',
    async (kind, place) => {
      const injected = await injectOnce(await prepared(), kind, place, 200);
      const told = toldOf(injected);
      expect(told['http.route']).toBe(`/${place}/${kind}/:id`);
      expect(told['code.stacktrace']).toContain('test/proof/stalls/app.ts');
      expect([CAUSES[kind], ...HOST]).toContain(told['stall.cause']);
    },
  );

  it('is blamed on the right one of two requests that came at once on one connection', async () => {
    const { apiUrl, stalls } = await prepared();
    const before = new Set((await stalls()).map((stall) => stall['stall.id']));
    const ask = (path: string, connection: string): string =>
      `GET ${path}?ms=150 HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\n\r\n`;
    await sendRaw(apiUrl, ask('/later/regex/1', 'keep-alive') + ask('/work/2', 'close'));
    const routes = async (): Promise<(string | undefined)[]> =>
      (await stalls())
        .filter((stall) => stall['stall.phase'] === 'ended' && !before.has(stall['stall.id']))
        .map((stall) => stall['http.route']);
    await until(async () => (await routes()).includes('/work/:id'));
    await until(async () => (await routes()).includes('/later/regex/:id'));
  });

  it('is told of on the ops port by every page that shows it', async () => {
    const { ops } = await prepared();
    expect((await ops('/')).text).toContain('Quittance');
    expect((await ops('/live')).text).toContain('"culprits"');
    expect((await ops('/verdict')).text).toContain('Stalls by cause');
    expect((await ops('/metrics')).text).toContain('quittance_event_loop_stall_seconds_total{cause=');
    expect((await ops('/verdict?minutes=0')).status).toBe(400);
    expect((await ops('/nothing')).status).toBe(404);
  });

  it('is told while it is blocked, by a process that never comes back', async () => {
    const figures = await wedge(3_000);
    expect(figures.line).toContain('by GET /wedge');
    // On a busy machine the first thing that is true of it may be that others have its core.
    const [, cause = ''] = /^http:\/\/127\.0\.0\.1:\d+\/runbook#(\w+)$/.exec(figures.runbookUrl ?? '') ?? [];
    expect(['unknown', ...HOST]).toContain(cause);
    expect(figures.runbook).toContain(`id="${cause}"`);
    expect(figures).toMatchObject({ livez: 200, readyz: 503 });
    expect(figures.inProgressSeconds).toBeGreaterThan(1);
  });

  it('is counted each time and told seldom', async () => {
    const figures = await storm(40);
    expect(figures.metric).toBeGreaterThanOrEqual(40);
    expect(figures.lines).toBeLessThanOrEqual(10);
  });
});

describe('a suspended process', () => {
  it('blames no code', async () => {
    const figures = await suspensions(4, 7);
    expect(figures.causes['suspended']).toBeGreaterThanOrEqual(4);
    expect(figures.blamed).toEqual([]);
  });
});

describe('a platform on which no stack can be taken', () => {
  it('is told of once, and stalls are told without a route', async () => {
    const bare = await start({ SENTRY_STACK_TRACE_BINARY_PATH: '/there/is/none.node' });
    const told = toldOf(await injectOnce(bare, 'loop', 'block', 200));
    expect(told['stall.confidence']).toBe('low');
    expect(told['http.route']).toBeUndefined();
    expect(await bare.metric('quittance_stack_capture_available')).toBe(0);
  });
});

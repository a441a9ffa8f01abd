/**
 * `npm run proof:stalls`: what the monitor has to show, in processes of its own, with a control for each mechanism: the
 * same without it must fail.
 */
import { join } from 'node:path';
import { commandWords, count as countOf, oneOf } from '../../scripts/command-line.ts';
import { hogs, matrix, storm, suspensions, throttle, wedge, type MatrixFigures } from './stalls/proofs.ts';
import { overhead, overload, verdicts } from './stalls/service-proofs.ts';
import type { SubjectOptions } from './stalls/subject.ts';

const HELP = `npm run proof:stalls -- [NAME …] [options]: without a name, all of them, which takes half an hour

  matrix      random stalls of each kind under load: none missed; duration, route and cause right
  controls    the same with one mechanism after the other taken out: it must fail
  suspended   SIGSTOP and SIGCONT, idle and busy, with and without an inspector: no line blames code
  hog         others compute on the same core: no code is blamed
  throttled   a CPU quota of 10 %: no code is blamed
  wedge       while (true) in a handler: named at once, alive, not ready
  storm       ten stalls a second: few lines, every one counted
  overhead    the monitor switched on and off under full load
  overload    three times the capacity, and what is left of the service
  verdicts    three services with one thing wrong with each

  --count N      how many stalls, stops or pairs
  --seed 1       what the matrix and the stops are drawn from
  --seconds 20   how long hog, throttled, overload and verdicts last
  --ms-max 2000  the longest stall of the matrix
  --part NAME    overhead of one part alone: turns, gc, beat or context
  --of cheap     overhead of a request that is cheap (items and quotes), or of a debit
`;

const { values, words } = commandWords(HELP, {
  count: { type: 'string' },
  seed: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '20' },
  'ms-max': { type: 'string', default: '2000' },
  part: { type: 'string', default: '' },
  of: { type: 'string', default: 'cheap' },
});
const seed = countOf('seed', values.seed, 0);
const seconds = countOf('seconds', values.seconds);
const msMax = countOf('ms-max', values['ms-max'], 111);
const given = values.count === undefined ? undefined : countOf('count', values.count);
const count = (fallback: number): number => given ?? fallback;
const part = values.part === '' ? '' : oneOf('--part', values.part, ['turns', 'gc', 'beat', 'context']);

const of = oneOf('--of', values.of, ['cheap', 'debit'] as const);

/** One mechanism is taken out, or several, with commas between them. */
const without = (mechanism: string): SubjectOptions => ({
  env: { WITHOUT: mechanism },
  execArgv: ['--import', join(import.meta.dirname, 'stalls', 'without.ts')],
});

let failed = 0;
const check = (promise: string, holds: boolean, figures: object): void => {
  if (!holds) failed++;
  process.stdout.write(`${holds ? 'holds' : 'FAILS'}  ${promise}\n       ${JSON.stringify(figures)}\n`);
};

const matrixHolds = (f: MatrixFigures): boolean =>
  f.missed === 0 && f.withinError >= 0.99 && f.routeRight >= 0.99 && f.causeRight >= 0.99 && truthOfLines(f) >= 0.99;

const truthOfLines = ({ lines, falseLines }: MatrixFigures): number => 1 - falseLines.length / lines;

const PROOFS: Readonly<Record<string, () => Promise<void>>> = {
  matrix: async () => {
    // Every line is written, so that every line is judged.
    const figures = await matrix(count(1000), seed, msMax, without('dedup'));
    process.stdout.write([...figures.wrong, ...figures.falseLines].map((line) => `       ${line}\n`).join(''));
    console.table(figures.causes);
    // What several runs of fewer stalls each come to together is added up from these.
    const of = (share: number): string => String(Math.round(share * figures.injected));
    process.stdout.write(
      `       of ${String(figures.injected)}: missed ${String(figures.missed)}, duration right ${of(figures.withinError)}, ` +
        `route right ${of(figures.routeRight)}, cause right ${of(figures.causeRight)}; ` +
        `of ${String(figures.lines)} lines false ${String(figures.falseLines.length)}\n`,
    );
    check('stalls: none missed; duration, route and cause right', matrixHolds(figures), {
      ...figures,
      wrong: figures.wrong.length,
      falseLines: figures.falseLines.length,
      causes: undefined,
    });
  },
  controls: async () => {
    const N = count(20);
    const fails = async (mechanism: string, isBad: (figures: MatrixFigures) => boolean): Promise<void> => {
      const all = await matrix(N, seed, 400, without(mechanism));
      const figures = { ...all, wrong: all.wrong.length, causes: undefined };
      check(`without ${mechanism} the matrix fails`, isBad(all), figures);
    };
    await fails('turns', (f) => f.withinError < 0.9 || f.missed > 0);
    await fails('route', (f) => f.routeRight < 0.1);
    await fails('stack', (f) => f.functionRight < 0.1);
    await fails('gc', (f) => f.causeRight < 0.99);
    const blind = await hogs(4, 10, without('host'));
    check('without the host, its hogs are blamed on code', blind.blamed.length > 0, {
      ...blind,
      blamed: blind.blamed.length,
    });
    const slept = await suspensions(6, seed, without('slept'));
    check('without its own sleep, a suspension is blamed on others', (slept.causes['suspended'] ?? 0) < 6, slept);
    const silent = await wedge(3_000, without('watchdog'));
    check('without the watchdog a wedged process says nothing', silent.lineAfterMs === undefined, silent);
    const loud = await storm(100, without('dedup'));
    check('without dedup a storm is a storm of lines', loud.lines >= loud.injected, loud);
  },
  suspended: async () => {
    // Idle and busy, with and without an inspector, a quarter of them each.
    for (const [busy, inspector] of [false, true].flatMap((one) => [[one, false] as const, [one, true] as const])) {
      const figures = await suspensions(Math.ceil(count(200) / 4), seed, { ...without('dedup'), busy, inspector });
      const how = `${busy ? 'busy' : 'idle'}, ${inspector ? 'with' : 'without'} an inspector`;
      const holds = figures.blamed.length === 0 && figures.stalls >= figures.events;
      check(`SIGSTOP, ${how}: no stall and no line blamed on code`, holds, figures);
    }
  },
  hog: async () => {
    for (const others of [4, 8]) {
      const figures = await hogs(others, seconds);
      const holds = figures.blamed.length === 0 && (figures.causes['starved'] ?? 0) > 0;
      check(`${String(others)} others on the same core: none blamed on code`, holds, figures);
    }
  },
  throttled: async () => {
    const figures = await throttle(10, seconds);
    if (!figures) return void process.stdout.write('skipped: this machine lets no one make a cgroup\n');
    check(
      'a quota of 10 %: none blamed on code',
      figures.blamed.length === 0 && (figures.causes['throttled'] ?? 0) > 0,
      figures,
    );
  },
  wedge: async () => {
    const figures = await wedge(6_500);
    const holds = (figures.lineAfterMs ?? Infinity) <= 1_000 && figures.livez === 200 && figures.readyz === 503;
    check('while(true): named within 1 s, alive, not ready', holds, { ...figures, runbook: undefined });
  },
  storm: async () => {
    const figures = await storm(count(3000));
    check(
      'a storm: few lines, every stall counted',
      figures.lines <= 30 && figures.metric >= figures.injected,
      figures,
    );
  },
  overhead: async () => {
    const figures = await overhead(count(400), part, of);
    const { cpu, throughput, p99, opsThread } = figures;
    const holds = cpu.median + opsThread <= 1 && throughput.to >= 0 && p99.from <= 0;
    check('overhead: at most 1 % of CPU a request, and nothing to be seen in throughput and P99', holds, figures);
  },
  overload: async () => {
    const figures = await overload(3, seconds * 1000);
    const holds =
      figures.goodputRatio >= 0.8 &&
      figures.moneyP99Ms <= 2_000 &&
      figures.recoveredAfterS <= 5 &&
      figures.inLedger >= figures.accepted;
    check('three times the capacity: goodput, P99, nothing lost, recovery', holds, figures);
  },
  verdicts: async () => {
    const [garbage, computing, waiting] = await verdicts(seconds);
    check('a GC problem is named', garbage?.apart === 'gc', garbage ?? {});
    check(
      'a CPU-bound route is named',
      computing?.apart === 'cpu' && computing.first.startsWith('/block/loop'),
      computing ?? {},
    );
    check('a slow database is named', waiting?.apart === 'database', waiting ?? {});
  },
};

const known = Object.keys(PROOFS);
const names = words.length > 0 ? words.map((word) => oneOf('what to prove', word, known)) : known;
for (const name of names) await PROOFS[name]?.();
process.stdout.write(`${failed === 0 ? 'all hold' : `${String(failed)} failed`}\n`);
process.exitCode = failed === 0 ? 0 : 1;

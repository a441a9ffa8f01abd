/**
 * Negative controls: `node --import …/without.ts app.ts` with `WITHOUT=gc` runs the monitor with one mechanism taken
 * out of its source as it is loaded, in every thread. What a proof shows must then no longer be shown.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

interface Cut {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** Each mechanism, and the one place where it is cut. */
export const CUTS: Readonly<Record<string, readonly Cut[]>> = {
  /** Callbacks are not stamped: a stall is known by the beat alone. */
  turns: [{ file: 'monitor/beat.ts', from: 'hook.enable();', to: '' }],
  /** Requests are not followed. */
  route: [{ file: 'monitor/context.ts', from: 'storage.run(followed, run, followed)', to: 'run(followed)' }],
  /** An answer is believed whatever callback it came from. */
  sameTurn: [{ file: 'monitor/watchdog.ts', from: 'if (!isSame || frames.length === 0) return;', to: '' }],
  stack: [{ file: 'monitor/watchdog.ts', from: 'askForStack(lastNumber);', to: '' }],
  gc: [{ file: 'monitor/beat.ts', from: "observer.observe({ entryTypes: ['gc'] });", to: '' }],
  /** A report does not wait for the collector's entries and the signal. */
  hold: [
    { file: 'monitor/beat.ts', from: 'for (const sample of held) {', to: 'for (const sample of stallsUntil(now)) {' },
  ],
  /** The watchdog does not know that it slept itself. */
  slept: [{ file: 'monitor/watchdog.ts', from: 'keep(sleeps, { from: tickedAt + TICK_MS, to: now });', to: ';' }],
  /** The main thread is not looked at, and the machine's totals are not read. */
  host: [
    {
      file: 'monitor/host.ts',
      from: 'return { totals, mainThread };',
      to: 'return { totals: () => ({ throttledMs: undefined, pressureMs: undefined, queuedMs: undefined }), mainThread: () => undefined };',
    },
  ],
  watchdog: [
    {
      file: 'monitor/watchdog.ts',
      from: 'const timer = setInterval(tick, TICK_MS);',
      to: 'const timer = setInterval(() => undefined, TICK_MS);',
    },
  ],
  dedup: [{ file: 'monitor/ops-worker.ts', from: 'if (suppressed === undefined) {', to: 'if (false) {' }],
  /** All of it: for what it costs. */
  monitor: [
    { file: 'monitor/beat.ts', from: 'hook.enable();', to: '' },
    { file: 'monitor/beat.ts', from: "observer.observe({ entryTypes: ['gc'] });", to: '' },
    {
      file: 'monitor/beat.ts',
      from: 'const timer = setInterval(beat, BEAT_MS);',
      to: 'const timer = setInterval(beat, 3_600_000);',
    },
    { file: 'monitor/context.ts', from: 'storage.run(followed, run, followed)', to: 'run(work)' },
    {
      file: 'monitor/context.ts',
      from: 'const followed = { __proto__: prototype, ...work } as Work;',
      to: 'const followed = work;',
    },
    {
      file: 'monitor/watchdog.ts',
      from: 'const timer = setInterval(tick, TICK_MS);',
      to: 'const timer = setInterval(() => undefined, 3_600_000);',
    },
    { file: 'monitor/monitor.ts', from: 'setInterval(live, LIVE_EVERY_MS)', to: 'setInterval(live, 3_600_000)' },
  ],
};

const cuts = (process.env['WITHOUT'] ?? '')
  .split(',')
  .filter(Boolean)
  .flatMap((name) => CUTS[name] ?? []);

if (cuts.length > 0)
  registerHooks({
    load: (url, context, next) => {
      const wanted = cuts.filter(({ file }) => url.endsWith(`/src/${file}`));
      if (wanted.length === 0) return next(url, context);
      let source = readFileSync(fileURLToPath(url), 'utf8');
      for (const { file, from, to } of wanted) {
        // A control that cuts nothing would prove nothing.
        if (!source.includes(from)) throw new Error(`${file} has no ${from}`);
        source = source.replace(from, to);
      }
      return { format: 'module-typescript', source, shortCircuit: true };
    },
  });

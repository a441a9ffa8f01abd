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
  /** Turns are not measured: a stall is known by the beat alone. */
  turns: [{ file: 'monitor/beat.ts', from: 'if (now - turnAt > metricMs)', to: 'if (false)' }],
  /** Requests are not followed. */
  route: [{ file: 'monitor/context.ts', from: 'storage.enterWith(followed);', to: '' }],
  /** An answer is believed whatever callback it came from. */
  sameTurn: [{ file: 'monitor/watchdog.ts', from: 'if (!isSame || frames.length === 0) return;', to: '' }],
  stack: [{ file: 'monitor/watchdog.ts', from: 'askForStack(lastNumber);', to: '' }],
  gc: [{ file: 'monitor/beat.ts', from: "observer.observe({ entryTypes: ['gc'] });", to: '' }],
  /** The watchdog does not know that it slept itself. */
  slept: [
    {
      file: 'monitor/watchdog.ts',
      from: 'keep(sleeps, { from: (tickedAt + dueAt) / 2, to: now, isStop: wasStopped(now - dueAt) });',
      to: ';',
    },
  ],
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
      from: 'let timer = setTimeout(tick, LOOK_EVERY_MS);',
      to: 'let timer = setTimeout(() => undefined, LOOK_EVERY_MS);',
    },
  ],
  dedup: [{ file: 'monitor/ops-worker.ts', from: 'if (suppressed === undefined) {', to: 'if (false) {' }],
  /**
   * What the main thread does of it, or the part that SWITCH names, switched off by SIGUSR2 and on again by the next one, for what it costs:
   * two processes would differ by more than that, each by how it happened to be compiled.
   */
  switch: [
    {
      file: 'monitor/beat.ts',
      from: 'followTurns(() => turns, mark);',
      to: `
        const stamp = (now) => { if (!(off && mine('turns'))) mark(now); };
        followTurns(() => turns, stamp);
        const mine = (part) => ['', part].includes(process.env.SWITCH ?? '');
        let off = false;
        process.on('SIGUSR2', () => {
          off = !off;
          clearImmediate(check);
          if (!(off && mine('turns'))) onCheck();
          if (mine('gc')) off ? observer.disconnect() : observer.observe({ entryTypes: ['gc'] });
          if (mine('beat')) {
            clearInterval(timer);
            before = read();
            timer = setInterval(beat, off ? 3_600_000 : BEAT_MS);
            timer.unref();
          }
          turnAt = performance.now();
          // Where nothing is stamped, nothing is to be taken for a stall.
          slots[SLOT.turnAt] = mine('turns') && off ? 0 : turnAt;
          globalThis.contextIsOff = mine('context') && off;
        });`,
    },
    { file: 'monitor/beat.ts', from: 'const timer = setInterval', to: 'let timer = setInterval' },
    {
      file: 'monitor/context.ts',
      from: 'export const runWork',
      to: 'const off = () => globalThis.contextIsOff;\nexport const runWork',
    },
    {
      file: 'monitor/context.ts',
      from: 'storage.enterWith(followed);',
      to: 'if (!off()) storage.enterWith(followed);',
    },
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

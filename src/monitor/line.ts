/** The line that on-call reads: one JSON object whose message is a sentence. Pure. */
import type { Frame, Severity, Stall } from './sample.ts';
import { stackText } from './stack.ts';

/** Enough to see who called whom; a line stays under 4 KiB, which a pipe takes in one piece. */
const FRAMES_MAX = 12;
const STACK_CHARACTERS_MAX = 2_000;

export const LEVELS: Record<Exclude<Severity, 'metric'>, number> = { info: 30, warn: 40, error: 50, fatal: 60 };

const subjectOf = ({ route, method }: Stall): string =>
  route === undefined ? '' : ` by ${method ? `${method} ` : ''}${route}`;

/** `event loop blocked 312 ms by POST /v1/usage (cpu) at priceItems src/ledger/usage.ts:88` */
export const sentenceOf = (stall: Stall): string => {
  const { phase, durationMs, cause, frame, afterNativeCall, confidence } = stall;
  const ms = Math.round(durationMs);
  if (cause === 'suspended') return `the process was suspended for ${ms} ms`;
  const what = phase === 'started' ? `event loop blocked for ${ms} ms so far` : `event loop blocked ${ms} ms`;
  const where = frame
    ? ` ${afterNativeCall ? 'in a native call of' : 'at'} ${nameOf(frame)}${frame.filename}:${frame.lineno}`
    : '';
  const unsure = confidence === 'low' && isCode(stall) ? ', no stack of it could be taken' : '';
  return `${what}${subjectOf(stall)} (${causeText(stall)})${where}${unsure}`;
};

/** What stands outside of any function is called "?" in a stack. */
const nameOf = (frame: Frame): string => (frame.function === '?' ? '' : `${frame.function} `);

/** So much of it was seen to be so. */
const MOST = 0.5;
/** Less than this goes without saying. */
const COLLECTED_MIN = 0.25;

/** What was collected while code computed is of its own making; and a collector without a core takes all the longer. */
const causeText = ({ cause, gcMs, durationMs, onCpuRatio, runqRatio = 0 }: Stall): string => {
  if (cause === 'unknown') {
    if (onCpuRatio === undefined) return 'cause not known yet';
    if (onCpuRatio >= MOST) return 'on a core: computing or collecting';
    return runqRatio >= MOST ? 'waits for a core so far' : 'cause not known yet';
  }
  const ratio = gcMs / durationMs;
  const isWorthIt = (cause === 'cpu' || cause === 'starved') && ratio >= COLLECTED_MIN;
  return isWorthIt ? `${cause}, ${Math.round(ratio * 100)} % of it collecting garbage` : cause;
};

const isCode = ({ cause }: Stall): boolean =>
  cause === 'cpu' || cause === 'sync_io' || cause === 'mixed' || cause === 'unknown';

export interface LineOptions {
  readonly suppressed: number;
  readonly runbookUrl: string;
  readonly pid: number;
}

/** Names are OpenTelemetry's where it has one. Ids and templates only. */
export const lineOf = (stall: Stall, { suppressed, runbookUrl, pid }: LineOptions): Record<string, unknown> => ({
  level: stall.severity,
  time: stall.at,
  pid,
  msg: sentenceOf(stall),
  ...fieldsOf(stall),
  'stall.suppressed': suppressed,
  runbook_url: `${runbookUrl}#${stall.cause}`,
});

/** The fields of the line, as `/stalls` shows them too. */
export const fieldsOf = (stall: Stall): Record<string, unknown> => ({
  'event.name': stall.phase === 'started' ? 'stall.started' : 'stall.ended',
  'stall.id': stall.id,
  'stall.phase': stall.phase,
  'stall.duration_ms': round(stall.durationMs),
  'stall.cause': stall.cause,
  'stall.confidence': stall.confidence,
  'stall.kind': stall.kind,
  'stall.on_cpu_ratio': stall.onCpuRatio === undefined ? undefined : round(stall.onCpuRatio),
  'stall.runq_ratio': stall.runqRatio === undefined ? undefined : round(stall.runqRatio),
  'stall.gc_ms': round(stall.gcMs),
  'stall.fingerprint': stall.fingerprint,
  'http.request.method': stall.method,
  'http.route': stall.route,
  'request.id': stall.requestId,
  'code.function.name': stall.frame?.function,
  'code.file.path': stall.frame?.filename,
  'code.line.number': stall.frame?.lineno,
  'code.stacktrace':
    stall.frames.length > 0 ? stackText(stall.frames, FRAMES_MAX).slice(0, STACK_CHARACTERS_MAX) : undefined,
  'heap.used_bytes': stall.heapUsedBytes,
  'heap.limit_bytes': stall.heapLimitBytes,
  inflight: stall.inflight,
  elu: stall.elu === undefined ? undefined : round(stall.elu),
});

const round = (value: number): number => Math.round(value * 100) / 100;

import { writeSync } from 'node:fs';
import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config.ts';

/**
 * Never logged, should anyone try. Names at the top alone: a search through every level would cost a tenth of a request.
 * What lies deeper comes from errors, of which only the fields of `describe` are written.
 */
const REDACTED = [
  'authorization',
  'headers',
  'body',
  'rawBody',
  'cookie',
  'client_secret',
  'clientSecret',
  'secretKey',
];

interface DescribedError {
  readonly type: string;
  readonly message: string;
  readonly code?: string;
  readonly constraint?: string;
  readonly requestId?: string;
  readonly stack?: string;
  readonly cause?: DescribedError;
}

/** Causes of causes: more than this many tell nothing new, and may go round in a circle. */
const CAUSES_MAX = 5;

/** What an error is, and nothing that its library hung on it: Stripe's carry headers, Postgres' the row. */
const describe = (error: unknown, depth = 0): DescribedError => {
  // Anything can be thrown, and our own errors are plain objects.
  if (typeof error !== 'object' || error === null) return { type: typeof error, message: String(error) };
  const textOf = (name: string): string | undefined => {
    const value: unknown = Reflect.get(error, name);
    return typeof value === 'string' ? value : undefined;
  };
  const named = ['code', 'constraint', 'requestId', 'stack'].flatMap((name) => {
    const value = textOf(name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const cause: unknown = depth < CAUSES_MAX ? Reflect.get(error, 'cause') : undefined;
  return {
    type: textOf('name') ?? 'object',
    message: textOf('message') ?? 'it has no message',
    ...Object.fromEntries(named),
    ...(cause === undefined ? {} : { cause: describe(cause, depth + 1) }),
  };
};

/** Lines are written together, when there are 15 KiB of them or after this long: a write for each would block the loop. */
const FLUSH_EVERY_MS = 100;
const FLUSH_FROM_CHARACTERS = 15 * 1024;

export interface Log {
  readonly log: Logger;
  /** Writes out what is buffered; before the process ends. */
  readonly flush: () => void;
}

/** What cannot be written waits, up to so much; then the newest lines are lost. */
const UNWRITTEN_MAX_CHARACTERS = 8 * 1024 * 1024;

/**
 * JSON lines on standard output. Credentials and bodies never reach them. Lines are gathered here, since pino's own
 * stream counts the bytes of all that it has gathered anew for each line, which costs more than to make the line.
 */
export const openLog = (level: LogLevel): Log => {
  const destination = pino.destination({ fd: 1, sync: false, maxLength: UNWRITTEN_MAX_CHARACTERS });
  // A disk that is full takes no lines. That is no reason to take no payments: it is tried again with the next.
  let isFailing = false;
  let isIdle = true;
  destination.on('drain', () => (isIdle = true));
  destination.on('error', () => (isFailing = true));
  destination.on('write', () => (isFailing = false));
  let lines: string[] = [];
  let characters = 0;
  const handOver = (): void => {
    if (lines.length === 0) return;
    isIdle = false;
    destination.write(lines.join(''));
    lines = [];
    characters = 0;
  };
  const write = (line: string): void => {
    lines.push(line);
    characters += line.length;
    if (characters >= FLUSH_FROM_CHARACTERS) handOver();
  };
  /** What the destination writes in the background is lost to a process that is killed at the next instant. */
  const writeNow = (): void => {
    const bytes = Buffer.from(lines.join(''));
    const written = writeSync(1, bytes);
    lines = written < bytes.length ? [bytes.subarray(written).toString()] : [];
  };
  const flush = (): void => {
    try {
      if (isIdle && lines.length > 0) writeNow();
    } catch {
      // Its reader is slow, or gone: the destination knows what to do.
    }
    try {
      handOver();
      // It would try for ever.
      if (!isFailing) destination.flushSync();
    } catch {
      // Whoever read them has gone: that is no reason not to end.
    }
  };
  setInterval(handOver, FLUSH_EVERY_MS).unref();
  // Not every end is ours: a worker whose first process was killed is ended by node:cluster.
  process.prependListener('exit', () => {
    flush();
    // Else pino, which flushes at an end too, would try for ever.
    if (isFailing) destination.destroy();
  });
  // pino asks for it after each fatal line, which may be the last.
  const stream = { write, flushSync: flush };
  return { log: createLogger(level, stream), flush };
};

/** As pino's own `isoTime`, made once for all lines of a millisecond. */
let lastMs = 0;
let lastText = '';
const timestamp = (): string => {
  const now = Date.now();
  if (now !== lastMs) {
    lastMs = now;
    lastText = `,"time":"${new Date(now).toISOString()}"`;
  }
  return lastText;
};

/** Where the runbook tells of what a line tells, by its fields; undefined where it does not. */
export type Lead = (fields: Readonly<Record<string, unknown>>) => string | undefined;

/** Of each logger that leads there. */
const LEADS = new WeakMap<object, Lead>();

/** From now on each warning leads to its place in the runbook. */
export const leadTo = (log: Logger, lead: Lead): void => void LEADS.set(log, lead);

const WARN = 40;

/** The logger of `openLog`, on any stream. */
export const createLogger = (level: LogLevel, destination: DestinationStream): Logger =>
  pino(
    {
      level,
      base: { pid: process.pid },
      timestamp,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, remove: true },
      serializers: { err: (error: unknown) => describe(error) },
      hooks: {
        logMethod(args, method, level) {
          const lead = level < WARN ? undefined : LEADS.get(this);
          const [fields] = args;
          if (lead === undefined || typeof fields !== 'object' || fields === null) {
            method.apply(this, args);
            return;
          }
          const { runbook, ...told } = fields as Readonly<Record<string, unknown>>;
          const url = lead({ ...told, runbook });
          const led = url === undefined ? told : { ...told, runbook_url: url };
          method.apply(this, [led, ...args.slice(1)] as typeof args);
        },
      },
    },
    destination,
  );

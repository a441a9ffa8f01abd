import { pino, type DestinationStream, type Logger } from 'pino';
import type { LogLevel } from './config.ts';

/** Wherever an object that is logged has one of these, at its top or one or two levels below. */
const REDACTED = [
  'authorization',
  'Authorization',
  'body',
  'rawBody',
  'cookie',
  'client_secret',
  'clientSecret',
  'secretKey',
];

/** Lines are written together, when there are 4 KiB of them or after this long: a write for each would block the loop. */
const FLUSH_EVERY_MS = 100;
const FLUSH_FROM_BYTES = 4096;

export interface Log {
  readonly log: Logger;
  /** Writes out what is buffered; before the process ends. */
  readonly flush: () => void;
}

/** JSON lines on standard output. Credentials and bodies never reach them. */
export const openLog = (level: LogLevel): Log => {
  const destination = pino.destination({
    fd: 1,
    sync: false,
    minLength: FLUSH_FROM_BYTES,
    periodicFlush: FLUSH_EVERY_MS,
  });
  return { log: createLogger(level, destination), flush: () => destination.flushSync() };
};

/** The logger of `openLog`, on any stream. */
export const createLogger = (level: LogLevel, destination: DestinationStream): Logger =>
  pino(
    {
      level,
      base: { pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), remove: true },
    },
    destination,
  );

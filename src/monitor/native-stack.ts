/** The adapter of the package that takes the stack of another thread, and of what the threads tell each other of it. */
import { createRequire } from 'node:module';
import { err, ok, type Result } from 'neverthrow';
import type { Frame } from './sample.ts';

/** What both threads wait on: the number of the latest question. */
export const ASK = { number: 0 } as const;

export interface StackAnswer {
  readonly number: number;
  readonly frames: readonly Frame[];
  readonly work: {
    readonly route?: string;
    readonly method?: string;
    readonly requestId?: string;
    readonly turn?: number;
  };
  /** How long the main thread took to answer: more than a moment is a native call that it was in. */
  readonly tookMs: number;
}

export interface NativeStack {
  readonly registerThread: (storage: { asyncLocalStorage: unknown }, name: string) => void;
  readonly captureStackTrace: () => Record<string, { frames: Frame[]; asyncState?: StackAnswer['work'] } | undefined>;
}

/** The name under which the main thread is registered. */
export const MAIN = 'main';

/** The package's binary is for some platforms only. Errors: why there is none for this one. */
export const loadNativeStack = (): Result<NativeStack, string> => {
  try {
    return ok(createRequire(import.meta.url)('@sentry/node-native-stacktrace') as NativeStack);
  } catch (error) {
    return err(error instanceof Error ? (error.message.split('\n')[0] ?? error.name) : String(error));
  }
};

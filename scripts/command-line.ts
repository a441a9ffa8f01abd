/** What a command is told: `--help` ends in a page, a mistake in one line, and neither does anything else. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** As for every command: nothing was done, because of how it was called. */
const MISUSED = 2;

/** Ends the command with one line. */
export const misused = (line: string): never => {
  process.stderr.write(`${line}; --help tells more\n`);
  process.exit(MISUSED);
};

export interface CommandLine<T extends Options> {
  readonly values: Values<T>;
  /** What stood there beside the options, in order. */
  readonly words: readonly string[];
}

/**
 * What was given, where words may stand beside the options. Before anything is opened or started: `usage` is what
 * `--help` prints, whatever stands beside it, and what is not known is told in one line.
 */
export const commandWords = <T extends Options>(usage: string, options: T): CommandLine<T> => {
  if (process.argv.includes('--help') || process.argv.includes('-h')) {
    process.stdout.write(`${usage.trim()}\n`);
    process.exit(0);
  }
  try {
    const { values, positionals } = parseArgs({ options, allowPositionals: true });
    return { values, words: positionals };
  } catch (error) {
    return misused(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
};

/** The options that were given, where nothing else may be. */
export const commandLine = <T extends Options>(usage: string, options: T): Values<T> => {
  const { values, words } = commandWords(usage, options);
  const [word] = words;
  return word === undefined ? values : misused(`there is no "${word}" here`);
};

/** One of these words. */
export const oneOf = <T extends string>(what: string, word: string | undefined, known: readonly T[]): T =>
  known.find((one) => one === word) ??
  misused(`${what} ${word === undefined ? 'is missing' : `is no "${word}"`}: it is one of ${known.join(', ')}`);

/** A whole number above 0, or from `min` on, as an option has it. `1e6` is one too. */
export const count = (name: string, text: string, min = 1): number => {
  const value = /^\d{1,10}(e\d)?$/.test(text) ? Number(text) : NaN;
  if (value >= min) return value;
  return misused(
    `--${name} takes a whole number ${min === 1 ? 'above 0' : `from ${min}`}, not ${JSON.stringify(text)}`,
  );
};

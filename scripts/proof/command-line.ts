/** What a proof is told on its command line. A mistake ends in one line, and `--help` in a page. */
import { parseArgs, type ParseArgsConfig } from 'node:util';

type Options = NonNullable<ParseArgsConfig['options']>;
type Values<T extends Options> = ReturnType<typeof parseArgs<{ options: T }>>['values'];

/** As for every command: nothing was done, because of how it was called. */
const MISUSED = 2;

const end = (line: string): never => {
  console.error(`${line}; --help tells more`);
  process.exit(MISUSED);
};

/** The options that were given. `usage` is what `--help` prints; numbers are whole and above 0. */
export const commandLine = <T extends Options>(usage: string, options: T): Values<T> => {
  if (process.argv.includes('--help')) {
    console.log(usage.trim());
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    return end(error instanceof Error ? (error.message.split('. ')[0] ?? '') : String(error));
  }
};

/** A whole number above 0, as an option has it. */
export const count = (name: string, text: string): number => {
  const value = Number(text);
  return Number.isSafeInteger(value) && value > 0 ? value : end(`--${name} takes a whole number above 0, not ${text}`);
};

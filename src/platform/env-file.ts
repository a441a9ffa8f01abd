/** The environment of a file .env, as Node reads it, and without the mark that some editors begin a file with. */
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

/** Adds what the file sets to the environment; what is set there already stays. A file that is not there sets nothing. */
export const loadEnvFile = (path = '.env'): void => {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  for (const [name, value] of Object.entries(parseEnv(text.replace(/^\uFEFF/, '')))) process.env[name] ??= value;
};

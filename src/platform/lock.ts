import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { err, ok, type Result } from 'neverthrow';
import { messageOf } from './process.ts';

export interface Lock {
  readonly release: () => void;
}

/**
 * One service for each data folder. SQLite keeps the lock as the operating system's own on an open file: it ends with
 * its process however that ends, so there is no stale lock to judge by a process id that someone else may have by now.
 * The id is written beside it only to be named in the error, which is one line.
 */
export const lockDataDir = (dataDir: string): Result<Lock, string> => {
  const owner = join(dataDir, 'service.pid');
  try {
    mkdirSync(dataDir, { recursive: true });
    const file = new DatabaseSync(join(dataDir, 'service.lock'), { timeout: 0 });
    try {
      file.exec('BEGIN EXCLUSIVE');
    } catch {
      file.close();
      return err(`${dataDir} is in use by process ${readOwner(owner)}: stop that one, or set another DATA_DIR.`);
    }
    writeFileSync(owner, `${process.pid}\n`);
    return ok({
      release: () => {
        rmSync(owner, { force: true });
        file.close();
      },
    });
  } catch (error) {
    return err(`DATA_DIR ${dataDir} cannot be written: ${messageOf(error)}`);
  }
};

const readOwner = (file: string): string => {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'of another start';
  }
};

/** A small disk that can be filled, where one may be mounted: by root, on Linux. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, open, rm, rmdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Disk {
  readonly folder: string;
  /** To its last byte. */
  readonly fill: () => Promise<void>;
  readonly free: () => Promise<void>;
  readonly unmount: () => Promise<void>;
}

/** A cluster, its log under load, and the copy that a standby is made of. */
const SIZE = '1500m';
const CHUNK = Buffer.alloc(1024 * 1024);

/** Undefined where none can be mounted. */
export const mountDisk = async (): Promise<Disk | undefined> => {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-disk-'));
  const mounted = await run('mount', ['-t', 'tmpfs', '-o', `size=${SIZE}`, 'tmpfs', folder]).then(
    () => true,
    () => false,
  );
  if (!mounted) {
    await rmdir(folder);
    return undefined;
  }
  await chmod(folder, 0o755);
  const filler = join(folder, 'filler');
  return {
    folder,
    fill: async () => {
      const file = await open(filler, 'a');
      try {
        for (let size = CHUNK.length; size > 0; size = Math.floor(size / 2))
          while (await hasWritten(file.write(CHUNK, 0, size)));
      } finally {
        await file.close();
      }
    },
    free: () => rm(filler, { force: true }),
    unmount: async () => {
      await run('umount', ['-l', folder]);
      await rmdir(folder);
    },
  };
};

const hasWritten = (writing: Promise<{ bytesWritten: number }>): Promise<boolean> =>
  writing.then(
    ({ bytesWritten }) => bytesWritten > 0,
    () => false,
  );

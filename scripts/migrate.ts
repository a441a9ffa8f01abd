/** Brings the database to this version, or says what that would take. Older versions go on serving meanwhile: db/README.md. */
import { okAsync } from 'neverthrow';
import { checkSchema, migrate } from '../src/storage/migrate.ts';
import { commandLine, count } from './command-line.ts';
import { fail, runTool, withDatabase } from './database.ts';

const { check, patience } = commandLine(
  `npm run migrate -- [options]

Applies the migrations that the database lacks, each in a transaction of its own, while older versions go on serving. No
lock is waited for longer than two seconds at a time, since others wait behind it. The database is that of DATABASE_URL,
or the embedded one in DATA_DIR.

  --check       apply nothing; fail where this version could not run on it
  --patience N  minutes to go on asking for locks that others hold (10)`,
  {
    check: { type: 'boolean', default: false },
    patience: { type: 'string', default: '10' },
  },
);
const patienceMs = count('patience', patience) * 60_000;

const apply = async (url: string): Promise<void> => {
  const applied = await migrate(url, { patienceMs, onProgress: (line) => console.log(line) });
  const names = applied.match((all) => all, fail);
  console.log(names.length === 0 ? 'Nothing to apply.' : `Applied ${names.join(', ')}.`);
};

const look = async (url: string): Promise<void> =>
  (await checkSchema(url)).match(() => console.log('This version runs on the schema as it is.'), fail);

await runTool(() =>
  withDatabase(
    ({ url }) => (check ? look(url) : apply(url)),
    () => okAsync(undefined),
  ),
);

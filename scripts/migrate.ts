/** Brings the database to this version and says what it applied. Each start of the service does so by itself. */
import { commandLine } from './command-line.ts';
import { runTool, withDatabase } from './database.ts';

commandLine(
  `npm run migrate

Brings the database of DATABASE_URL to this version, or the embedded one where that is unset, and says what was applied.
Each start of the service does the same, under a lock.`,
  {},
);

await runTool(() =>
  withDatabase(async ({ applied }) => {
    console.log(applied.length === 0 ? 'Nothing to apply.' : `Applied ${applied.join(', ')}.`);
  }),
);

/** Brings the database to this version and says what it applied. Each start of the service does so by itself. */
import { runTool, withDatabase } from './database.ts';

await runTool(() =>
  withDatabase(async ({ applied }) => {
    console.log(applied.length === 0 ? 'Nothing to apply.' : `Applied ${applied.join(', ')}.`);
  }),
);

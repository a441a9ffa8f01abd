import { afterAll } from '@jest/globals';

const stack: (() => Promise<unknown>)[] = [];

/**
 * Called when the suite has ended, last registered first. Jest's own `afterAll` runs first registered first: suites use
 * this one, so that what was opened on a database is closed before the database is dropped.
 */
export const afterSuite = (clean: () => Promise<unknown>): void => {
  stack.push(clean);
};

afterAll(async () => {
  const errors: unknown[] = [];
  for (let clean = stack.pop(); clean; clean = stack.pop()) await clean().catch((error: unknown) => errors.push(error));
  if (errors.length > 0) throw new AggregateError(errors, errors.map(String).join('\n'));
});

import type { TeardownGlobal } from './global-setup.ts';

export default async (): Promise<void> => {
  // A connection that a suite left open breaks now. That suite has failed for it already.
  process.on('uncaughtException', () => undefined);
  await (globalThis as TeardownGlobal).stopTestPostgres?.();
};

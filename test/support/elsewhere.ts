/** The same service where it can do nothing for anybody: on the same database and sandbox, by their URLs. */
import { startCrowded } from './crowded.ts';
import { startProxy } from './proxy.ts';
import { startService, type World } from './service.ts';

export interface Elsewhere {
  /** So much is under way that nobody more is let in. */
  readonly crowded: string;
  /** A merchant has one request a second. */
  readonly limited: string;
  /** Its database cannot be reached. */
  readonly withoutDatabase: string;
}

export const startElsewhere = async (world: World): Promise<Elsewhere> => {
  const settings = { databaseUrl: world.databaseUrl, sandboxUrl: world.sandbox.url };
  const database = await startProxy(world.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const { host } = new URL(database.url);
  const databaseUrl = world.databaseUrl.replace(/@[^/]+/, `@${host}`);
  const lost = await startService({ ...settings, databaseUrl, env: { DB_ACQUIRE_TIMEOUT_MS: '1000' } });
  database.cut(true);
  return {
    crowded: await startCrowded(),
    limited: (await startService({ ...settings, env: { RATE_LIMIT_PER_S: '1' } })).url,
    withoutDatabase: lost.url,
  };
};

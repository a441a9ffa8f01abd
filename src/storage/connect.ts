/** One connection of its own, for what is done once: to the host that takes writes. */
import pg from 'pg';
import { createHosts } from './hosts.ts';
import { sessionUrl } from './session.ts';

export interface Once {
  readonly client: pg.Client;
  readonly end: () => Promise<void>;
}

const CONNECT_TIMEOUT_MS = 10_000;

/** Throws what the last of the hosts answered. `withSettings`: as the service's own sessions are set. */
export const connectOnce = async (databaseUrl: string, withSettings = false): Promise<Once> => {
  const hosts = createHosts(databaseUrl);
  for (let tried = 1; ; tried++) {
    const { url, options } = sessionUrl(hosts.current());
    const client = new pg.Client({
      connectionString: url,
      // Not the service's name: a migration ends the sessions of that one.
      application_name: 'quittance once',
      connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
      // A host that is gone is found out.
      keepAlive: true,
      keepAliveInitialDelayMillis: CONNECT_TIMEOUT_MS,
      ...(withSettings ? { options } : {}),
    });
    // What breaks in use tells its query.
    client.on('error', () => undefined);
    try {
      await client.connect();
      const { rows } = await client.query<{ standby: boolean }>('select pg_is_in_recovery() as standby');
      if (rows[0]?.standby) throw new Error('the server is a standby, which takes no writes');
      return { client, end: () => client.end() };
    } catch (error) {
      await client.end().catch(() => undefined);
      if (tried >= hosts.count) throw error;
      hosts.failed(hosts.current());
    }
  }
};

/** A failed connection to a name with several addresses is an AggregateError, whose own message is empty. */
export const messageOf = (error: unknown): string => {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
};

import { randomBytes } from 'node:crypto';
import pg from 'pg';

export const ADMIN_URL = 'QUITTANCE_TEST_POSTGRES';
export const TEMPLATE = 'quittance_template';

export const withDatabaseName = (url: string, name: string): string => {
  const parsed = new URL(url);
  parsed.pathname = `/${name}`;
  return parsed.href;
};

export interface TestDatabase {
  readonly url: string;
  /** Fails while a connection to it is open. */
  readonly drop: () => Promise<void>;
}

/** A migrated database, cloned in some 50 ms. Suites take `createDatabase` of ./suite.ts, which drops it too. */
export const cloneDatabase = async (template: string = TEMPLATE): Promise<TestDatabase> => {
  const adminUrl = process.env[ADMIN_URL];
  if (adminUrl === undefined) throw new Error('Run the tests with "npm test", which starts a Postgres for them.');
  const name = `test_${randomBytes(6).toString('hex')}`;
  const ask = async (statement: string): Promise<void> => {
    const admin = new pg.Client(adminUrl);
    await admin.connect();
    await admin.query(statement).finally(() => admin.end());
  };
  await ask(`create database ${name} template ${template}`);
  return { url: withDatabaseName(adminUrl, name), drop: () => ask(`drop database ${name}`) };
};

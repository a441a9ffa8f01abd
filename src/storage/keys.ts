/** API keys: 256 random bits, of which only a hash is kept. */
import { hash, randomBytes } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import { idOf, newId, uuidOf, type ApiKeyId, type MerchantId } from '../domain/ids.ts';
import { principalOf, type Principal, type Role } from '../domain/principal.ts';
import type { PaymentError } from '../error.ts';
import { plain } from './arrays.ts';
import { run } from './failure.ts';
import { bytesOf, createHashLookup, type Hashed } from './lookup.ts';
import type { DB } from './schema.ts';

interface NewKey {
  readonly id: ApiKeyId;
  readonly merchant: MerchantId;
  /** Whether there was no merchant of that name before. */
  readonly isNewMerchant: boolean;
  /** Shown once: it is not kept. */
  readonly secret: string;
}

interface KeyInfo {
  readonly id: ApiKeyId;
  readonly merchant: string;
  readonly role: Role;
  readonly prefix: string;
  readonly revoked: boolean;
}

/** Errors of all: `database_unavailable`. */
export interface Keys {
  /**
   * Those that are asked for together are one query, in which networks take turns. Errors: `overloaded` too, where one
   * network asks for more at a time than is ever waited for.
   */
  readonly find: (secret: string, network: string) => ResultAsync<Principal | undefined, PaymentError>;
  /** Makes a key, and the merchant where the name is new. */
  readonly create: (merchant: string, role: Role, mode: 'test' | 'live') => ResultAsync<NewKey, PaymentError>;
  readonly list: () => ResultAsync<KeyInfo[], PaymentError>;
  /** Whether there was such a key, not yet revoked. */
  readonly revoke: (id: ApiKeyId) => ResultAsync<boolean, PaymentError>;
  /** SHA-256 of the on-call keys in force, in base64. */
  readonly oncallHashes: () => ResultAsync<string[], PaymentError>;
  readonly seedMerchant: (id: MerchantId, name: string) => ResultAsync<void, PaymentError>;
  readonly seedKey: (merchant: MerchantId, role: Role, secret: string) => ResultAsync<void, PaymentError>;
}

const PREFIXES: Record<Role, string> = { secret: 'sk', publishable: 'pk', finance: 'fk', oncall: 'ok' };
/** What a person may see of a key: role, mode and six of its 43 random characters. */
const PREFIX_LENGTH = 14;

const hashOf = (secret: string): Buffer => hash('sha256', secret, 'buffer');

/** Some 3 MB of them. */
const FIND_WAITING_MAX = 16_384;

export const createKeys = (db: Kysely<DB>): Keys => {
  const findAll = async (asked: readonly { readonly hash: string }[]): Promise<Map<string, Principal>> => {
    const rows = await db
      .selectFrom('api_keys')
      .select(['merchant_id', 'role', 'hash'])
      .where('hash', '=', sql<Buffer>`any(${plain(bytesOf(asked))}::bytea[])`)
      .where('revoked_at', 'is', null)
      .execute();
    return new Map(
      rows.map((row) => [row.hash.toString('hex'), principalOf(idOf('mer', row.merchant_id), row.role as Role)]),
    );
  };
  const lookup = createHashLookup<Hashed, Principal>(findAll, FIND_WAITING_MAX);

  const insert = async (merchant: MerchantId, role: Role, secret: string): Promise<ApiKeyId> => {
    const id = newId('key');
    await db
      .insertInto('api_keys')
      .values({
        merchant_id: uuidOf(merchant),
        id: uuidOf(id),
        role,
        prefix: secret.slice(0, PREFIX_LENGTH),
        hash: hashOf(secret),
      })
      .execute();
    return id;
  };

  const create = async (name: string, role: Role, mode: 'test' | 'live'): Promise<NewKey> => {
    const { numInsertedOrUpdatedRows: made } = await db
      .insertInto('merchants')
      .values({ id: uuidOf(newId('mer')), name })
      .onConflict((conflict) => conflict.column('name').doNothing())
      .executeTakeFirst();
    const row = await db.selectFrom('merchants').select('id').where('name', '=', name).executeTakeFirstOrThrow();
    const merchant = idOf('mer', row.id);
    const secret = `${PREFIXES[role]}_${mode}_${randomBytes(32).toString('base64url')}`;
    return { id: await insert(merchant, role, secret), merchant, isNewMerchant: made === 1n, secret };
  };

  const list = async (): Promise<KeyInfo[]> => {
    const rows = await db
      .selectFrom('api_keys as k')
      .innerJoin('merchants as m', 'm.id', 'k.merchant_id')
      .select(['k.id', 'm.name', 'k.role', 'k.prefix', 'k.revoked_at'])
      .orderBy('k.id')
      .execute();
    return rows.map((row) => ({
      id: idOf('key', row.id),
      merchant: row.name,
      role: row.role as Role,
      prefix: row.prefix,
      revoked: row.revoked_at !== null,
    }));
  };

  const revoke = async (id: ApiKeyId): Promise<boolean> => {
    const { numUpdatedRows } = await db
      .updateTable('api_keys')
      .set({ revoked_at: sql`now()` })
      .where('id', '=', uuidOf(id))
      .where('revoked_at', 'is', null)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  };

  const oncallHashes = async (): Promise<string[]> => {
    const rows = await db
      .selectFrom('api_keys')
      .select('hash')
      .where('role', '=', 'oncall')
      .where('revoked_at', 'is', null)
      .execute();
    return rows.map((row) => row.hash.toString('base64'));
  };

  const seedMerchant = async (id: MerchantId, name: string): Promise<void> => {
    await db
      .insertInto('merchants')
      .values({ id: uuidOf(id), name })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
  };

  const seedKey = async (merchant: MerchantId, role: Role, secret: string): Promise<void> => {
    const hashed = hash('sha256', secret);
    if (!(await findAll([{ hash: hashed }])).has(hashed)) await insert(merchant, role, secret);
  };

  return {
    find: (secret, network) => lookup.send({ hash: hash('sha256', secret), network }),
    create: (merchant, role, mode) => run(create(merchant, role, mode)),
    list: () => run(list()),
    revoke: (id) => run(revoke(id)),
    oncallHashes: () => run(oncallHashes()),
    seedMerchant: (id, name) => run(seedMerchant(id, name)),
    seedKey: (merchant, role, secret) => run(seedKey(merchant, role, secret)),
  };
};

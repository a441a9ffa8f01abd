import { describe, expect, it } from '@jest/globals';
import { principalOf, ROLES } from '../../src/domain/principal.ts';
import { createKeys } from '../../src/storage/keys.ts';
import { createDatabase } from '../support/suite.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const sql = l.openSql(url);
const keys = createKeys(l.openInstance(url).database.pool);
const create = async (merchant: string, ...more: [role?: (typeof ROLES)[number], mode?: 'test' | 'live']) =>
  (await keys.create(merchant, more[0] ?? 'secret', more[1] ?? 'test'))._unsafeUnwrap();

describe('a key', () => {
  it('is made with 256 random bits, and says its role and mode', async () => {
    const prefixes = await Promise.all(ROLES.map(async (role) => (await create('Shop', role, 'live')).secret));
    expect(prefixes.map((secret) => secret.slice(0, 8))).toEqual(['sk_live_', 'pk_live_', 'fk_live_', 'ok_live_']);
    for (const secret of prefixes) expect(Buffer.from(secret.slice(8), 'base64url')).toHaveLength(32);
  });

  it('opens what is its merchant’s, in its role, and no other text does', async () => {
    const { secret, merchant } = await create('Shop', 'finance');
    expect((await keys.find(secret, 'here'))._unsafeUnwrap()).toEqual(principalOf(merchant, 'finance'));
    for (const other of [`${secret}x`, secret.slice(0, -1), secret.toUpperCase(), '', `${secret}\0`])
      expect((await keys.find(other, 'here'))._unsafeUnwrap()).toBeUndefined();
  });

  it('is kept as a hash alone: nothing in the database opens anything', async () => {
    const { secret } = await create('Shop');
    const rows = await sql.query<{ text: string }>('select api_keys::text as text from api_keys');
    for (const { text } of rows) expect(text).not.toContain(secret.slice(14));
  });

  it('is listed by what a person may see of it, and is revoked once', async () => {
    const { id, secret } = await create('Listed', 'oncall');
    const listed = async () => (await keys.list())._unsafeUnwrap().filter((one) => one.id === id);
    expect(await listed()).toEqual([
      { id, merchant: 'Listed', role: 'oncall', prefix: secret.slice(0, 14), revoked: false },
    ]);
    expect((await keys.oncallHashes())._unsafeUnwrap()).toHaveLength(2);
    expect((await keys.revoke(id))._unsafeUnwrap()).toBe(true);
    expect((await keys.revoke(id))._unsafeUnwrap()).toBe(false);
    expect(await listed()).toEqual([
      { id, merchant: 'Listed', role: 'oncall', prefix: secret.slice(0, 14), revoked: true },
    ]);
    expect((await keys.find(secret, 'here'))._unsafeUnwrap()).toBeUndefined();
    expect((await keys.oncallHashes())._unsafeUnwrap()).toHaveLength(1);
  });
});

describe('a merchant', () => {
  it('comes to be with its first key, once, though several are made at a time', async () => {
    const made = await Promise.all(Array.from({ length: 10 }, () => create('New')));
    expect(new Set(made.map(({ merchant }) => merchant)).size).toBe(1);
    expect(new Set(made.map(({ secret }) => secret)).size).toBe(10);
    expect(made.filter(({ isNewMerchant }) => isNewMerchant)).toHaveLength(1);
    expect((await create('New')).isNewMerchant).toBe(false);
    expect(await sql.query("select 1 from merchants where name = 'New'")).toHaveLength(1);
  });
});

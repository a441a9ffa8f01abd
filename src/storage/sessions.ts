/** Who is signed in to the console: 256 random bits in a cookie, of which only a hash is kept, beside the key they stand for. */
import { hash, randomBytes } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { type ResultAsync } from 'neverthrow';
import { idOf, uuidOf, type MerchantId } from '../domain/ids.ts';
import { principalOf, type Principal, type Role } from '../domain/principal.ts';
import type { LaneError, StorageError } from '../domain/refusals.ts';
import { toIsoMicros, type Micros } from '../domain/time.ts';
import { plain } from './arrays.ts';
import { bytesOf, createHashLookup, type Hashed } from './lookup.ts';
import type { DB } from './schema.ts';
import { inTurn, type Turns } from './turns.ts';

/** Who has signed in. */
export interface Session extends Principal {
  /** The merchant, by its name. */
  readonly name: string;
  /** SHA-256 of the key, in hex. */
  readonly keyHash: string;
}

/** Errors of all: `database_unavailable`. */
export interface Sessions {
  /**
   * Answers what its cookie holds; undefined where that merchant's key has been revoked meanwhile. It ends by itself at
   * `until`.
   */
  readonly begin: (
    merchant: MerchantId,
    key: string,
    lasts: { readonly now: Micros; readonly until: Micros },
  ) => ResultAsync<string | undefined, StorageError>;
  /**
   * Undefined where there is none, it has ended, or its key was revoked. Those that are asked for together are one query,
   * in which networks take turns. Errors: `overloaded` too.
   */
  readonly find: (cookie: string, network: string, now: Micros) => ResultAsync<Session | undefined, LaneError>;
  /** Who has it is known by then: a stranger's cookie, of which he makes as many as he likes, is not worth a connection. */
  readonly end: (session: Pick<Session, 'merchant'>, cookie: string) => ResultAsync<void, StorageError>;
}

const hashOf = (secret: string): Buffer => hash('sha256', secret, 'buffer');

interface AskedNow extends Hashed {
  readonly now: Micros;
}

/** Some hundred kilobytes of them. */
const FIND_WAITING_MAX = 2_048;

export const createSessions = (db: Kysely<DB>, turns: Turns): Sessions => {
  const ask = inTurn(turns);
  const findAll = async (asked: readonly AskedNow[]): Promise<Map<string, Session>> => {
    const now = asked.reduce((latest, one) => (one.now > latest ? one.now : latest), asked[0]?.now ?? 0n);
    const rows = await db
      .selectFrom('console_sessions as s')
      .innerJoin('api_keys as k', (join) =>
        join.onRef('k.merchant_id', '=', 's.merchant_id').onRef('k.id', '=', 's.key_id'),
      )
      .innerJoin('merchants as m', 'm.id', 's.merchant_id')
      .select(['m.id', 'm.name', 'k.role', 'k.hash as key', 's.hash'])
      .where('s.hash', '=', sql<Buffer>`any(${plain(bytesOf(asked))}::bytea[])`)
      .where('k.revoked_at', 'is', null)
      .where(sql<boolean>`s.expires_at > ${toIsoMicros(now as Micros)}::timestamptz`)
      .execute();
    return new Map(
      rows.map((row) => [
        row.hash.toString('hex'),
        {
          ...principalOf(idOf('mer', row.id), row.role as Role),
          name: row.name,
          keyHash: row.key.toString('hex'),
        },
      ]),
    );
  };
  const lookup = createHashLookup(findAll, FIND_WAITING_MAX);

  return {
    begin: (merchant, key, { now, until }) => {
      const cookie = randomBytes(32).toString('base64url');
      // Those that have ended go as others begin: there are never many.
      const work = () =>
        sql`
        with gone as (delete from console_sessions where expires_at <= ${toIsoMicros(now)}::timestamptz)
        insert into console_sessions (merchant_id, hash, key_id, expires_at)
        select merchant_id, ${hashOf(cookie)}::bytea, id, ${toIsoMicros(until)}::timestamptz
        from api_keys where merchant_id = ${uuidOf(merchant)}::uuid and hash = ${hashOf(key)}::bytea and revoked_at is null limit 1`.execute(
          db,
        );
      return ask(merchant, work).map(({ numAffectedRows }) => (numAffectedRows === 1n ? cookie : undefined));
    },
    find: (cookie, network, now) => lookup.send({ hash: hash('sha256', cookie), network, now }),
    end: ({ merchant }, cookie) =>
      ask(merchant, () => db.deleteFrom('console_sessions').where('hash', '=', hashOf(cookie)).execute()).map(
        () => undefined,
      ),
  };
};

/** Makes, lists and revokes the keys of merchants. */
import type { ResultAsync } from 'neverthrow';
import { parseId } from '../src/domain/ids.ts';
import { ROLES } from '../src/domain/principal.ts';
import type { PaymentError } from '../src/error.ts';
import { createLogger } from '../src/log.ts';
import { openDatabase } from '../src/storage/database.ts';
import { createKeys, type Keys } from '../src/storage/keys.ts';
import { commandWords, misused, oneOf } from './command-line.ts';
import { fail, runTool, withDatabase } from './database.ts';

const HELP = `npm run keys -- create --merchant NAME --role ${ROLES.join('|')}
                make a key, and the merchant where the name is new; it is shown this once
npm run keys -- list
                the keys there are, without their secrets
npm run keys -- revoke KEY_ID
                end a key: the service forgets it within seconds

An on-call key, of whichever merchant, reads the ops port, which shows the whole installation: give it to operators alone.

It works on the database of DATABASE_URL, or on the embedded one where that is unset.
`;

/** A name is shown on pages and in logs. */
const NAME_LENGTH_MAX = 200;

type Action = (keys: Keys, mode: 'test' | 'live') => Promise<void>;

const valueOf = async <T>(asked: ResultAsync<T, PaymentError>): Promise<T> =>
  asked.match(
    (value) => value,
    (error) => fail(error.message),
  );

/** What is asked for, understood before any database is opened. */
const readAction = (): Action => {
  const { values, words } = commandWords(HELP, { merchant: { type: 'string' }, role: { type: 'string' } });
  const [command, subject = '', ...more] = words;
  if (more.length > 0) return misused(`there is no "${more.join(' ')}" here`);
  switch (oneOf('what to do', command, ['create', 'list', 'revoke'])) {
    case 'create': {
      const merchant = values.merchant?.trim() ?? '';
      const role = oneOf('--role', values.role, ROLES);
      if (merchant === '' || merchant.length > NAME_LENGTH_MAX)
        return misused(`--merchant takes a name of 1 to ${NAME_LENGTH_MAX} characters`);
      return async (keys, mode) => {
        const made = await valueOf(keys.create(merchant, role, mode));
        console.error(
          `A ${role} key of ${made.isNewMerchant ? 'the new merchant ' : ''}${merchant} (${made.merchant}), shown this once; to end it: npm run keys -- revoke ${made.id}`,
        );
        console.log(made.secret);
      };
    }
    case 'list':
      return async (keys) => {
        for (const { id, merchant: name, role, prefix, revoked } of await valueOf(keys.list())) {
          console.log([id, `${prefix}…`, role.padEnd(11), name, revoked ? '(revoked)' : ''].join('  ').trimEnd());
        }
      };
    case 'revoke': {
      const id = parseId('key', subject);
      if (!id)
        return misused('revoke takes the id of a key, which starts with key_ ("npm run keys -- list" shows them)');
      return async (keys) => {
        if (await valueOf(keys.revoke(id))) console.log(`${id} is revoked.`);
        else fail(`${id} is no key in force.`);
      };
    }
  }
};

const action = readAction();

const main = async (): Promise<void> => {
  await withDatabase(async ({ config, url }) => {
    const log = createLogger('warn', process.stderr);
    const database = openDatabase({
      url,
      poolMin: 0,
      poolMax: 1,
      acquireTimeoutMs: config.pool.acquireTimeoutMs,
      isPrepared: config.pool.isPrepared,
      log,
    });
    await action(createKeys(database.pool), /_live_/.test(config.stripe.secretKey) ? 'live' : 'test').finally(
      database.close,
    );
  });
};

await runTool(main);

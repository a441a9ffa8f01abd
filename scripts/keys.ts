/** Makes, lists and revokes the keys of merchants. */
import { parseArgs } from 'node:util';
import type { ResultAsync } from 'neverthrow';
import { parseId } from '../src/domain/ids.ts';
import { ROLES } from '../src/domain/principal.ts';
import type { PaymentError } from '../src/error.ts';
import { createLogger } from '../src/log.ts';
import { openDatabase } from '../src/storage/database.ts';
import { createKeys, type Keys } from '../src/storage/keys.ts';
import { fail, runTool, withDatabase } from './database.ts';

const HELP = `npm run keys -- create --merchant NAME --role ${ROLES.join('|')}
                make a key, and the merchant where the name is new; it is shown this once
npm run keys -- list
                the keys there are, without their secrets
npm run keys -- revoke KEY_ID
                end a key: the service forgets it within seconds
`;

/** A name is shown on pages and in logs. */
const NAME_LENGTH_MAX = 200;

type Action = (keys: Keys, mode: 'test' | 'live') => Promise<void>;

const valueOf = async <T>(asked: ResultAsync<T, PaymentError>): Promise<T> =>
  asked.match(
    (value) => value,
    (error) => fail(error.message),
  );

const read = (): {
  command: string | undefined;
  subject: string | undefined;
  merchant?: string;
  role?: string;
  help?: boolean;
} => {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { merchant: { type: 'string' }, role: { type: 'string' }, help: { type: 'boolean' } },
    });
    return { ...values, command: positionals[0], subject: positionals[1] };
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
};

/** What is asked for, understood before any database is opened. */
const actionOf = (): Action => {
  const { command, subject = '', merchant = '', role: roleName } = read();
  switch (command) {
    case 'create': {
      const role = ROLES.find((known) => known === roleName);
      if (!role) return fail(`--role takes one of ${ROLES.join(', ')}; it is ${roleName ?? 'not given'}.`);
      if (merchant.trim() === '' || merchant.length > NAME_LENGTH_MAX)
        return fail(`--merchant takes a name of 1 to ${NAME_LENGTH_MAX} characters.`);
      return async (keys, mode) => {
        const made = await valueOf(keys.create(merchant.trim(), role, mode));
        console.error(
          `A ${role} key of ${merchant.trim()} (${made.merchant}), shown this once; to end it: npm run keys -- revoke ${made.id}`,
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
      if (!id) return fail(`revoke takes the id of a key, which starts with key_ ("npm run keys -- list" shows them).`);
      return async (keys) => {
        if (await valueOf(keys.revoke(id))) console.log(`${id} is revoked.`);
        else fail(`${id} is no key in force.`);
      };
    }
    case undefined:
    default:
      return fail(HELP);
  }
};

const main = async (): Promise<void> => {
  if (read().help === true) {
    process.stdout.write(HELP);
    return;
  }
  const action = actionOf();
  await withDatabase(async ({ config, url }) => {
    const log = createLogger('warn', process.stderr);
    const database = openDatabase({ url, poolMin: 0, poolMax: 1, acquireTimeoutMs: config.pool.acquireTimeoutMs, log });
    await action(createKeys(database.pool), /_live_/.test(config.stripe.secretKey) ? 'live' : 'test').finally(
      database.close,
    );
  });
};

await runTool(main);

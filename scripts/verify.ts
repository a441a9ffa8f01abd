/** Proves the books, or checks the file of a closed period without them. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { CHECK_NAMES } from '../src/domain/proof.ts';
import { chainFaults, faultsOf, type PeriodFile } from '../src/domain/period.ts';
import { micros } from '../src/domain/time.ts';
import { createLogger } from '../src/log.ts';
import { openDatabase } from '../src/storage/database.ts';
import { createProofs, type Checked } from '../src/storage/proof.ts';
import { commandLine } from './command-line.ts';
import { fail, runTool, withDatabase } from './database.ts';

const HELP = `
npm run verify                          prove all of the books, on the database that the service would use
npm run verify -- --file FILE           check the file of a closed period, without a database
npm run verify -- --file FILE --key PUB and that it was signed with this key: the public_key of /v1/ledger/periods

FILE is what GET /v1/ledger/periods answers, whole or a period or file of it. It ends with 1 where something is wrong, and
names it: which account, which row.
`;

const values = commandLine(HELP, { file: { type: 'string' }, key: { type: 'string' } });

const Line = z.strictObject({
  account: z.string().nullable(),
  kind: z.string(),
  currency: z.string(),
  ...Object.fromEntries(['opening', 'debits', 'credits', 'closing'].map((name) => [name, z.string().regex(/^-?\d+$/)])),
});
const File = z.looseObject({
  object: z.literal('period'),
  version: z.literal(1),
  number: z.int(),
  hash: z.string(),
  trial_balance: z.array(Line),
  content_hash: z.string(),
  public_key: z.string(),
  signature: z.string(),
});
const Answer = z.looseObject({ data: z.array(z.looseObject({ file: z.unknown() })) });
const Wrapped = z.looseObject({ file: z.looseObject({}) });

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return fail('it is no file of a closed period: it is not JSON');
  }
};

const filesIn = (text: string): PeriodFile[] => {
  const given = jsonOf(text);
  const answer = Answer.safeParse(given);
  const wrapped = Wrapped.safeParse(given);
  const found = answer.success
    ? answer.data.data.map(({ file }) => file).filter((file) => file !== null && file !== undefined)
    : [wrapped.success ? wrapped.data.file : given];
  return found.map((file) => {
    const read = File.safeParse(file);
    if (!read.success) return fail(`it is no file of a closed period: ${z.prettifyError(read.error)}`);
    // As it was parsed, since the order of its fields is signed.
    return file as PeriodFile;
  });
};

const checkFile = async (path: string): Promise<void> => {
  const files = filesIn(await readFile(path, 'utf8')).toSorted((a, b) => a.number - b.number);
  if (files.length === 0) fail('no period in it is closed');
  const faults = [
    ...files.flatMap((file) => faultsOf(file, values.key).map((fault) => `period ${file.number}: ${fault}`)),
    ...chainFaults(files),
  ];
  for (const { number, begins, ends, sequence, hash, findings } of files)
    console.log(
      `period ${number}: ${begins ?? 'the beginning'} to ${ends}, ${sequence} transfers, hash ${hash.slice(0, 16)}…, ` +
        `${findings === 0 ? 'nothing' : findings} found by its proof`,
    );
  for (const fault of faults) console.log(`WRONG  ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
  else if (values.key === undefined) console.log('right, by the key that is in it: --key says whose that is');
  else console.log('right, and signed with that key');
};

const describe = (checked: readonly Checked[]): void => {
  for (const [check, promise] of Object.entries(CHECK_NAMES)) {
    const own = checked.filter((one) => one.check === check);
    const findings = own.flatMap((one) => one.findings);
    const counted = own.reduce((sum, one) => sum + one.counted, 0);
    console.log(`${findings.length === 0 ? 'holds' : 'WRONG'}  ${promise} (${counted.toLocaleString('en')} looked at)`);
    for (const { account, subject, detail } of findings)
      console.log(`         ${subject}${account === null || account === subject ? '' : ` in ${account}`}: ${detail}`);
    if (findings.length > 0) process.exitCode = 1;
  }
};

await runTool(async () => {
  if (values.file !== undefined) return checkFile(values.file);
  return withDatabase(async ({ config, url }) => {
    const database = openDatabase({
      ...{ url, poolMin: 0, poolMax: 1, acquireTimeoutMs: config.pool.acquireTimeoutMs },
      ...{ isPrepared: config.pool.isPrepared, log: createLogger('warn', process.stderr) },
    });
    try {
      (await createProofs(database).prove({ merchant: null, since: null }, micros(Date.now()))).match(
        ({ checked }) => describe(checked),
        ({ message, cause }) => fail(`${message} ${String(cause)}`),
      );
    } finally {
      await database.close();
    }
  });
});

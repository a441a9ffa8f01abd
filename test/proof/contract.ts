/**
 * The proof that the OpenAPI document is true: others' tools read it, and the service does what it says.
 *
 *   npm run proof:contract -- [--install] [--cases 1000] [--seed 1]
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine, count } from '../../scripts/command-line.ts';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { createWorld, embedded } from '../support/world.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCUMENT = join(ROOT, 'src/contract/openapi.json');
/** Where `--install` puts what `npm ci` does not bring: beside npm's own, and gone with it. */
const INSTALLED = join(ROOT, 'node_modules/.cache/contract');
const MODULES = join(INSTALLED, 'node_modules');
const VENV = join(INSTALLED, 'venv/bin');

/** Versions that were seen to work; hey-api asks for a TypeScript of its own. */
const PACKAGES = ['@redocly/cli@2.77.0', '@hey-api/openapi-ts@0.99.0', 'typescript@5'];
const SCHEMATHESIS = 'schemathesis==4.32.5';

/**
 * What schemathesis asks that does not hold here. Each of its checks is made but these.
 *
 * - `positive_data_acceptance`: a body that its schema allows may be refused all the same, since JSON Schema knows no rules
 *   of money: a customer that is not there, a fraction that the currency has not, two fields that exclude each other.
 */
const NOT_ASKED = ['positive_data_acceptance'];

const runs = (program: string, args: readonly string[]): boolean =>
  spawnSync(program, args, { stdio: 'ignore' }).status === 0;

const install = (): void => {
  mkdirSync(INSTALLED, { recursive: true });
  runs('npm', ['install', '--prefix', INSTALLED, '--no-save', '--no-audit', '--no-fund', ...PACKAGES]);
  if (!existsSync(join(VENV, 'python'))) runs('python3', ['-m', 'venv', join(INSTALLED, 'venv')]);
  runs(join(VENV, 'python'), ['-m', 'pip', 'install', '--quiet', SCHEMATHESIS]);
};

interface Told {
  readonly code: number | null;
  readonly text: string;
}

const run = async (program: string, args: readonly string[], cwd = INSTALLED): Promise<Told> => {
  const child = spawn(program, args, {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NO_COLOR: '1' },
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, text };
};

const say = (name: string, isGood: boolean, line: string, { text }: Told): void => {
  console.log(`${name.padEnd(13)} ${line}`);
  if (isGood) return;
  console.log(text.slice(-12_000));
  process.exitCode = 1;
};

const skip = (name: string): void => console.log(`${name.padEnd(13)} SKIPPED: it is not here; --install brings it`);

const lint = async (): Promise<void> => {
  const redocly = join(MODULES, '.bin/redocly');
  if (!existsSync(redocly)) {
    skip('redocly');
    return;
  }
  const told = await run(redocly, ['lint', DOCUMENT]);
  const warnings = /(\d+) warning/.exec(told.text)?.[1];
  const isClean = told.code === 0 && warnings === undefined;
  say('redocly', isClean, isClean ? 'the document is valid, without a warning' : 'finds fault with the document', told);
};

/** A client that another's tool makes of the document charges a card. */
const generate = async (url: string): Promise<void> => {
  const heyApi = join(MODULES, '.bin/openapi-ts');
  if (!existsSync(heyApi)) {
    skip('hey-api');
    return;
  }
  // Elsewhere: what lies below node_modules is a library to TypeScript, and not emitted.
  const dir = await createTempDir('generated');
  const made = await run(heyApi, ['-i', DOCUMENT, '-o', join(dir, 'generated')]);
  await writeFile(
    join(dir, 'shop.ts'),
    `import { createCustomer, createPayment } from './generated/index.ts';
import { client } from './generated/client.gen.ts';
client.setConfig({ baseUrl: ${JSON.stringify(url)}, auth: 'sk_test_demo' });
const { data: customer } = await createCustomer({ body: { name: 'Ada' } });
const { data: paid, error } = await createPayment({
  headers: { 'Idempotency-Key': crypto.randomUUID() },
  body: { customer: customer!.id, amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true },
});
console.log(paid?.status ?? JSON.stringify(error));
`,
  );
  const emitted = join(dir, 'emitted');
  await writeFile(
    join(dir, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        ...{ strict: true, skipLibCheck: true, types: [], lib: ['es2024', 'dom', 'dom.iterable'], target: 'es2022' },
        ...{ module: 'esnext', moduleResolution: 'bundler', outDir: emitted, allowImportingTsExtensions: true },
        rewriteRelativeImportExtensions: true,
      },
      files: ['shop.ts'],
    }),
  );
  const typed = await run(join(MODULES, '.bin/tsc'), ['-p', dir]);
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  const paid = await run(process.execPath, ['--import', RESOLVE, join(emitted, 'shop.js')]);
  const isGood = made.code === 0 && typed.code === 0 && paid.text.trim() === 'succeeded';
  say('hey-api', isGood, isGood ? 'its client is typed, and charges a card' : 'its client does not work', {
    code: paid.code,
    text: made.text + typed.text + paid.text,
  });
};

/** What it makes names its files without the endings that Node asks for. */
const RESOLVE =
  'data:text/javascript,import { registerHooks } from "node:module"; registerHooks({ resolve: (name, context, next) => { ' +
  'try { return next(name, context); } catch { try { return next(name + ".js", context); } catch { return next(name + "/index.js", context); } } } });';

const ROLES = ['sk_test_demo', 'pk_test_demo', 'fk_test_demo', 'ok_test_demo', 'none'] as const;

interface Operations {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Requests that follow from the document, and some that don't: no 500, and no reply but those it lists. */
const explore = async (url: string, cases: number, seed: number): Promise<void> => {
  const schemathesis = join(VENV, 'schemathesis');
  if (!existsSync(schemathesis)) {
    skip('schemathesis');
    return;
  }
  const { paths } = JSON.parse(await readFile(DOCUMENT, 'utf8')) as Operations;
  const operations = Object.values(paths).reduce((sum, methods) => sum + Object.keys(methods).length, 0);
  const examples = Math.max(1, Math.ceil(cases / ROLES.length / operations));
  for (const key of ROLES) {
    const told = await run(schemathesis, [
      ...['run', DOCUMENT, '--url', url, '--phases', 'examples,coverage,fuzzing', '--max-examples', String(examples)],
      ...['--seed', String(seed), '--exclude-checks', NOT_ASKED.join(','), '--generation-database', 'none'],
      ...(key === 'none' ? [] : ['-H', `Authorization: Bearer ${key}`]),
    ]);
    const sent = /(\d+) generated/.exec(told.text)?.[1] ?? 'no';
    const isGood = told.code === 0;
    say(
      'schemathesis',
      isGood,
      `${key.padEnd(13)} ${sent} cases${isGood ? ', each answered as the document says' : ''}`,
      told,
    );
  }
};

const USAGE = `
npm run proof:contract -- [options]

Has others' tools read /openapi.json: @redocly/cli lints it, a client that hey-api makes of it charges a card, and
schemathesis sends what follows from it, and what does not, with the key of each role and with none.
What is not on this machine is skipped, and said so.

  --install    first brings those tools, beside npm's own
  --cases N    how many requests schemathesis makes up, of all roles together, at least (1000)
  --seed N     which ones (1)
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    install: { type: 'boolean', default: false },
    cases: { type: 'string', default: '1000' },
    seed: { type: 'string', default: '1' },
  });
  const [cases, seed] = [count('cases', values.cases), count('seed', values.seed)];
  if (values.install) install();
  await lint();
  const world = await createWorld();
  try {
    const { url } = await world.start(await embedded(world));
    await generate(url);
    await explore(url, cases, seed);
  } finally {
    await world.close();
  }
};

if (import.meta.main) await main();

/**
 * The proof that Stripe's own libraries, in their current versions, take the sandbox for Stripe; and that those of
 * Standard Webhooks verify what a receiver hears of this service, its secret replaced twice in a day.
 *
 *   npm run proof:libraries -- [--install] [--only node,python,go]
 *
 * Each language has a script of its own beside this file, which does what Stripe's documents show: customers, payment
 * methods, payments, setups, refunds, disputes, payouts, events, signatures.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { commandLine, misused } from '../../scripts/command-line.ts';
import { hearDeliveries } from './libraries/deliveries.ts';
import { createWorld } from '../support/world.ts';

const FOLDER = fileURLToPath(new URL('libraries/', import.meta.url));
/** Where `--install` puts what npm does not bring: beside npm's own, and gone with it. */
const INSTALLED = fileURLToPath(new URL('../../node_modules/.cache/libraries/', import.meta.url));
const VENV_PYTHON = join(INSTALLED, 'venv/bin/python');

/** What is known to be otherwise, by language. */
const KNOWN: Readonly<Record<Language, readonly string[]>> = { node: [], python: [], go: [] };

const LANGUAGES = ['node', 'python', 'go'] as const;
type Language = (typeof LANGUAGES)[number];

const runs = (program: string, args: readonly string[], cwd = FOLDER): boolean =>
  spawnSync(program, args, { cwd, stdio: 'ignore' }).status === 0;

/** The command of a language's script; or why there is none here. */
const commandOf = (language: Language): { command: string; args: string[]; cwd: string } | { missing: string } => {
  switch (language) {
    case 'node':
      return { command: process.execPath, args: [join(FOLDER, 'flows.ts')], cwd: FOLDER };
    case 'python': {
      const python = [VENV_PYTHON, 'python3'].find((one) => runs(one, ['-c', 'import stripe, standardwebhooks']));
      return python === undefined
        ? { missing: 'python3 with the packages stripe and standardwebhooks' }
        : { command: python, args: [join(FOLDER, 'flows.py')], cwd: FOLDER };
    }
    case 'go': {
      const cwd = join(FOLDER, 'go');
      mkdirSync(INSTALLED, { recursive: true });
      return runs('go', ['build', '-o', join(INSTALLED, 'flows-go'), '.'], cwd)
        ? { command: join(INSTALLED, 'flows-go'), args: [], cwd }
        : { missing: 'go, with the modules of test/proof/libraries/go' };
    }
  }
};

const install = (): void => {
  if (runs('python3', ['--version']) && !existsSync(VENV_PYTHON)) {
    const isMade = runs('python3', ['-m', 'venv', join(INSTALLED, 'venv')]);
    if (isMade) runs(VENV_PYTHON, ['-m', 'pip', 'install', '--quiet', 'stripe', 'standardwebhooks']);
  }
  if (runs('go', ['version'])) runs('go', ['mod', 'download'], join(FOLDER, 'go'));
};

export interface LibraryProof {
  readonly language: Language;
  readonly version: string;
  readonly passed: readonly string[];
  readonly failed: readonly string[];
}

const runFlows = async (language: Language, url: string, file: string): Promise<LibraryProof | string> => {
  const found = commandOf(language);
  if ('missing' in found) return found.missing;
  const child = spawn(found.command, [...found.args, url, file], {
    cwd: found.cwd,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const lines = said.trim().split('\n');
  const told = (word: string): string[] =>
    lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
  const failed = code === 0 ? told('no') : [...told('no'), `it ended with ${code ?? 'a signal'}`];
  return { language, version: told('version')[0] ?? '', passed: told('ok'), failed };
};

const USAGE = `
npm run proof:libraries -- [options]

Has Stripe's own libraries do what its documents show against the sandbox, and Standard Webhooks' libraries verify what
a receiver hears of this service, before and after two rotations of its secret. What is not on this machine is skipped, and said so.

  --only a,b   of node, python, go (all)
  --install    first brings the packages of python and go, beside npm's own
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    only: { type: 'string', default: LANGUAGES.join(',') },
    install: { type: 'boolean', default: false },
  });
  const wanted = values.only.split(',').map((word) => {
    return LANGUAGES.find((one) => one === word) ?? misused(`--only knows ${LANGUAGES.join(', ')}, and no "${word}"`);
  });
  if (values.install) install();
  const world = await createWorld();
  try {
    const deliveries = await hearDeliveries(world);
    console.log(`heard   ${deliveries.length} deliveries of a service, its secret replaced twice between them`);
    const file = join(world.dataDir, 'deliveries.json');
    await writeFile(file, JSON.stringify(deliveries));
    for (const language of wanted) {
      const proof = await runFlows(language, world.sandboxUrl, file);
      if (typeof proof === 'string') {
        console.log(`${language.padEnd(7)} SKIPPED: needs ${proof}`);
        continue;
      }
      const known = proof.failed.filter((line) => KNOWN[language].some((one) => line.startsWith(one)));
      const unknown = proof.failed.filter((line) => !known.includes(line));
      const total = proof.passed.length + proof.failed.length;
      console.log(
        `${language.padEnd(7)} ${proof.version}: ${proof.passed.length} of ${total} flows, ${known.length} known differences`,
      );
      for (const line of known) console.log(`  known: ${line}`);
      for (const line of unknown) console.log(`  DIFFERS: ${line}`);
      if (unknown.length > 0 || proof.passed.length === 0) process.exitCode = 1;
    }
  } finally {
    await world.close();
  }
};

if (import.meta.main) await main();

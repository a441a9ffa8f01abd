/** Packs src/client into something that `npm install ./quittance-client-….tgz` takes. See `--help`. */
import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { commandLine } from './command-line.ts';
import { createTempDir } from './temp-dir.ts';

const { out } = commandLine(
  `npm run pack:client -- [--out DIR]

  Writes quittance-client-1.0.0.tgz: JavaScript and types, for Node and browsers, with no dependency but neverthrow.

  --out DIR   where to; the present folder where none is named
`,
  { out: { type: 'string', default: '.' } },
);

const ROOT = join(import.meta.dirname, '..');
const SOURCE = join(ROOT, 'src/client');
const { dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: { neverthrow: string };
};
const dir = await createTempDir('client');
await mkdir(join(dir, 'dist'));

const files = (await readdir(SOURCE)).filter((file) => file.endsWith('.ts')).map((file) => join(SOURCE, file));
const program = ts.createProgram(files, {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.ESNext,
  moduleResolution: ts.ModuleResolutionKind.Bundler,
  lib: ['lib.es2024.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts', 'lib.dom.asynciterable.d.ts'],
  types: [],
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: true,
  declaration: true,
  rewriteRelativeImportExtensions: true,
  allowImportingTsExtensions: true,
  outDir: join(dir, 'dist'),
});
const { diagnostics } = program.emit();
const problems = [...ts.getPreEmitDiagnostics(program), ...diagnostics];
if (problems.length > 0) {
  process.stderr.write(ts.formatDiagnostics(problems, ts.createCompilerHost({})));
  process.exit(1);
}
for (const file of (await readdir(join(dir, 'dist'))).filter((name) => name.endsWith('.d.ts'))) {
  const path = join(dir, 'dist', file);
  await writeFile(path, (await readFile(path, 'utf8')).replaceAll(/(from '\.\/[^']+)\.ts'/g, "$1.js'"));
}
await writeFile(
  join(dir, 'package.json'),
  JSON.stringify(
    {
      name: 'quittance-client',
      version: '1.0.0',
      description: 'The client of Quittance: Results instead of exceptions, each request done once.',
      type: 'module',
      exports: {
        '.': { types: './dist/index.d.ts', default: './dist/index.js' },
        './checkout': { types: './dist/checkout.d.ts', default: './dist/checkout.js' },
      },
      files: ['dist'],
      dependencies: { neverthrow: dependencies.neverthrow },
    },
    null,
    2,
  ),
);
await mkdir(out, { recursive: true });
process.stdout.write(execFileSync('npm', ['pack', '--pack-destination', resolve(out)], { cwd: dir }));

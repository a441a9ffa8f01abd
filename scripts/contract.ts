/** What follows from the table of routes: the OpenAPI document, the page of `/docs` and the client's types. See `--help`. */
import { randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { docsPage } from '../src/contract/docs.ts';
import type { Examples } from '../src/contract/examples.ts';
import { openApi } from '../src/contract/openapi.ts';
import { clientApi } from '../src/contract/typescript.ts';
import { routes } from '../src/http/routes.ts';
import { commandLine } from './command-line.ts';
import { recordExamples } from './contract/record.ts';

const values = commandLine(
  `npm run docs:contract -- [--check] [--record URL]

  Writes src/contract/openapi.json, src/contract/docs.html and src/client/api.ts from the table of routes.

  --check       only says whether what is committed is stale
  --record URL  first asks a service that was started by "npm start" there, and keeps what it answers as the examples
`,
  { check: { type: 'boolean' }, record: { type: 'string' } },
);

const ROOT = join(import.meta.dirname, '..');
const EXAMPLES = join(ROOT, 'src/contract/examples.json');

const write = async (file: string, text: string, parser: 'json' | 'typescript' | undefined): Promise<void> => {
  const path = join(ROOT, file);
  const pretty = parser ? await format(text, { ...(await resolveConfig(path)), parser }) : text;
  if (!values.check) return writeFile(path, pretty);
  if ((await readFile(path, 'utf8').catch(() => '')) === pretty) return;
  console.error(`${file} is stale: run "npm run docs:contract" and commit what it writes.`);
  process.exitCode = 1;
};

if (values.record !== undefined) {
  const recorded = await recordExamples(values.record, () => randomUUID());
  await write('src/contract/examples.json', JSON.stringify(recorded), 'json');
}
const examples = JSON.parse(await readFile(EXAMPLES, 'utf8')) as Examples;
await write('src/contract/openapi.json', JSON.stringify(openApi(routes, examples)), 'json');
await write('src/contract/docs.html', docsPage(routes, examples), undefined);
await write('src/client/api.ts', clientApi(routes), 'typescript');

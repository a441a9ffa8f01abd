/**
 * Draws into README.md what the folders import of each other, and how a charge, a refund and a webhook go through the files:
 * what each imports of the others, and what of the Context it uses; and shows the function that all of it is about. `--check` writes nothing and fails where a drawing is stale.
 */
import { glob, readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { commandLine } from './command-line.ts';

const values = commandLine(
  `npm run docs:tour
npm run docs:tour:check

Draws into README.md the folders, and how a charge, a refund and a webhook go through the files, from imports and the use of the Context,
and shows there the function that they are about, as it stands.

  --check  writes nothing, and fails where a drawing is stale`,
  { check: { type: 'boolean', default: false } },
);

const README = new URL('../README.md', import.meta.url);
const SOURCE = new URL('../src/', import.meta.url);

/** A way through the code. */
interface Tour {
  readonly title: string;
  /** Which files it passes, the first of them where it comes in. A file that none of the others leads to fails. */
  readonly files: readonly string[];
  /** What is asked of it, and the one function that says it, which is looked for in that file. */
  readonly asked: readonly (readonly [question: string, file: string, name: string])[];
}

const TOURS: readonly Tour[] = [
  {
    title: 'A charge',
    files: [
      'http/routes.ts',
      'payments/create.ts',
      'payments/perform.ts',
      'stripe/cards.ts',
      'storage/commit.ts',
      'storage/batch.ts',
      'storage/tables/payments.ts',
      'domain/decide.ts',
      'domain/lifecycle.ts',
      'domain/postings.ts',
    ],
    asked: [
      ['what is claimed, and who may pay with what', 'payments/create.ts', 'createPayment'],
      ['what Stripe is asked', 'stripe/cards.ts', 'send'],
      ['what may become of it, and by whom', 'domain/lifecycle.ts', 'applyTransition'],
      ['what it posts', 'domain/postings.ts', 'posting'],
      ['what is written', 'storage/tables/payments.ts', 'PAYMENTS'],
      ['what a dead process left', 'payments/recover.ts', 'sweep'],
      ['what is shown', 'domain/reply.ts', 'paymentView'],
    ],
  },
  {
    title: 'A refund',
    files: [
      'http/routes.ts',
      'payments/refund.ts',
      'payments/with-stripe.ts',
      'stripe/cards.ts',
      'storage/commit.ts',
      'storage/batch.ts',
      'storage/tables/refunds.ts',
      'domain/decide.ts',
      'domain/lifecycle.ts',
      'domain/refunds.ts',
      'domain/move.ts',
      'domain/postings.ts',
      'jobs/list.ts',
      'payments/recover.ts',
      'payments/inbox.ts',
      'payments/balance.ts',
      'payments/facts.ts',
      'domain/reply.ts',
    ],
    asked: [
      ['what is claimed', 'payments/refund.ts', 'createRefund'],
      ['whether Stripe can be asked now', 'payments/with-stripe.ts', 'withStripe'],
      ['whether the payment has so much left', 'domain/refunds.ts', 'refundAsked'],
      ['whether the wallet has: by its rule, as for all that moves', 'domain/move.ts', 'move'],
      ['what Stripe is asked', 'stripe/cards.ts', 'refund'],
      ['what became of it: its status, and what it posts', 'domain/refunds.ts', 'refundSettled'],
      ['what is written', 'storage/tables/refunds.ts', 'writeRefunds'],
      ['what Stripe tells of it by itself', 'payments/refund.ts', 'refundTold'],
      ['what a dead process left', 'payments/refund.ts', 'refundRecovery'],
      ['what is shown', 'domain/reply.ts', 'refundView'],
    ],
  },
  {
    title: 'A webhook of Stripe',
    files: [
      'http/stripe-webhook.ts',
      'storage/inbox.ts',
      'jobs/list.ts',
      'payments/inbox.ts',
      'payments/facts.ts',
      'payments/dispute.ts',
      'stripe/events.ts',
      'storage/commit.ts',
      'storage/batch.ts',
      'domain/decide.ts',
      'domain/lifecycle.ts',
      'domain/disputes.ts',
      'domain/postings.ts',
    ],
    asked: [
      ['whether it is from Stripe, and kept', 'http/stripe-webhook.ts', 'stripeWebhook'],
      ['what each is of', 'payments/inbox.ts', 'applyEvents'],
      ['what a payment becomes by it', 'payments/facts.ts', 'applyIntent'],
      ['what a refund becomes by it', 'payments/refund.ts', 'refundTold'],
      ['what a dispute becomes by it', 'payments/dispute.ts', 'disputeTold'],
      ['what a dispute posts: what was taken, given back, lost', 'domain/disputes.ts', 'disputed'],
    ],
  },
];

/** What of the Context is made where. */
const GIVEN: Readonly<Record<string, string>> = {
  commit: 'storage/commit.ts',
  cards: 'stripe/cards.ts',
  inbox: 'storage/inbox.ts',
  stripeEvents: 'stripe/events.ts',
};
/** Where work waits in a row for who takes it from there. */
const HANDED_ON: readonly (readonly [from: string, to: string, how: string])[] = [
  ['storage/inbox.ts', 'jobs/list.ts', 'taken by a job'],
  ['payments/refund.ts', 'jobs/list.ts', 'found by a job where its answer is lost'],
  ['jobs/list.ts', 'payments/balance.ts', 'its lines are read by a job'],
];

/** The files that this one takes values from, as paths in src/. Types alone lead nowhere. */
const importsOf = (file: string, text: string): string[] =>
  [...text.matchAll(/^(?:import|export) (?!type)[^;]*? from '(\.[^']+)';$/gm)].map(([, path = '']) =>
    new URL(path, new URL(file, SOURCE)).pathname.slice(SOURCE.pathname.length),
  );

/** What it uses of the Context: `ctx.commit`. */
const usesOf = (text: string): string[] =>
  Object.keys(GIVEN).filter((name) => new RegExp(`\\bctx\\s*\\.${name}\\b`).test(text));

const arrowsOf = async ({ files }: Tour): Promise<string[]> => {
  const node = (file: string): string => `n${files.indexOf(file)}["${file}"]`;
  const led = new Set(files.slice(0, 1));
  const arrows: string[] = [];
  for (const file of files) {
    const text = await readFile(new URL(file, SOURCE), 'utf8');
    const imported = importsOf(file, text).map((to) => [to, '-->'] as const);
    const given = usesOf(text).map((name) => [GIVEN[name] ?? '', `-. ctx.${name} .->`] as const);
    const handed = HANDED_ON.filter(([from]) => from === file).map(([, to, how]) => [to, `-. ${how} .->`] as const);
    for (const [to, arrow] of [...imported, ...given, ...handed]) {
      if (to === file || !files.includes(to)) continue;
      led.add(to);
      arrows.push(`  ${node(file)} ${arrow} ${node(to)}`);
    }
  }
  const lost = files.filter((file) => !led.has(file));
  if (lost.length > 0)
    throw new Error(`Nothing of the tour leads to ${lost.join(', ')}: mend TOURS in scripts/tour.ts.`);
  return [...new Set(arrows)];
};

/** Files of src/ itself are the assembly, and import of every folder: but for what is under all of them. */
const folderOf = (file: string): string | undefined => {
  if (file === 'error.ts' || file === 'error-table.ts') return 'error';
  return file.includes('/') ? file.slice(0, file.indexOf('/')) : undefined;
};

/** A line from each folder to those that it takes values from; but none where another way leads there. */
const foldersOf = async (): Promise<string[]> => {
  const imported = new Map<string, Set<string>>();
  for await (const file of glob('**/*.ts', { cwd: SOURCE })) {
    const from = folderOf(file);
    if (from === undefined) continue;
    const all = imported.get(from) ?? new Set();
    imported.set(from, all);
    for (const to of importsOf(file, await readFile(new URL(file, SOURCE), 'utf8')).map(folderOf))
      if (to !== undefined && to !== from) all.add(to);
  }
  const reaches = (from: string, to: string): boolean =>
    [...(imported.get(from) ?? [])].some((next) => next === to || reaches(next, to));
  const back = [...imported.keys()].filter((folder) => reaches(folder, folder));
  if (back.length > 0) throw new Error(`Imports lead back to where they began: ${back.join(', ')}.`);
  const lines = [...imported].flatMap(([from, all]) =>
    [...all]
      .filter((to) => ![...all].some((other) => other !== to && reaches(other, to)))
      .map((to) => `  ${from} --> ${to}`),
  );
  return lines.sort();
};

/** Where each thing that is asked is answered; a function that is not there fails. */
const answersOf = async ({ asked }: Tour): Promise<string> => {
  const rows = asked.map(async ([question, file, name]) => {
    const text = await readFile(new URL(file, SOURCE), 'utf8');
    if (!new RegExp(`^(?:export )?(?:const|function) ${name}\\b|^  const ${name} =`, 'm').test(text))
      throw new Error(`There is no ${name} in ${file}: mend TOURS in scripts/tour.ts.`);
    return `| ${question} | \`${name}\` in \`${file}\` |`;
  });
  return ['| asked | said by |', '| --- | --- |', ...(await Promise.all(rows))].join('\n');
};

const draw = async (readme: string): Promise<string> => {
  const drawings = [`The folders:\n\n\`\`\`mermaid\nflowchart TD\n${(await foldersOf()).join('\n')}\n\`\`\``];
  for (const tour of TOURS)
    drawings.push(
      `${tour.title}:\n\n\`\`\`mermaid\nflowchart LR\n${(await arrowsOf(tour)).join('\n')}\n\`\`\`\n\n${await answersOf(tour)}`,
    );
  const [start, end] = ['<!-- docs:tour -->', '<!-- docs:tour ends -->'];
  if (!readme.includes(start) || !readme.includes(end)) throw new Error('README.md has no place for the tour.');
  const before = readme.slice(0, readme.indexOf(start) + start.length);
  const text = `${before}\n\n${drawings.join('\n\n')}\n\n${readme.slice(readme.indexOf(end))}`;
  return format(text, { ...(await resolveConfig(README)), parser: 'markdown' });
};

/** The story's function, as it stands in the service and in the client. */
const STORY = [
  ['payments/create.ts', 'const processPayment'],
  ['client/index.ts', 'const chargeWith'],
] as const;

/** A declaration, without the words above it: to the line before the next empty one. */
const declarationIn = async (file: string, begins: string): Promise<string> => {
  const text = await readFile(new URL(file, SOURCE), 'utf8');
  const from = text.indexOf(`\n${begins}`);
  if (from < 0) throw new Error(`There is no ${begins} in ${file}: mend STORY in scripts/tour.ts.`);
  return text.slice(from + 1, text.indexOf('\n\n', from));
};

const show = async (text: string): Promise<string> => {
  const shown = await Promise.all(
    STORY.map(async ([file, begins]) => `\`src/${file}\`:\n\n\`\`\`ts\n${await declarationIn(file, begins)}\n\`\`\``),
  );
  const [start, end] = ['<!-- docs:story -->', '<!-- docs:story ends -->'];
  if (!text.includes(start) || !text.includes(end)) throw new Error('README.md has no place for the story.');
  const before = text.slice(0, text.indexOf(start) + start.length);
  const after = text.slice(text.indexOf(end));
  return format(`${before}\n\n${shown.join('\n\n')}\n\n${after}`, {
    ...(await resolveConfig(README)),
    parser: 'markdown',
  });
};

const readme = await readFile(README, 'utf8');
const drawn = await show(await draw(readme));
if (!values.check) await writeFile(README, drawn);
else if (drawn !== readme) {
  console.error('The tour in README.md is stale: run "npm run docs:tour" and commit what it writes.');
  process.exitCode = 1;
}

/** What the books prove of themselves: each promise, how much was looked at, and what is wrong, by its name. */
import { z } from 'zod';
import { CHECK_NAMES } from '../../domain/proof.ts';
import type { ProofView } from '../../domain/ledger-views.ts';
import type { Served } from '../../http/serve.ts';
import { askForProof, readProving } from '../../ledger/proof.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { formAction } from '../form.ts';
import { ABSENT, count } from '../money.ts';
import { page } from '../page.ts';
import { facts, idOf, idOrNone, placeOf, state, time, timeAt } from '../pieces.ts';
import { section } from '../sections.ts';
import { table, type Column } from '../table.ts';

type Part = NonNullable<ProofView['whole']>;
type Check = Part['checks'][number];
type Finding = Check['findings'][number];

/** A promise, as the last proof of everything has it, and the last of what came since; undefined where nothing is of it. */
interface Row {
  readonly promise: string;
  readonly whole: Check | undefined;
  readonly since: Check | undefined;
}

const rowsOf = ({ whole, since }: ProofView): readonly Row[] =>
  Object.entries(CHECK_NAMES).map(([name, promise]) => {
    const of = (part: Part | null): Check | undefined => part?.checks.find(({ check }) => check === name);
    return { promise, whole: of(whole), since: of(since) };
  });

const columns: readonly Column<Row>[] = [
  { head: 'Promise', isHead: true, cell: ({ promise }) => html`${promise}` },
  {
    head: 'Result',
    cell: ({ whole, since }) =>
      whole === undefined && since === undefined
        ? state('nothing to look at')
        : state([whole, since].every((one) => one?.holds ?? true) ? 'holds' : 'wrong'),
  },
  { head: 'Looked at', isNumber: true, cell: ({ whole }) => html`${count(whole?.counted ?? 0)}` },
  {
    head: 'And since',
    isNumber: true,
    cell: ({ since }) => (since === undefined ? ABSENT : html`${count(since.counted)}`),
  },
];

const findingColumns: readonly Column<Finding>[] = [
  {
    head: 'Where',
    isHead: true,
    cell: ({ subject }) => (placeOf(subject) === undefined ? html`<bdi class="text">${subject}</bdi>` : idOf(subject)),
  },
  { head: 'Account', cell: ({ account }) => idOrNone(account) },
  { head: 'What is wrong', cell: ({ detail }) => html`<bdi class="text">${detail}</bdi>` },
];

/** What is wrong stands above all else. A row that both proofs have found is told once. */
const findings = ({ whole, since }: ProofView): Page => {
  const all = [whole, since].flatMap((part) => part?.checks.flatMap((check) => check.findings) ?? []);
  const found = [...new Map(all.map((one) => [JSON.stringify(one), one])).values()];
  if (found.length === 0) return NOTHING;
  return section(
    'What is wrong',
    html`<p>
        On-call was told when it was found. Nothing is mended by itself: the rows are as they were found, so that you
        can see what they say.
      </p>
      ${table({ caption: `${count(found.length)} found`, columns: findingColumns, rows: found })}`,
  );
};

const madeAt = (part: Part | null, zone: string): Page =>
  part === null
    ? ABSENT
    : html`${timeAt(part.proved_at, zone)} <small>of what was posted before ${time(part.proved_to, zone)}</small>`;

const runNow = (askedAt: string | null, isFirst: boolean, zone: string): Page =>
  askedAt === null
    ? html`<form method="post" action="/console/proof"><button class="primary">Prove all of it now</button></form>`
    : html`<p class="quiet">
        Asked for at ${timeAt(askedAt, zone)}, and under
        way${isFirst ? '' : ': what stands below is the one before it'}.
        <a href="/console/proof">Look again</a>
      </p>`;

const proofPage = page({
  path: '/console/proof',
  class: 'report',
  show: (ctx, { session: { merchant }, zone }) =>
    readProving(ctx, merchant).map(({ proof, askedAt }) => {
      const { holds, whole, since, sealed } = proof;
      return {
        title: 'Proof',
        heading: html`Proof of the books ${holds === null ? state('not made yet') : state(holds ? 'holds' : 'wrong')}`,
        actions: runNow(askedAt, whole === null, zone),
        main: html`<p class="lead">
            The service adds up its own books again and again, from the rows alone: all of them now and then, and in
            between what came since. Whoever doubts it can do the same beside it: <code>npm run verify</code>.
          </p>
          ${facts([
            ['All of it was proven', madeAt(whole, zone)],
            ['What came since was proven', madeAt(since, zone)],
          ])}
          ${findings(proof)}
          ${section(
            'What is promised',
            whole === null
              ? html`<div class="empty">
                  <p>No proof was made yet: the first is made within minutes of a start.</p>
                </div>`
              : table({
                  caption:
                    'Each promise, how many rows the last proof of everything looked at for it, and how many the last since',
                  columns,
                  rows: rowsOf(proof),
                }),
          )}
          ${section(
            'Sealed',
            sealed === null
              ? html`<p class="quiet">Nothing yet: a transfer is sealed some seconds after it was posted.</p>`
              : html`<p>
                    A seal remembers what each transfer said when it was posted: one that is changed later, however well
                    it adds up, is named. A period closes over it, as a file that you keep.
                  </p>
                  ${facts([
                    ['Transfers', html`${count(sealed.sequence)}`],
                    ['Posted before', timeAt(sealed.to, zone)],
                    ['Hash over all of them', idOf(sealed.hash, { long: true })],
                  ])}`,
            html`<a href="/console/periods">Periods</a>`,
          )}`,
      };
    }),
});

const proveNow = formAction({
  path: '/console/proof',
  params: z.strictObject({}),
  body: z.strictObject({}),
  back: () => '/console/proof',
  act: (ctx, { merchant }) => askForProof(ctx, merchant),
});

export const proofPages: readonly Served<Session>[] = [proofPage, proveNow];

/** Periods: what is closed, each as a file that an auditor checks without us, and the one that is open. */
import { err, ok } from 'neverthrow';
import { z } from 'zod';
import type { PeriodsView, PeriodView } from '../../domain/ledger-views.ts';
import type { PeriodFile, PeriodLine } from '../../domain/period.ts';
import { toIso } from '../../domain/time.ts';
import { paymentError } from '../../error.ts';
import * as takes from '../../http/requests.ts';
import { safely } from '../../http/route.ts';
import type { Served } from '../../http/serve.ts';
import { closePeriod, listPeriods, readPeriod } from '../../ledger/proof.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { BALANCE_SUMS } from '../columns.ts';
import { formAction } from '../form.ts';
import { ABSENT, amount, count } from '../money.ts';
import { CONSOLE_HEADERS, page } from '../page.ts';
import { capital, facts, idOf, state, timeAt, timeIn, words } from '../pieces.ts';
import { section } from '../sections.ts';
import { table, type Column } from '../table.ts';

const ofPeriod: z.ZodType<{ number: number }> = z.strictObject({
  number: z
    .string()
    .regex(/^[1-9]\d{0,5}$/)
    .transform(Number),
});

const columnsIn = (zone: string): readonly Column<PeriodView>[] => [
  {
    head: 'Period',
    isHead: true,
    cell: ({ number, state: its }) =>
      its === 'open' ? html`${number}` : html`<a href="/console/periods/${number}">${number}</a>`,
  },
  { head: 'Status', cell: ({ state: its }) => (its === 'open' ? state(its, 'plain') : state(its)) },
  { head: 'Begins', cell: ({ begins }) => (begins === null ? html`the beginning` : timeAt(begins, zone)) },
  {
    head: 'Last day',
    cell: ({ last_day: day, tz }) =>
      day === null ? ABSENT : html`<time datetime="${day}">${day}</time> <small>${tz ?? ''}</small>`,
  },
  {
    head: 'Transfers up to its end',
    isNumber: true,
    cell: ({ file }) => (file === null ? ABSENT : html`${count(file.sequence)}`),
  },
  { head: 'Its proof found', cell: ({ file }) => (file === null ? ABSENT : foundBy(file)) },
  { head: 'File', cell: ({ file }) => (file === null ? ABSENT : download(file)) },
];

const foundBy = ({ findings }: PeriodFile): Page =>
  findings === 0 ? state('nothing', 'ok') : state(`${count(findings)} faults`, 'bad');

const nameOf = ({ number }: Pick<PeriodFile, 'number'>): string => `period-${number}.json`;
const download = (file: PeriodFile): Page =>
  html`<a href="/console/periods/${file.number}/file" download="${nameOf(file)}">${nameOf(file)}</a>`;

/** It says what closes, and that nothing undoes it. */
const closeForm = ({ number, begins }: PeriodView, zone: string, today: string): Page =>
  html`<details class="approve">
    <summary>Close period ${number}…</summary>
    <form method="post" action="/console/periods">
      <p>
        This closes period ${number}, from ${begins === null ? 'the beginning' : timeAt(begins, zone)} to the end of the
        day that you name. It moves no money. It is not undone: what is found later is corrected by a new transfer, in a
        later period.
      </p>
      <label for="ends">Its last day, which is over</label>
      <input
        id="ends"
        name="ends"
        type="date"
        min="${begins === null ? '1970-01-02' : timeIn(begins, zone).slice(0, 10)}"
        max="${today}"
        required
      />
      <label for="tz">Whose day</label>
      <input id="tz" name="tz" value="${zone}" required maxlength="64" autocomplete="off" spellcheck="false" />
      <small class="quiet">An IANA name, such as Europe/Berlin.</small>
      <button class="primary">Close period ${number}</button>
    </form>
  </details>`;

/** What an auditor does with the file, and with which key. */
const howTo = (publicKey: string, name: string): Page =>
  html`<p>
      The file says by itself whether it is right: its trial balance adds up, its hash is of what it says, and its
      signature is of this key. Keep the key elsewhere than the files: whoever could write into the database could also
      sign.
    </p>
    ${facts([['Public key, Ed25519', idOf(publicKey, { long: true })]])}
    <p>In a clone of this service, without a database:</p>
    <pre tabindex="0" aria-label="How the file is checked by this service">
npm run verify -- --file ${name} --key ${publicKey}</pre>
    <details class="more">
      <summary>With nothing of ours: jq and OpenSSL</summary>
      <pre tabindex="0" aria-label="How the file is checked by jq and OpenSSL">
jq -cj 'del(.content_hash, .public_key, .signature)' ${name} &gt; content
sha256sum content                                  # is the file's content_hash
jq -rj .signature ${name} | base64 -d &gt; signature
echo ${publicKey} | base64 -d | openssl pkey -pubin -inform DER -out key.pem
openssl pkeyutl -verify -rawin -pubin -inkey key.pem -in content -sigfile signature</pre>
    </details>`;

const list = ({ data }: PeriodsView, zone: string): Page =>
  table({ caption: `Periods, newest first. Times in ${zone}.`, columns: columnsIn(zone), rows: data });

const periodsPage = page({
  path: '/console/periods',
  class: 'report',
  show: (ctx, { session: { merchant }, zone }) =>
    listPeriods(ctx, merchant).map((periods) => {
      const open = periods.data.find((period) => period.state === 'open');
      const closed = periods.data.find(({ file }) => file !== null)?.file;
      const isClosing = periods.data.some((period) => period.state === 'closing');
      return {
        title: 'Periods',
        main: html`<p class="lead">
            A closed period is what you hand to an auditor: how many transfers there were, a hash over each of them, and
            the trial balance, signed. The next one goes on where it ended.
          </p>
          ${isClosing ? html`<p class="quiet" role="status">One is being closed, which takes some seconds. <a href="/console/periods">Look again</a></p>` : NOTHING}
          ${list(periods, zone)}
          ${open === undefined ? NOTHING : closeForm(open, zone, timeIn(toIso(ctx.clock.now()), zone).slice(0, 10))}
          ${section('How a file is checked', howTo(periods.public_key, closed ? nameOf(closed) : 'period-1.json'))}`,
      };
    }),
});

const close = formAction({
  path: '/console/periods',
  params: z.strictObject({}),
  body: takes.periodEnd,
  back: () => '/console/periods',
  act: (ctx, { merchant }, _, body) => closePeriod(ctx, merchant, body),
});

const balanceOf = ({ trial_balance: lines }: PeriodFile): Page =>
  html`${[...Map.groupBy(lines, ({ currency }) => currency)].map(([currency, own]) => {
    const code = currency.toUpperCase();
    const sum = (of: (line: PeriodLine) => string): bigint => own.reduce((all, line) => all + BigInt(of(line)), 0n);
    return section(
      code,
      table<PeriodLine>({
        caption: `Trial balance of the period in ${code}`,
        columns: [
          {
            head: 'Account',
            isHead: true,
            cell: ({ account, kind }) =>
              account === null
                ? html`${capital(words(kind))}s`
                : html`<a href="/console/accounts/${account}">${capital(words(kind))}</a>`,
          },
          ...BALANCE_SUMS.map(([head, name]): Column<PeriodLine> => ({
            head: `${head}, ${code}`,
            isNumber: true,
            cell: (line) => amount(line[name], currency),
          })),
        ],
        rows: own,
        foot: [
          [
            html`Total`,
            ...BALANCE_SUMS.map(([, name]) =>
              amount(
                sum((line) => line[name]),
                currency,
              ),
            ),
          ],
        ],
      }),
    );
  })}`;

const onePeriod = page({
  path: '/console/periods/:number',
  class: 'report',
  params: ofPeriod,
  show: (ctx, { session: { merchant }, params: { number }, zone }) =>
    readPeriod(ctx, merchant, number).map(({ file, begins, ends, last_day: day, tz, state: its }) => ({
      title: `Period ${number}`,
      heading: html`<small>Period</small> ${number} ${state(its)}`,
      ...(file === null
        ? {}
        : {
            actions: html`<a class="button" href="/console/periods/${number}/file" download="${nameOf(file)}"
              >Download ${nameOf(file)}</a
            >`,
          }),
      main: html`${facts([
        ['Begins', begins === null ? html`the beginning` : timeAt(begins, zone)],
        ['Ends', timeAt(ends, zone)],
        ['Last day', html`${day ?? ''}, ${tz ?? ''}`],
        ...(file === null
          ? []
          : ([
              ['Transfers up to its end', html`${count(file.sequence)}`],
              ['Its proof found', foundBy(file)],
              ['Hash over them', idOf(file.hash, { long: true })],
              ['Hash of the period before', idOf(file.previous_hash, { long: true })],
              ['Signature', idOf(file.signature, { long: true })],
            ] as const)),
      ])}
      ${
        file === null
          ? html`<p>
              It is being closed, which takes some seconds. <a href="/console/periods/${number}">Look again</a>
            </p>`
          : html`${balanceOf(file)} ${section('How its file is checked', howTo(file.public_key, nameOf(file)))}`
      }`,
    })),
});

/** The file itself: the order of its fields is what was signed. */
const periodFile: Served<Session> = {
  method: 'GET',
  path: '/console/periods/:number/file',
  roles: ['secret', 'finance'],
  class: 'report',
  cors: false,
  key: 'none',
  schemas: { body: undefined },
  run: (ctx, { principal: { merchant }, request }) => {
    request.record.headers = CONSOLE_HEADERS;
    return safely(ofPeriod, request.params)
      .asyncAndThen(({ number }) => readPeriod(ctx, merchant, number))
      .andThen(({ file }) =>
        file === null
          ? err(paymentError('route_not_found', { message: 'It is not closed yet.' }))
          : ok({
              status: 200,
              body: `${JSON.stringify(file, null, 2)}\n`,
              headers: {
                'Content-Type': 'application/json; charset=utf-8',
                'Content-Disposition': `attachment; filename="${nameOf(file)}"`,
              },
            }),
      );
  },
};

export const periodPages: readonly Served<Session>[] = [periodsPage, close, onePeriod, periodFile];

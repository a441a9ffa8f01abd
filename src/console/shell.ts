/** What every page of the console has around it. */
import { statusOf, ERRORS, type PaymentError } from '../error.ts';
import { html, NOTHING, prose, type Page } from '../pages/html.ts';
import type { Session } from '../storage/sessions.ts';

/** What a page shows. */
export interface Shown {
  readonly title: string;
  /** Instead of the title, above it all. */
  readonly heading?: Page;
  /** Beside the heading: what may be done. */
  readonly actions?: Page;
  /** Across the page, where what it shows is not how things stand now, or something is wrong. */
  readonly banner?: Page;
  readonly main: Page;
  readonly status?: number;
  /** Another page, which is shown instead. */
  readonly to?: string;
  /** Where something is drawn by a script. */
  readonly hasChart?: true;
}

const NAV: readonly (readonly [title: string, pages: readonly (readonly [path: string, title: string])[]])[] = [
  ['', [['/console', 'Overview']]],
  [
    'Money in and out',
    [
      ['/console/payments', 'Payments'],
      ['/console/refunds', 'Refunds'],
      ['/console/customers', 'Customers'],
      ['/console/disputes', 'Disputes'],
      ['/console/payouts', 'Payouts'],
    ],
  ],
  [
    'Ledger',
    [
      ['/console/accounts', 'Accounts'],
      ['/console/trial-balance', 'Trial balance'],
      ['/console/activity', 'Activity'],
      ['/console/periods', 'Periods'],
      ['/console/proof', 'Proof'],
    ],
  ],
  [
    'To look into',
    [
      ['/console/contradictions', 'Contradictions'],
      ['/console/unknown', 'Unknown outcomes'],
      ['/console/events', 'Events'],
    ],
  ],
];

const nav = (path: string): Page =>
  html`${NAV.map(
    ([title, pages]) =>
      html`<div class="group">
        ${title === '' ? NOTHING : html`<h2>${title}</h2>`}
        <ul>
          ${pages.map(([to, name]) => {
            const isHere = to === '/console' ? path === to : path === to || path.startsWith(`${to}/`);
            return html`<li><a href="${to}" ${{ html: isHere ? 'aria-current="page"' : '' }}>${name}</a></li>`;
          })}
        </ul>
      </div>`,
  )}`;

const document = (title: string, kind: string, body: Page, head: Page = NOTHING): string =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${title} · Quittance</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
        <link rel="stylesheet" href="/console/console.css" />
        ${head}
      </head>
      <body class="${kind}">
        ${body}
      </body>
    </html> `.html;

const MARK: Page = {
  html: '<svg class="mark" viewBox="0 0 20 20" aria-hidden="true" focusable="false"><path d="M10 2.5a7.5 7.5 0 1 0 5.3 12.8l2.2 2.2"/><path d="M6.6 10.2l2.4 2.4 8-8.4"/></svg>',
};

/** The whole page. `path` is where it is, without its query; `readAt` is when it was read, which is told on paper. */
export const shell = (session: Session, path: string, shown: Shown, readAt: string): string =>
  document(
    `${shown.title} · ${session.name}`,
    'console',
    html`<a class="skip" href="#main">To the content</a>
      <header class="side">
        <details class="menu">
          <summary><span class="brand">${MARK}Quittance</span><span class="menu-word">Menu</span></summary>
        </details>
        <div class="menu-body">
          <p class="brand">${MARK}Quittance</p>
          <form class="find" role="search" action="/console/find">
            <label class="said" for="find">Find by id, reference or e-mail</label
            ><input
              id="find"
              name="q"
              type="search"
              placeholder="Id, reference, e-mail"
              autocomplete="off"
              spellcheck="false"
              maxlength="400"
            /><kbd aria-hidden="true">/</kbd>
          </form>
          <nav aria-label="Console">${nav(path)}</nav>
          <div class="who">
            <p><bdi>${session.name}</bdi> <small>${session.role} key</small></p>
            <form method="post" action="/console/sign-out"><button>Sign out</button></form>
          </div>
        </div>
      </header>
      <main id="main" tabindex="-1">
        <p class="paper"><bdi>${session.name}</bdi>, ${shown.title}. Read <span class="when">${readAt}</span>.</p>
        ${shown.banner === undefined ? NOTHING : html`<div class="banner">${shown.banner}</div>`}
        <div class="title">
          <h1>${shown.heading ?? shown.title}</h1>
          ${shown.actions === undefined ? NOTHING : html`<div class="actions">${shown.actions}</div>`}
        </div>
        ${shown.main}
      </main>`,
    html`${shown.hasChart ? html`<link rel="stylesheet" href="/console/uplot.css" />` : NOTHING}
      <script type="module" src="/console/console.js"></script>`,
  );

/** A page with nobody signed in: it says or asks one thing. */
export const plainPage = (title: string, main: Page): string =>
  document(
    title,
    'alone',
    html`<main>
      <p class="brand">${MARK}Quittance</p>
      <h1>${title}</h1>
      ${main}
    </main>`,
  );

/** What an error says to a person. */
export const errorPart = (error: PaymentError, requestId: string): Page =>
  html`<p class="said-wrong">${error.message}</p>
    <p>${prose_(ERRORS[error.code].advice)}</p>
    <p class="quiet">
      ${statusOf(error)} <a href="/docs/errors#${error.code}"><code>${error.code}</code></a
      >, request <code>${requestId}</code>
    </p>`;

const prose_ = (advice: string): Page => ({ html: prose(advice) });

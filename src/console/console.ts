/** `/console`: where finance staff read what the ledger holds. Its pages are served as routes are, by the same operations. */
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Express } from 'express';
import type { Authenticate } from '../http/authenticate.ts';
import { fileText, type Document } from '../http/documents.ts';
import { PAGE_HEADERS, type Cors } from '../http/headers.ts';
import { routes } from '../http/routes.ts';
import { createServe, type Served, type ServeOptions } from '../http/serve.ts';
import type { Session, Sessions } from '../storage/sessions.ts';
import { accountPages } from './pages/accounts.ts';
import { contradictionPages } from './pages/contradictions.ts';
import { eventPages } from './pages/events.ts';
import { findPage } from './pages/find.ts';
import { overviewPage } from './pages/overview.ts';
import { paymentPages } from './pages/payments.ts';
import { periodPages } from './pages/periods.ts';
import { proofPages } from './pages/proof.ts';
import { refundList } from './pages/refunds.ts';
import { accountPage } from './pages/statement.ts';
import { stripePages } from './pages/stripe.ts';
import { transferPage } from './pages/transfers.ts';
import { trialBalancePage } from './pages/trial-balance.ts';
import { createSessionCheck } from './session.ts';
import { fail, showSignIn, signIn, SIGN_IN, signOut, SIGN_OUT } from './sign-in.ts';

export interface ConsoleOptions {
  readonly sessions: Sessions;
  readonly demoKeys: boolean;
  readonly corsOrigins: '*' | readonly string[];
  /** Counts what one merchant asks for in a second. */
  readonly limit: (authenticate: Authenticate<Session>) => Authenticate<Session>;
}

/** What is read as a file is the API's own route, for who is signed in. */
const exportsOf = (name: string, path: string): readonly Served<Session>[] =>
  routes.filter((route) => route.name === name).map((route) => ({ ...route, path }));

const pages: readonly Served<Session>[] = [
  overviewPage,
  ...paymentPages,
  refundList,
  ...accountPages,
  accountPage,
  ...exportsOf('readStatement', '/console/accounts/:id/statement'),
  transferPage,
  trialBalancePage,
  ...exportsOf('readTrialBalance', '/console/trial-balance/export'),
  ...stripePages,
  ...exportsOf('readActivity', '/console/activity/export'),
  ...periodPages,
  ...proofPages,
  ...contradictionPages,
  ...eventPages,
  findPage,
];

const uplot = dirname(createRequire(import.meta.url).resolve('uplot'));
const beside = (path: string, type: string, text: () => string): Document => ({
  path: `/console/${path}`,
  type: `${type}; charset=utf-8`,
  headers: PAGE_HEADERS,
  text,
});

/** In this order: what comes later takes precedence. */
const SHEETS = ['frame', 'tables', 'pages', 'media'].map((name) => fileText(`pages/console/${name}.css`));

export const consoleDocuments: readonly Document[] = [
  beside('console.css', 'text/css', () => SHEETS.map((sheet) => sheet()).join('\n')),
  beside('console.js', 'text/javascript', fileText('pages/console/console.js')),
  beside('uplot.js', 'text/javascript', () => readFileSync(join(uplot, 'uPlot.esm.js'), 'utf8')),
  beside('uplot.css', 'text/css', () => readFileSync(join(uplot, 'uPlot.min.css'), 'utf8')),
];

/** Answers which methods each of its paths knows. */
export const mountConsole = (
  app: Express,
  options: ServeOptions,
  { sessions, demoKeys, corsOrigins, limit }: ConsoleOptions,
  cors: Cors,
): ReadonlyMap<string, readonly string[]> => {
  const { ctx, authenticate } = options;
  const check = limit(createSessionCheck(sessions, ctx.clock, { demoKeys, corsOrigins }));
  const serve = createServe<Session>({ ...options, authenticate: check, fail }, cors);
  for (const page of pages) {
    if (page.method === 'POST') app.post(page.path, serve(page));
    else app.get(page.path, serve(page));
  }
  app.get(SIGN_IN, showSignIn({ demoKeys }));
  app.post(SIGN_IN, signIn({ ctx, sessions, authenticate, demoKeys }));
  app.post(SIGN_OUT, signOut({ ctx, sessions }));
  return new Map([
    ...pages.map(({ path, method }) => [path, method === 'POST' ? ['POST'] : ['GET', 'HEAD']] as const),
    [SIGN_IN, ['GET', 'HEAD', 'POST']],
    [SIGN_OUT, ['POST']],
  ]);
};

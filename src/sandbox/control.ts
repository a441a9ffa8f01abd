import { readFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { err, ok, type Result } from 'neverthrow';
import { z } from 'zod';
import { isLocalHost } from '../address.ts';
import { badParam, type Failure, forbidden, notFound } from './failure.ts';
import { parseForm } from './params.ts';
import { act } from './act.ts';
import { challengePage } from './pages/challenge.ts';
import { helpPage } from './pages/help.ts';
import { cardsPage, eventPage, eventsPage, homePage, objectPage } from './pages/home.ts';
import type { Page } from '../pages/html.ts';
import { messagePage } from './pages/layout.ts';
import { paymentPage } from './pages/payment.ts';
import { updateByNetwork } from './payment-methods.ts';
import { answerPayment } from './attempt.ts';
import { answerSetup } from './setup-intents.ts';
import { challengeOf } from './three-d-secure.ts';
import { rememberPast } from './past.ts';
import { ACCOUNTS, createAutomaticPayout } from './payouts.ts';
import { jsonReply, render, type Reply, send } from './reply.ts';
import { headerOf, partsOf, readBody } from './request.ts';
import type { Sandbox } from './sandbox.ts';
import { asOfNow } from './scope.ts';
import type { Store } from './store.ts';
import { runDue } from './timers.ts';

/** A hundred years: enough for any test, and far from where dates end. */
const ADVANCE_S_MAX = 100 * 365 * 24 * 60 * 60;

const clockSchema = z.strictObject({ advance_s: z.coerce.number().min(0).max(ADVANCE_S_MAX) });

/** Everything that is not Stripe's: what the sandbox tells of itself, its faults, its clock and its pages. */
export const control = async (
  sandbox: Sandbox,
  request: IncomingMessage,
  response: ServerResponse,
  requestId: string,
): Promise<void> => {
  const { path, query } = partsOf(request);
  if (isOfAnotherPage(request)) {
    send(request, response, requestId, render(requestId, err(forbidden(OF_ANOTHER_PAGE, 'sandbox_other_origin'))));
    return;
  }
  if (path === '/_sandbox/export') return exportIntents(sandbox.store, response);
  const body = (await readBody(request)).andThen((text) => readBodyAs(request, text));
  runDue(sandbox.scope());
  const reply = body.match(
    (given) => answer(sandbox, request, path, query, given),
    (failure) => render(requestId, err(failure)),
  );
  send(request, response, requestId, reply);
  sandbox.webhooks.dispatch();
};

const OF_ANOTHER_PAGE = 'This was asked for by a page of another origin, which has no business here.';

/**
 * A page that a person has open elsewhere must not set faults or pay here, though his browser would let it: neither from
 * its own origin, nor by a name of its own that it has lead to this machine (DNS rebinding).
 */
const isOfAnotherPage = (request: IncomingMessage): boolean => {
  const [origin, host] = [headerOf(request, 'origin'), headerOf(request, 'host')];
  if (isOnlyHere(request) && !isLocalHost(host)) return true;
  return request.method !== 'GET' && origin !== undefined && URL.parse(origin)?.host !== host;
};
/** On another address than this machine's own, it is asked by whatever name it has there. */
const isOnlyHere = ({ socket }: IncomingMessage): boolean =>
  /^(?:::1|(?:::ffff:)?127\.)/.test(socket.localAddress ?? '');

/** A body of JSON, or of a form of its own pages: what a page elsewhere may send without asking is neither. */
const readBodyAs = (request: IncomingMessage, text: string): Result<unknown, Failure> => {
  if (text === '') return ok({});
  const type = headerOf(request, 'content-type') ?? '';
  if (type.startsWith('application/x-www-form-urlencoded')) return parseForm(text);
  if (!/^application\/json *(?:;|$)/i.test(type)) return err(badParam('The Content-Type must be application/json.'));
  try {
    return ok(JSON.parse(text));
  } catch {
    return err(badParam('The body is not JSON.'));
  }
};

const answer = (sandbox: Sandbox, request: IncomingMessage, path: string, query: string, given: unknown): Reply => {
  const { method = 'GET' } = request;
  const isForm = headerOf(request, 'content-type')?.startsWith('application/x-www-form-urlencoded') === true;
  const [, , topic = '', id, action] = path.split('/');
  const from = (result: Result<object, Failure>): Reply => render('req_sandbox', result);
  const sheet = method === 'GET' ? SHEETS[path] : undefined;
  if (sheet !== undefined) return { status: 200, body: sheet, headers: { 'Content-Type': 'text/css; charset=utf-8' } };
  switch (path === '/' ? `${method} home` : `${method} ${topic}${id === undefined ? '' : '/:id'}`) {
    case 'GET home':
      return html(200, homePage(sandbox));
    case 'GET cards':
      return html(200, cardsPage());
    case 'GET help':
      return html(200, helpPage(sandbox.scope().origin));
    case 'GET events':
      return html(200, eventsPage(sandbox));
    case 'GET events/:id':
    case 'GET objects/:id':
    case 'GET payments/:id':
      return html(...pageOf(sandbox, topic, id ?? ''));
    case 'POST act/:id':
      return act(sandbox, id ?? '', given).match(seeOther, ({ status, error }) =>
        html(status, messagePage('That was refused', error.message)),
      );
    case 'GET health':
      return jsonReply(200, { ok: true, pid: process.pid, file: sandbox.store.file });
    case 'GET count':
      return jsonReply(200, countsOf(sandbox));
    case 'GET clock':
      return jsonReply(200, clockOf(sandbox));
    case 'POST clock':
      return isForm
        ? advance(sandbox, given).match(
            () => seeOther('/'),
            (failure) => render('req_sandbox', err(failure)),
          )
        : from(advance(sandbox, given));
    case 'GET faults':
      return jsonReply(200, { data: sandbox.faults.list() });
    case 'POST faults':
      return from(sandbox.faults.add(given));
    case 'DELETE faults':
    case 'DELETE faults/:id':
      sandbox.faults.remove(id);
      return jsonReply(200, { data: sandbox.faults.list() });
    case 'POST payouts':
      return from(payOut(sandbox, given));
    case 'POST past':
      return from(rememberPast(sandbox.scope(), given));
    case 'POST payment_methods/:id':
      return action === 'update' ? from(newCard(sandbox, id ?? '', given)) : from(err(notFound(path)));
    case 'POST events/:id':
      return action === 'send' ? from(sendEvent(sandbox, id ?? '')) : from(err(notFound(path)));
    case 'GET 3ds':
      return openChallenge(sandbox, query);
    case 'GET 3ds/:id':
    case 'POST 3ds/:id':
      return challenge(sandbox, method, id ?? '', path, query, given);
    default:
      return from(err(notFound(path)));
  }
};

const seeOther = (location: string): Reply => ({ status: 303, body: '', headers: { Location: location } });

/** The look that all pages of the project share, and what only these have. */
const SHEETS: Readonly<Record<string, string>> = {
  '/style.css': readFileSync(new URL('../pages/style.css', import.meta.url), 'utf8'),
  '/sandbox.css': readFileSync(new URL('pages/sandbox.css', import.meta.url), 'utf8'),
};

/** The page of an event, of a payment, or of any other object. */
const pageOf = (sandbox: Sandbox, topic: string, id: string): [status: number, page: Page] => {
  const { store } = sandbox;
  if (topic === 'events') {
    const event = store.getEvent(id);
    if (event !== undefined) return [200, eventPage(sandbox, event)];
  } else {
    const object = store.getAny(id);
    if (object?.object === 'payment_intent' && topic === 'payments') return [200, paymentPage(sandbox, object)];
    if (object !== undefined) return [200, objectPage(sandbox, asOfNow(sandbox.scope(), object))];
  }
  return [404, messagePage('Not here', 'The sandbox has nothing of that id.')];
};

const clockOf = ({ clock }: Sandbox): object => ({
  now: clock.nowS(),
  offset_s: Math.round(clock.offsetMs() / 1000),
});

/** Moves the clock forward, and does all that fell due on the way. */
const advance = (sandbox: Sandbox, given: unknown): Result<object, Failure> => {
  const read = clockSchema.safeParse(given);
  if (!read.success) return err(badParam('advance_s must be a number of seconds, 0 or more.', 'advance_s'));
  sandbox.clock.advance(Math.round(read.data.advance_s * 1000));
  sandbox.store.setNumber('clock_offset_ms', sandbox.clock.offsetMs());
  sandbox.idempotency.forgetOld();
  runDue(sandbox.scope());
  return ok(clockOf(sandbox));
};

const payoutSchema = z.strictObject({
  currency: z.string(),
  destination: z.enum(ACCOUNTS).optional(),
  description: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

/** What Stripe does by itself every day: all that is available in a currency goes to the bank. */
const payOut = (sandbox: Sandbox, given: unknown): Result<object, Failure> => {
  const read = payoutSchema.safeParse(given);
  if (!read.success) return err(badParam('It takes currency, and may take destination, description and metadata.'));
  return sandbox.store.transaction(() => createAutomaticPayout(sandbox.scope(), read.data));
};

const newCardSchema = z.strictObject({
  exp_month: z.number().int().min(1).max(12).optional(),
  exp_year: z.number().int().min(2000).max(2099).optional(),
  last4: z
    .string()
    .regex(/^\d{4}$/)
    .optional(),
});

/** What Stripe does by itself when a bank has sent its customer another card. */
const newCard = (sandbox: Sandbox, id: string, given: unknown): Result<object, Failure> => {
  const read = newCardSchema.safeParse(given);
  if (!read.success) return err(badParam('It may take exp_month, exp_year and last4.'));
  return sandbox.store.transaction(() => updateByNetwork(sandbox.scope(), id, read.data));
};

const sendEvent = (sandbox: Sandbox, id: string): Result<object, Failure> =>
  sandbox.store.getEvent(id) === undefined
    ? err(notFound(`/_sandbox/events/${id}`))
    : ok({ event: id, endpoints: sandbox.webhooks.resend(id) });

const html = (status: number, page: Page): Reply => ({
  status,
  body: page.html,
  headers: {
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Security-Policy':
      "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'",
    // A form of these pages says where it is from; a merchant's page is not told where its customer was.
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
  },
});

/** Stands in for `handleNextAction` of Stripe.js, which is given the secret alone: the challenge that is open by then. */
const openChallenge = (sandbox: Sandbox, query: string): Reply => {
  const secret = new URLSearchParams(query).get('client_secret') ?? '';
  const { store } = sandbox;
  const [id = ''] = secret.split('_secret_');
  const intent = store.get('payment_intent', id) ?? store.get('setup_intent', id);
  const open = intent?.client_secret === secret ? challengeOf(intent) : undefined;
  return open ? seeOther(open.url) : bankPage(410, OVER);
};

const OVER = messagePage('This challenge is over', 'It was answered already, or another attempt has replaced it.');

/** A page of this machine may show it in a frame of its own, as Stripe.js does with a bank's. */
const bankPage = (status: number, page: Page): Reply => {
  const reply = html(status, page);
  const policy = reply.headers['Content-Security-Policy'] ?? '';
  return {
    ...reply,
    headers: { ...reply.headers, 'Content-Security-Policy': policy.replace("frame-ancestors 'none'", LOCAL_FRAMES) },
  };
};
const LOCAL_FRAMES = 'frame-ancestors http://127.0.0.1:* http://localhost:*';

/** The page where a person passes or fails 3-D Secure, and the answer to it. */
const challenge = (
  sandbox: Sandbox,
  method: string,
  intentId: string,
  path: string,
  query: string,
  given: unknown,
): Reply => {
  const scope = sandbox.scope();
  const { store } = sandbox;
  const intent = store.get('payment_intent', intentId) ?? store.get('setup_intent', intentId);
  const open = intent === undefined ? undefined : challengeOf(intent);
  if (intent === undefined || open?.url !== `${scope.origin}${path}?${query}`) {
    return bankPage(410, OVER);
  }
  if (method === 'GET') return bankPage(200, challengePage(intent));
  const passed = z.looseObject({ result: z.enum(['pass', 'fail']) }).safeParse(given);
  if (!passed.success) return html(400, messagePage('Nothing was answered', 'The result must be pass or fail.'));
  const didPass = passed.data.result === 'pass';
  const after = store.transaction(() =>
    intent.object === 'payment_intent' ? answerPayment(scope, intent, didPass) : answerSetup(scope, intent, didPass),
  );
  if (open.returnUrl === null) return bankPage(200, messagePage('Thank you', `It is now ${after.status}.`));
  const back = new URL(open.returnUrl);
  back.searchParams.set(after.object, after.id);
  back.searchParams.set(`${after.object}_client_secret`, after.client_secret ?? '');
  back.searchParams.set('source_type', 'card');
  const failed = (after.object === 'payment_intent' ? after.last_payment_error : after.last_setup_error) !== null;
  back.searchParams.set('redirect_status', failed ? 'failed' : 'succeeded');
  return { status: 303, body: '', headers: { Location: back.href } };
};

const countsOf = ({ store, seen }: Sandbox): Record<string, number> => {
  const counts = store.counts();
  const all = (kind: string): number =>
    Object.entries(counts).reduce((sum, [name, n]) => (name.startsWith(`${kind}.`) ? sum + n : sum), 0);
  return {
    payment_intents: all('payment_intent'),
    succeeded: counts['payment_intent.succeeded'] ?? 0,
    charges: counts['charge.succeeded'] ?? 0,
    declined: counts['charge.failed'] ?? 0,
    refunds: all('refund'),
    disputes: all('dispute'),
    deliveries_pending: store.pendingDeliveries(),
    ...seen,
  };
};

/** How many intents are read at a time, so that an export of a million stays small in memory. */
const EXPORT_PAGE = 500;

/** Every intent and its charges, one JSON object a line, oldest first. */
const exportIntents = async (store: Store, response: ServerResponse): Promise<void> => {
  response.writeHead(200, { 'Content-Type': 'application/x-ndjson' });
  for (let after = 0; !response.destroyed;) {
    const page = store.exportIntents(after, EXPORT_PAGE);
    after = page.at(-1)?.seq ?? after;
    const room = response.write(page.map(({ line }) => `${line}\n`).join(''));
    if (page.length < EXPORT_PAGE) break;
    if (!room) await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
  }
  response.end();
};

/** `/checkout/demo`: the page, what it is made of, and the part of the shop's server in it. */
import { randomUUID } from 'node:crypto';
import { createRequire, stripTypeScriptTypes } from 'node:module';
import { readFileSync } from 'node:fs';
import express, { type Request, type RequestHandler, type Response } from 'express';
import { err, errAsync, ok, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import { parseCurrency } from '../domain/currency.ts';
import type { CustomerId } from '../domain/ids.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { checkoutPage, checkoutPolicy, type CheckoutSettings } from '../pages/checkout.ts';
import { createPayment } from '../payments/create.ts';
import { DEMO_KEYS, type Authenticate } from './authenticate.ts';
import { ofReader } from './body.ts';
import { fileText, type Document } from './documents.ts';
import { PAGE_HEADERS, pageHeaders } from './headers.ts';
import { claimOf } from './idempotency.ts';
import { sendBytes, sendError } from './respond.ts';

export const CHECKOUT_PATH = '/checkout/demo';
const JAVASCRIPT = 'text/javascript; charset=utf-8';

/** The page and what it loads: the client as it is packed, each of its files without its types. */
export const checkoutDocuments = (settings: CheckoutSettings): readonly Document[] => [
  {
    path: CHECKOUT_PATH,
    type: 'text/html; charset=utf-8',
    headers: pageHeaders(checkoutPolicy(settings)),
    text: () => checkoutPage(settings),
  },
  document('/checkout/checkout.css', 'text/css; charset=utf-8', fileText('pages/checkout/checkout.css')),
  document('/checkout/pay.js', JAVASCRIPT, fileText('pages/checkout/pay.js')),
  ...['index', 'api', 'call', 'checkout', 'kept', 'words', 'webhook'].map((name) =>
    document(`/client/${name}.js`, JAVASCRIPT, () => withoutTypes(fileText(`client/${name}.ts`)())),
  ),
  document('/client/neverthrow.js', JAVASCRIPT, () => readFileSync(NEVERTHROW, 'utf8')),
];

const document = (path: string, type: string, text: () => string): Document => ({
  path,
  type,
  headers: PAGE_HEADERS,
  text,
});

const NEVERTHROW = createRequire(import.meta.url)
  .resolve('neverthrow')
  .replace('index.cjs.js', 'index.es.js');

/** As a browser takes it. */
const withoutTypes = (source: string): string =>
  stripTypeScriptTypes(source)
    .replace(/from '\.\/(\w+)\.ts'/g, "from './$1.js'")
    .replaceAll("from 'neverthrow'", "from './neverthrow.js'");

/** `amount=12.50` is all that a shop's customer may say. */
const BODY_MAX_BYTES = 1024;

/** What the shop's server does in the demo: it makes a payment of that amount, and sends the browser to pay it. */
export const openCheckout = (ctx: Context, authenticate: Authenticate, customer: CustomerId): RequestHandler => {
  const read = express.raw({ type: 'application/x-www-form-urlencoded', inflate: false, limit: BODY_MAX_BYTES });

  const open = (request: Request, response: Response, body: unknown): Promise<void> =>
    authenticate({
      headers: { ...request.headers, authorization: `Bearer ${DEMO_KEYS.secret}` },
      socket: request.socket,
    })
      .andThen(({ merchant }) =>
        amountOf(body).asyncAndThen((amount) => {
          const currency = parseCurrency('usd');
          if (!currency) return errAsync(paymentError('internal', { cause: new Error('no dollars') }));
          const { requestId } = request.record;
          const key = randomUUID();
          const claim = claimOf({
            ...{ merchant, operation: `POST ${CHECKOUT_PATH}`, key, sent: {}, understood: {}, isPublic: false },
          });
          return createPayment(
            ctx,
            { merchant, claim, requestId },
            {
              ...{ customer, amount, currency, paymentMethod: null, confirm: false, captureMethod: 'automatic' },
              ...{ returnUrl: null, description: 'One widget', metadata: {} },
            },
          );
        }),
      )
      .match(
        ({ body: made }) => {
          const { client_secret: secret } = JSON.parse(made) as { client_secret: string };
          sendBytes(request, response, 303, '', {
            Location: `${CHECKOUT_PATH}?client_secret=${encodeURIComponent(secret)}`,
            'Cache-Control': 'no-store',
          });
        },
        (error) => sendError(ctx, request, response, request.record, error),
      );

  return (request, response) => {
    request.record.route = CHECKOUT_PATH;
    read(request, response, (error: unknown) => {
      if (error !== undefined) sendError(ctx, request, response, request.record, ofReader(error, BODY_MAX_BYTES));
      else
        open(request, response, request.body).catch((cause: unknown) =>
          sendError(ctx, request, response, request.record, paymentError('internal', { cause })),
        );
    });
  };
};

/** From dollars to cents. Stripe charges no less than half of one. Errors: `invalid_request`. */
const amountOf = (body: unknown): Result<bigint, PaymentError> => {
  const written = Buffer.isBuffer(body) ? new URLSearchParams(body.toString()).get('amount') : null;
  const [, whole, cents = '00'] = /^(\d{1,6})(?:\.(\d\d))?$/.exec(written ?? '') ?? [];
  const amount = whole === undefined ? 0n : BigInt(whole + cents);
  return amount >= 50n
    ? ok(amount)
    : err(paymentError('invalid_request', { param: 'amount', message: 'amount: It must be dollars, from 0.50 on.' }));
};

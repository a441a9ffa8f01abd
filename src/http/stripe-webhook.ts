/** `POST /webhooks/stripe`: verified by its signature over the raw body, stored, acknowledged; applied afterwards. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { err, ok } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { sendError } from './route.ts';
import { sendReply } from './respond.ts';

/** The largest events of Stripe have some tens of kilobytes. */
const EVENT_MAX_BYTES = 1024 * 1024;

const TAKEN: Reply = { status: 200, body: '{"received":true}' };

/** `onStored` is told that there is something to apply. `ofExpress` says what an error of the body's reader means. */
export const stripeWebhook = (
  ctx: Context,
  onStored: () => void,
  ofExpress: (error: unknown) => PaymentError,
): RequestHandler => {
  // The signature is over the bytes: whatever they say they are, they are read as they came.
  const readRaw = express.raw({ type: () => true, limit: EVENT_MAX_BYTES });

  const take = async (request: Request, response: Response): Promise<void> => {
    const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
    const signature = request.headers['stripe-signature'];
    const now = ctx.clock.now();
    const verified =
      typeof signature === 'string'
        ? ctx.stripeEvents.verify(body, signature, now)
        : err(paymentError('webhook_signature_invalid', { param: 'Stripe-Signature' }));
    await verified
      .andThen((event) => (event.payload.includes('\\u0000') ? err(paymentError('invalid_request')) : ok(event)))
      .asyncAndThen((event) => ctx.inbox.store([event], now))
      .match(
        () => {
          sendReply(request, response, TAKEN);
          onStored();
        },
        (error) => sendError(ctx, request, response, request.record, error),
      );
  };

  return (request, response) => {
    request.record.route = '/webhooks/stripe';
    readRaw(request, response, (error: unknown) => {
      if (error === undefined) void take(request, response);
      else sendError(ctx, request, response, request.record, ofExpress(error));
    });
  };
};

/** `POST /webhooks/stripe`: verified by its signature over the raw body, stored, acknowledged; applied afterwards. */
import express, { type Request, type RequestHandler, type Response } from 'express';
import { err, ok, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Reply } from '../domain/change.ts';
import { toMs, type Micros } from '../domain/time.ts';
import { paymentError, type PaymentError } from '../error.ts';
import { ofReader } from './body.ts';
import { createFollowBody } from './reading.ts';
import { sendError, sendReply } from './respond.ts';

/** The largest events of Stripe have some tens of kilobytes. */
const EVENT_MAX_BYTES = 1024 * 1024;
/** What bodies that are on their way may hold at once, of callers nobody knows: those that have not come hold nothing. */
const READING_MAX_BYTES = 32 * 1024 * 1024;
/** https://docs.stripe.com/webhooks#replay-attacks: as old as that at the most, and no further ahead than clocks differ. */
const TOLERANCE_MS = 300_000;

const TAKEN: Reply = { status: 200, body: '{"received":true}' };

/** `onStored` is told that there is something to apply. */
export const stripeWebhook = (
  ctx: Pick<Context, 'stripeEvents' | 'inbox' | 'clock' | 'log'>,
  onStored: () => void,
): RequestHandler => {
  // The signature is over the bytes: whatever they say they are, they are read as they came.
  const readRaw = express.raw({ type: () => true, inflate: false, limit: EVENT_MAX_BYTES });
  const followBody = createFollowBody(READING_MAX_BYTES);

  const fail = (request: Request, response: Response, error: PaymentError): void =>
    sendError(ctx, request, response, request.record, error);

  const take = async (request: Request, response: Response, signature: string): Promise<void> => {
    const body = Buffer.isBuffer(request.body) ? request.body.toString('utf8') : '';
    const now = ctx.clock.now();
    await ctx.stripeEvents
      .verify(body, signature, now)
      .asyncAndThen((event) => ctx.inbox.keep(event, now))
      .match(
        () => {
          sendReply(request, response, TAKEN);
          onStored();
        },
        (error) => fail(request, response, error),
      );
  };

  return (request, response) => {
    request.record.route = '/webhooks/stripe';
    const signature = signatureOf(request.headers['stripe-signature'], ctx.clock.now());
    if (signature.isErr()) {
      fail(request, response, signature.error);
      return;
    }
    const end = followBody(request, response, () => {
      response.once('finish', () => request.destroy());
      fail(request, response, paymentError('overloaded', { retryAfterS: 1 }));
    });
    readRaw(request, response, (error: unknown) => {
      end();
      if (response.headersSent) return;
      if (error !== undefined) fail(request, response, ofReader(error, EVENT_MAX_BYTES));
      else
        take(request, response, signature.value).catch((cause: unknown) =>
          fail(request, response, paymentError('internal', { cause })),
        );
    });
  };
};

/**
 * `t=1492774577,v1=5257a8…`, once, and of about now: looked at before a byte of the body is read. Errors:
 * `webhook_signature_invalid`.
 */
const signatureOf = (header: string | string[] | undefined, now: Micros): Result<string, PaymentError> => {
  if (typeof header === 'string' && /(?:^|,)v1=[0-9a-f]{64}(?:,|$)/.test(header)) {
    const seconds = [...header.matchAll(/(?:^|,)t=([^,]*)/g)].map(([, text = '']) => text);
    const [at = ''] = seconds;
    const isOne = seconds.length === 1 && /^\d{1,12}$/.test(at);
    if (isOne && Math.abs(toMs(now) - Number(at) * 1000) <= TOLERANCE_MS) return ok(header);
  }
  return err(paymentError('webhook_signature_invalid', { param: 'Stripe-Signature' }));
};

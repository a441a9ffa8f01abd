/** `/approve`: the page where a customer approves a payment, and the way from there to his bank. */
import type { Request, RequestHandler, Response } from 'express';
import { networkOf } from '../address.ts';
import type { Context } from '../context.ts';
import { toDecimal } from '../domain/currency.ts';
import type { Payment } from '../domain/payment.ts';
import { paymentError, statusOf, type PaymentError } from '../error.ts';
import { APPROVE_POLICY, approvePage, noApprovalPage, noPageNow, type Stage } from '../pages/approve.ts';
import { APPROVE_PATH, parseApproval, type Approval } from '../payments/approval.ts';
import { approve, isApprovable, readApproval } from '../payments/approve.ts';
import { pageHeaders } from './headers.ts';
import { claimOf } from './idempotency.ts';
import { noteError, sendBytes } from './respond.ts';

const HEADERS = pageHeaders(APPROVE_POLICY);
const HTML = { 'Content-Type': 'text/html; charset=utf-8', 'Cache-Control': 'no-store' };
/** Anyone may ask, and each asks the database, and perhaps Stripe: no more than leave room for others. */
const UNDER_WAY_MAX = 32;
/** Of those one network has a half; and one payment, which its customer looks at in a tab or two, no more than that. */
const OF_NETWORK_MAX = 16;
const OF_PAYMENT_MAX = 2;

export const serveApproval = (ctx: Context): { readonly show: RequestHandler; readonly go: RequestHandler } => {
  const underWay = new Map<string, number>();
  const taken = (name: string): number => underWay.get(name) ?? 0;
  const leave = (name: string): void => {
    if (taken(name) > 1) underWay.set(name, taken(name) - 1);
    else underWay.delete(name);
  };

  /** Who reads it is a person: it stays a page. */
  const fail = (request: Request, response: Response, error: PaymentError): void => {
    noteError(ctx, request.record, error);
    if (response.headersSent || response.destroyed) return;
    const headers = { ...HTML, 'Retry-After': String(error.retryAfterS ?? 1) };
    sendBytes(request, response, statusOf(error), noPageNow(), headers);
  };

  const show = async (
    request: Request,
    response: Response,
    approval: Approval,
    failed?: PaymentError,
  ): Promise<void> => {
    await readApproval(ctx, approval).match(
      (payment) => {
        const { amount, currency, returnUrl } = payment;
        const total = `${toDecimal(amount, currency)} ${currency.toUpperCase()}`;
        const shop = returnUrl !== null && isOwn(returnUrl, approval) ? null : returnUrl;
        const text = approvePage({ stage: stageOf(payment), total, returnUrl: shop, problem: failed?.message });
        sendBytes(request, response, failed ? statusOf(failed) : 200, text, HTML);
      },
      (error) => {
        if (error.code === 'payment_not_found') sendBytes(request, response, 404, noApprovalPage(), HTML);
        else fail(request, response, error);
      },
    );
  };

  const go = async (request: Request, response: Response, approval: Approval): Promise<void> => {
    const { requestId } = request.record;
    const { merchant } = approval;
    await approve(ctx, approval, {
      requestId,
      returnUrl: `${originOf(request)}${request.originalUrl}`,
      claimOf: (operation, key) =>
        claimOf({ ...{ merchant, operation, key, sent: {}, understood: {} }, isPublic: false }),
    }).match(
      ({ next_action: action }) => {
        const to = action?.type === 'redirect_to_url' ? action.redirect_to_url.url : request.originalUrl;
        sendBytes(request, response, 303, '', { Location: to, 'Cache-Control': 'no-store' });
      },
      (error) => show(request, response, approval, error),
    );
  };

  const limited =
    (serve: (request: Request, response: Response, approval: Approval) => Promise<void>): RequestHandler =>
    (request, response) => {
      request.record.route = APPROVE_PATH;
      request.record.headers = HEADERS;
      const approval = parseApproval(new URL(request.originalUrl, 'http://here').searchParams);
      if (!approval) {
        sendBytes(request, response, 404, noApprovalPage(), HTML);
        return;
      }
      const shares = [
        ['all', UNDER_WAY_MAX],
        [`network ${networkOf(request.socket.remoteAddress ?? '')}`, OF_NETWORK_MAX],
        [`payment ${approval.payment}`, OF_PAYMENT_MAX],
      ] as const;
      if (shares.some(([name, max]) => taken(name) >= max)) {
        fail(request, response, paymentError('overloaded'));
        return;
      }
      for (const [name] of shares) underWay.set(name, taken(name) + 1);
      serve(request, response, approval)
        .catch((cause: unknown) => fail(request, response, paymentError('internal', { cause })))
        .finally(() => shares.forEach(([name]) => leave(name)));
    };

  return { show: limited(show), go: limited(go) };
};

const stageOf = (payment: Payment): Stage => {
  if (isApprovable(payment)) return 'open';
  const { status } = payment;
  if (status === 'succeeded' || status === 'requires_capture') return 'paid';
  return status === 'processing' ? 'waiting' : 'over';
};

/** Whether it is this page that the bank's sends him back to, for want of the shop's. */
const isOwn = (returnUrl: string, { clientSecret }: Approval): boolean => {
  const { pathname, searchParams } = new URL(returnUrl);
  return pathname === APPROVE_PATH && searchParams.get('client_secret') === clientSecret;
};

/** A form says where it is from, behind whatever ends TLS. */
const originOf = ({ headers: { origin, host } }: Request): string =>
  origin !== undefined && URL.canParse(origin) ? origin : `http://${host ?? 'localhost'}`;

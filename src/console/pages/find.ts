/** From what a person has in hand to its page: an id, an e-mail address, or a payment's reference. */
import { errAsync, okAsync, type ResultAsync } from 'neverthrow';
import { z } from 'zod';
import type { Context } from '../../context.ts';
import type { MerchantId } from '../../domain/ids.ts';
import type { PaymentError } from '../../error.ts';
import * as takes from '../../http/requests.ts';
import { safely } from '../../http/route.ts';
import type { Served } from '../../http/serve.ts';
import { readDispute } from '../../ledger/stripe-lists.ts';
import { html } from '../../pages/html.ts';
import { listPayments, readRefund } from '../../payments/read.ts';
import type { Session } from '../../storage/sessions.ts';
import { addressOf, page } from '../page.ts';
import { placeOf } from '../pieces.ts';

const asked: z.ZodType<{ q: string }> = z.strictObject({ q: z.string().max(400).default('') });

type Place = ResultAsync<string | undefined, PaymentError>;

/** What has no page of its own is told of on that of its payment. */
const ofPayment = <View extends { readonly payment: string }>(found: ResultAsync<View, PaymentError>): Place =>
  found.map(({ payment }): string | undefined => placeOf(payment)).orElse(orNowhere);

const orNowhere = (error: PaymentError): Place =>
  error.code.endsWith('_not_found') || error.code === 'invalid_request' ? okAsync(undefined) : errAsync(error);

const placeFor = (ctx: Context, merchant: MerchantId, q: string): Place => {
  const known = placeOf(q);
  if (known !== undefined) return okAsync(known);
  if (q.startsWith('re_'))
    return ofPayment(safely(takes.ofRefund, { id: q }).asyncAndThen(({ id }) => readRefund(ctx, merchant, id)));
  if (q.startsWith('dp_'))
    return ofPayment(safely(takes.ofDispute, { id: q }).asyncAndThen(({ id }) => readDispute(ctx, merchant, id)));
  if (q.includes('@')) return okAsync(addressOf('/console/customers', { email: q }));
  if (q === '') return okAsync(undefined);
  return safely(takes.payments, { reference: q, limit: '1' })
    .asyncAndThen((filter) => listPayments(ctx, merchant, filter, false))
    .map(({ data }) => (data.length === 0 ? undefined : addressOf('/console/payments', { reference: q })))
    .orElse(orNowhere);
};

export const findPage: Served<Session> = page({
  path: '/console/find',
  class: 'read',
  query: asked,
  show: (ctx, { session: { merchant }, query: { q } }) =>
    placeFor(ctx, merchant, q).map((to) => ({
      title: 'Nothing is found by that',
      status: 404,
      main: html`<p>
          Found are payments (<code>pay_</code>), refunds (<code>re_</code>), disputes (<code>dp_</code>), customers
          (<code>cus_</code>), accounts (<code>acct_</code>), transfers (<code>tr_</code>), payouts (<code>po_</code>)
          and events (<code>evt_</code>), each by its id; payments by their reference, and customers by their e-mail
          address, as they are written.
        </p>
        <p><a href="/console/payments">Payments</a> are found by amount and day, too.</p>`,
      ...(to === undefined ? {} : { to }),
    })),
});

/** `GET /v1/payments/:id/timeline`: what happened to a payment, in order, in words. */
import type { ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { toDecimal, type Currency } from '../domain/currency.ts';
import type { MerchantId, PaymentId } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';
import { toIsoMicros } from '../domain/time.ts';
import type { PaymentError } from '../error.ts';
import type { Happening } from '../storage/history.ts';

/** Errors: `payment_not_found`, `database_unavailable`. */
export const readTimeline = (ctx: Context, merchant: MerchantId, id: PaymentId): ResultAsync<object, PaymentError> =>
  ctx.reads.payment(merchant, id).andThen((payment) =>
    ctx.reads.history(merchant, id).map((history) => ({
      object: 'timeline',
      payment: id,
      status: payment.status,
      data: [created(payment), ...history.map((happening) => entry(happening, payment.currency))],
    })),
  );

const created = ({ createdAt, amount, currency, customer }: Payment): object => ({
  at: toIsoMicros(createdAt),
  what: `payment of ${toDecimal(amount, currency)} ${currency} created`,
  details: { customer },
});

const entry = ({ at, what, details }: Happening, currency: Currency): object => ({
  at: toIsoMicros(at),
  what: inWords(what, details, currency),
  details,
});

const inWords = (what: Happening['what'], details: Happening['details'], currency: Currency): string => {
  const say = (name: string): string => String(details[name] ?? '').replaceAll('_', ' ');
  const amount = details['amount'];
  const money = typeof amount === 'string' ? ` ${toDecimal(BigInt(amount), currency)} ${currency}` : '';
  switch (what) {
    case 'attempt began':
      return `${say('kind')}${money} sent to Stripe`;
    case 'attempt ended':
      return `${say('kind')}: ${say('outcome')}`;
    case 'posted':
      return `posted to the ledger: ${say('kind')}${money}`;
    case 'event':
      return `event ${say('type')}`;
    case 'delivery':
      return `event delivered to an endpoint: ${say('status') || say('error')}`;
    case 'told by stripe':
      return `Stripe told: ${String(details['type'])} (${say('outcome') || 'not yet applied'})`;
  }
};

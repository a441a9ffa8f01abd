/** What the demo's past has at Stripe, told to the sandbox: a payment of it can be refunded like any other. */
import { err, ok, okAsync, ResultAsync } from 'neverthrow';
import { MERCHANT_TAG, PAYMENT_TAG, REFUND_TAG } from '../domain/tags.ts';
import { toMs, type Micros } from '../domain/time.ts';
import type { PastRows } from '../storage/seed.ts';

/** So many at once are well below what the sandbox takes in a request. */
const AT_ONCE = 50;

/** Errors: why it was not taken, in one line. */
export const tellSandbox = (sandboxUrl: string, past: readonly PastRows[]): ResultAsync<void, string> => {
  const payments = paymentsOf(past);
  const payouts = past.flatMap((rows) => rows.payouts.map(payoutOf));
  const parts = [
    ...slices(payments).map((some) => ({ payments: some, payouts: [] })),
    // After the lines that they are made of.
    ...slices(payouts).map((some) => ({ payments: [], payouts: some })),
  ];
  return parts.reduce<ResultAsync<void, string>>(
    (told, part) => told.andThen(() => post(`${sandboxUrl}/_sandbox/past`, part)),
    okAsync(undefined),
  );
};

const slices = (all: readonly object[]): readonly (readonly object[])[] =>
  Array.from({ length: Math.ceil(all.length / AT_ONCE) }, (_, nth) => all.slice(nth * AT_ONCE, (nth + 1) * AT_ONCE));

const post = (url: string, body: object): ResultAsync<void, string> =>
  ResultAsync.fromPromise(
    fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }).then(
      async (reply) => ({ isTaken: reply.ok, said: `${reply.status} ${await reply.text()}` }),
    ),
    String,
  ).andThen(({ isTaken, said }) => (isTaken ? ok() : err(`it answered ${said}`)));

const seconds = (at: Micros): number => Math.floor(toMs(at) / 1000);

const payoutOf = ({ payout, currency, amount, createdAt }: PastRows['payouts'][number]): object => ({
  ...{ id: payout, currency, amount: Number(amount), created: seconds(createdAt) },
});

/** Of each its tries, and what came of it later, whenever that was. */
const paymentsOf = (past: readonly PastRows[]): object[] => {
  const by = <T extends { readonly payment: string }>(of: (rows: PastRows) => readonly T[]): Map<string, T[]> =>
    Map.groupBy(past.flatMap(of), ({ payment }) => payment);
  const attempts = by((rows) => rows.attempts);
  const lines = by((rows) => rows.lines);
  const refunds = by((rows) => rows.refunds);
  const disputes = by((rows) => rows.disputes);
  return past
    .flatMap((rows) => rows.payments)
    .map(({ id, merchant, intent, amount, currency, description, createdAt }) => {
      const own = lines.get(id) ?? [];
      const tags = { [PAYMENT_TAG]: id, [MERCHANT_TAG]: merchant };
      return {
        ...{ id: intent, amount: Number(amount), currency, description, created: seconds(createdAt), metadata: tags },
        charges: (attempts.get(id) ?? [])
          .filter(({ kind }) => kind === 'confirm')
          .map(({ id: attempt, paymentMethod: card, outcome, startedAt }) => ({
            id:
              outcome === 'succeeded'
                ? own.find(({ kind }) => kind === 'charge')?.source
                : `ch_demo${attempt.slice(4)}`,
            ...{ card, created: seconds(startedAt), declined: outcome === 'declined' },
          })),
        refunds: (refunds.get(id) ?? []).map(({ id: refund, stripeId, amount: back, createdAt: at }) => ({
          ...{ id: stripeId, amount: Number(back), created: seconds(at), metadata: { ...tags, [REFUND_TAG]: refund } },
        })),
        disputes: (disputes.get(id) ?? []).map(({ stripeId, amount: disputed, status, createdAt: at }) => ({
          ...{ id: stripeId, amount: Number(disputed), created: seconds(at), status },
        })),
        lines: own.map(({ id: line, source, gross, fee, createdAt: at, payout }) => ({
          ...{ id: line, source, gross: Number(gross), fee: Number(fee), created: seconds(at), payout },
        })),
      };
    });
};

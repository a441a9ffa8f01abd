import { z } from 'zod';
import { ok } from 'neverthrow';
import { readBalance } from '../balance.ts';
import { listObjects } from '../list.ts';
import { amount, clearableText, currency, metadata, pageParams, text, timeFilter } from '../params.ts';
import { ACCOUNTS, cancelPayout, createPayout, listOfPayout, updatePayout } from '../payouts.ts';
import { find } from '../scope.ts';
import { type Route, route } from './route.ts';

/** One of the account's bank accounts. */
const account: z.ZodType<(typeof ACCOUNTS)[number]> = text.transform((given, context) => {
  const found = ACCOUNTS.find((one) => one === given);
  if (found !== undefined) return found;
  context.addIssue({
    code: 'custom',
    message: `No such external account: '${given.slice(0, 100)}'`,
    params: { code: 'resource_missing' },
  });
  return z.NEVER;
});

const listTransactions = (path: string): Route =>
  route(
    'GET',
    path,
    {
      ...pageParams,
      currency: currency.optional(),
      payout: text.optional(),
      source: text.optional(),
      type: text.optional(),
    },
    (scope, { currency: settled, payout, source, type, ...page }) =>
      listOfPayout(scope, payout).andThen(() =>
        listObjects(scope, 'balance_transaction', '/v1/balance_transactions', page, {
          ...{ currency: settled, payout, source, type },
        }),
      ),
  );

export const moneyRoutes: readonly Route[] = [
  route('GET', '/v1/balance', {}, (scope) => ok(readBalance(scope))),
  listTransactions('/v1/balance_transactions'),
  listTransactions('/v1/balance/history'),
  route('GET', '/v1/balance_transactions/:id', {}, (scope, _input, id) => find(scope, 'balance_transaction', id)),
  route('GET', '/v1/balance/history/:id', {}, (scope, _input, id) => find(scope, 'balance_transaction', id)),
  route(
    'POST',
    '/v1/payouts',
    {
      amount,
      currency,
      description: clearableText.optional(),
      destination: account.optional(),
      metadata: metadata.optional(),
      method: z.enum(['standard']).optional(),
      source_type: z.enum(['card']).optional(),
      statement_descriptor: text.optional(),
    },
    (scope, input) => createPayout(scope, input),
  ),
  route(
    'GET',
    '/v1/payouts',
    {
      ...pageParams,
      arrival_date: timeFilter.optional(),
      destination: text.optional(),
      status: text.optional(),
    },
    (scope, { arrival_date: arrives, destination, status, ...page }) =>
      listObjects(scope, 'payout', '/v1/payouts', page, { destination, status }, { arrival_date: arrives }),
  ),
  route('GET', '/v1/payouts/:id', {}, (scope, _input, id) => find(scope, 'payout', id)),
  route('POST', '/v1/payouts/:id', { metadata: metadata.optional() }, (scope, input, id) =>
    updatePayout(scope, id, input.metadata),
  ),
  route('POST', '/v1/payouts/:id/cancel', {}, (scope, _input, id) => cancelPayout(scope, id)),
];

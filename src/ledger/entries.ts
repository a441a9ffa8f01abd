/** The entries of an account, page by page, and its statement. */
import { err, ok, okAsync, type Result, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { Account } from '../domain/account.ts';
import { spanOf, type Asked, type Span } from '../domain/cut.ts';
import type { Entry, Statement } from '../domain/entry.ts';
import type { AccountId, MerchantId, TransferId } from '../domain/ids.ts';
import { entryView, pageView } from '../domain/reply.ts';
import type { LaneError } from '../domain/refusals.ts';
import { plusMicros, type Micros } from '../domain/time.ts';
import type { EntryView } from '../domain/ledger-views.ts';
import type { ListView } from '../domain/views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { EntryFilter } from '../storage/entries.ts';
import type { Page } from '../storage/pages.ts';

export interface EntriesAsked extends Asked, Page<TransferId>, Pick<EntryFilter, 'direction' | 'category' | 'payment'> {
  readonly order: 'asc' | 'desc';
}

type Reader = Pick<Context, 'ledger' | 'reads' | 'clock'>;
export type AccountError = PaymentError<'account_not_found' | 'invalid_request'> | LaneError;

const accountOf = ({ reads }: Reader, merchant: MerchantId, id: AccountId): ResultAsync<Account, AccountError> =>
  reads.account(merchant, id).andThen((found) => (found ? ok(found) : err(paymentError('account_not_found'))));

/** Errors: `account_not_found`, `invalid_request` for a time or a cursor that is none, `database_unavailable`. */
export const listEntries = (
  ctx: Reader,
  merchant: MerchantId,
  id: AccountId,
  asked: EntriesAsked,
): ResultAsync<ListView<EntryView>, AccountError> => {
  const { startingAfter, endingBefore, direction, category, payment, order } = asked;
  const isBack = endingBefore !== undefined;
  const url = `/v1/accounts/${id}/entries`;
  return accountOf(ctx, merchant, id)
    .andThen(() => spanOf(asked, ctx.clock.now()))
    .andThen(({ from, before }) =>
      cursorOf(ctx, merchant, id, startingAfter ?? endingBefore, isBack).andThen((beyond) => {
        const filter = { account: id, from, before, direction, category, payment };
        const towards = isBack === (order === 'asc') ? 'desc' : 'asc';
        return ctx.ledger.listEntries(merchant, filter, { order: towards, beyond }, asked);
      }),
    )
    .map(pageView(url, entryView));
};

const cursorOf = (
  { ledger }: Reader,
  merchant: MerchantId,
  account: AccountId,
  cursor: TransferId | undefined,
  isBack: boolean,
): ResultAsync<Micros | undefined, AccountError> => {
  if (cursor === undefined) return okAsync(undefined);
  const param = isBack ? 'ending_before' : 'starting_after';
  return ledger
    .entryPostedAt(merchant, account, cursor)
    .andThen((at): Result<Micros, AccountError> =>
      at === undefined
        ? err(paymentError('invalid_request', { param, message: `${param}: It is no entry of this account.` }))
        : ok(at),
    );
};

/** Opening and closing balance of a span, and what lies between. Errors: as `listEntries`. */
export const statementOf = (
  ctx: Reader,
  merchant: MerchantId,
  id: AccountId,
  asked: Asked,
): ResultAsync<Statement, AccountError> =>
  accountOf(ctx, merchant, id).andThen((account) =>
    spanOf(asked, ctx.clock.now()).asyncAndThen((span: Span) =>
      ctx.ledger.statement(merchant, account, span, ctx.clock.now()),
    ),
  );

/** A page of an export holds the loop for less than a millisecond. */
const EXPORT_PAGE = 100;

/**
 * All entries of a statement, oldest first, some at a time. They were all there when the statement was made, entries never
 * change, and none comes between: it is one snapshot, and no transaction is held open for it.
 */
export async function* entriesOf(
  { ledger }: Pick<Context, 'ledger'>,
  merchant: MerchantId,
  { account, span, sequenceBefore, sequence }: Statement,
): AsyncGenerator<Result<readonly Entry[], AccountError>, void> {
  let left = sequence - sequenceBefore;
  let beyond = span.from === null ? undefined : plusMicros(span.from, -1n);
  while (left > 0n) {
    const limit = Math.min(EXPORT_PAGE, Number(left));
    const filter = { account: account.id, from: span.from, before: span.before };
    const page = await ledger.someEntries(merchant, filter, { order: 'asc', beyond, limit });
    yield page;
    if (page.isErr() || page.value.length === 0) return;
    left -= BigInt(page.value.length);
    beyond = page.value.at(-1)?.postedAt;
  }
}

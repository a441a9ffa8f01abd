/** A statement's entries as text: CSV for spreadsheets, and a journal for hledger. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ok, type Result } from 'neverthrow';
import type { Context } from '../context.ts';
import { categoryOf } from '../domain/category.ts';
import { exponentOf, toDecimal } from '../domain/currency.ts';
import { createZoneText, instantText } from '../domain/cut.ts';
import type { Entry, Statement } from '../domain/entry.ts';
import type { MerchantId } from '../domain/ids.ts';
import { toIsoMicros } from '../domain/time.ts';
import { csvLines, guarded } from './csv.ts';
import { entriesOf, type AccountError } from './entries.ts';

/** Text in parts, to its end; or why it breaks off. */
export type Export = AsyncGenerator<Result<string, AccountError>, void>;

const COLUMNS = [
  ...['entry', 'sequence', 'posted_at', 'posted_at_utc', 'effective_date', 'category', 'description'],
  ...['counter_account', 'payment', 'refund', 'dispute', 'payout', 'stripe_id', 'reference', 'debit_minor'],
  ...[
    'credit_minor',
    'amount_minor',
    'amount',
    'balance_after_minor',
    'balance_after',
    'currency',
    'payment_reference',
  ],
];

/** The sign is the account's: what it gave is below zero. */
const signed = ({ direction, amount }: Entry): bigint => (direction === 'credit' ? amount : -amount);

/** The entries of a statement as CSV, its head first. */
export async function* statementCsv(ctx: Pick<Context, 'ledger'>, merchant: MerchantId, statement: Statement): Export {
  const local = createZoneText(statement.span.tz);
  yield ok(csvLines([COLUMNS]));
  yield* paced(ctx, merchant, statement, (page) =>
    csvLines(
      page.map((entry) => [
        ...[entry.id, entry.sequence, local(entry.postedAt), toIsoMicros(entry.postedAt), entry.effectiveDate],
        ...[categoryOf(entry.kind), guarded(entry.description), entry.counter, entry.payment, entry.refund],
        ...[entry.dispute, entry.payout, entry.stripeId, guarded(entry.reference)],
        ...(entry.direction === 'debit' ? [entry.amount, null] : [null, entry.amount]),
        ...[signed(entry), toDecimal(signed(entry), entry.currency)],
        ...[entry.balanceAfter, toDecimal(entry.balanceAfter, entry.currency), entry.currency],
        guarded(entry.paymentReference),
      ]),
    ),
  );
}

/**
 * The same as a journal, with the balance after each entry asserted: hledger refuses one in which it differs. What the
 * account received is above zero, as everywhere here. https://hledger.org/hledger.html#journal
 */
export async function* statementJournal(
  ctx: Pick<Context, 'ledger'>,
  merchant: MerchantId,
  statement: Statement,
): Export {
  const { account, span, opening } = statement;
  const local = createZoneText(span.tz);
  const money = (minor: bigint): string => `${toDecimal(minor, account.currency)} ${account.currency.toUpperCase()}`;
  const name = `${account.kind}:${account.id}`;
  const point = exponentOf(account.currency) === 0 ? '1000' : `1000.${'0'.repeat(exponentOf(account.currency))}`;
  yield ok(
    [
      `; ${name}, from ${span.from === null ? 'the beginning' : instantText(span.from)} to ${instantText(span.before)}, days of ${span.tz}`,
      'decimal-mark .',
      `commodity ${point}${exponentOf(account.currency) === 0 ? '.' : ''} ${account.currency.toUpperCase()}`,
      '',
      '',
    ].join('\n'),
  );
  if (opening !== 0n)
    yield ok(
      `${local(span.from ?? span.before).slice(0, 10)} opening balance\n    ${name}    ${money(opening)} = ${money(opening)}\n    equity:opening\n\n`,
    );
  yield* paced(ctx, merchant, statement, (page) =>
    page
      .map((entry) => {
        const words = plain(entry.description ?? categoryOf(entry.kind));
        const day = local(entry.postedAt).slice(0, 10);
        return `${day} (${entry.id}) ${words}\n    ${name}    ${money(signed(entry))} = ${money(entry.balanceAfter)}\n    ${categoryOf(entry.kind)}:${entry.counter}    ${money(-signed(entry))}\n\n`;
      })
      .join(''),
  );
}

/** A line breaks nothing in a journal, and a semicolon begins a comment. */
const plain = (text: string): string => text.replace(/[\p{Cc}\p{Zl}\p{Zp};|]+/gu, ' ').trim() || '-';

/**
 * Of the time that an export takes, a quarter is its own: the loop while a page is written, and Postgres while it is read,
 * are the charges' for three times as long before the next.
 */
const REST = 3;
/** Where the machine has no time for anybody it goes on all the same. */
const REST_MS_MAX = 15;

async function* paced(
  ctx: Pick<Context, 'ledger'>,
  merchant: MerchantId,
  statement: Statement,
  textOf: (page: readonly Entry[]) => string,
): Export {
  let startedAt = performance.now();
  for await (const page of entriesOf(ctx, merchant, statement)) {
    const text = page.map(textOf);
    const tookMs = performance.now() - startedAt;
    yield text;
    await sleep(Math.min(tookMs * REST, REST_MS_MAX));
    startedAt = performance.now();
  }
}

/** The trial balance: what each account held at the beginning of a span, what moved, and what it held at the end. */
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import { asOfText, cutOf, instantText, spanOf, type Asked, type Span } from '../domain/cut.ts';
import type { MerchantId } from '../domain/ids.ts';
import type { StorageError } from '../domain/refusals.ts';
import type { Clock } from '../domain/time.ts';
import type { TrialBalanceCurrencyView, TrialBalanceLineView, TrialBalanceView } from '../domain/ledger-views.ts';
import { paymentError, type PaymentError } from '../error.ts';
import type { TrialBalanceLine } from '../storage/books.ts';
import type { LedgerReads } from '../storage/ledger.ts';
import { csvLines, decimalOf } from './csv.ts';

type TrialBalanceError = StorageError | PaymentError<'invalid_request'>;

/**
 * By currency and account, as of a time and since another; in each currency debits equal credits, and all that is held
 * adds up to nothing. Errors: `invalid_request` for a time that is none, `database_unavailable`.
 */
export const trialBalance = (
  { ledger, clock }: Pick<Context, 'ledger' | 'clock'>,
  merchant: MerchantId,
  asked: Asked,
): ResultAsync<TrialBalanceView, TrialBalanceError> =>
  spanUntil(asked, clock).asyncAndThen((span) =>
    linesOf(ledger, merchant, asked, span, clock).map(({ lines, isFinal }): TrialBalanceView => {
      const currencies = [...Map.groupBy(lines, ({ currency }) => currency)].map(([currency, own]) =>
        currencyView(currency, own),
      );
      return {
        object: 'trial_balance',
        from: span.from === null ? null : instantText(span.from),
        as_of: asOfText(span),
        tz: span.tz,
        final: isFinal,
        balanced: currencies.every(({ balanced }) => balanced),
        currencies,
      };
    }),
  );

/** Of now the accounts tell by themselves; nothing that is now is final. */
const linesOf = (
  ledger: LedgerReads,
  merchant: MerchantId,
  { asOf, from }: Asked,
  span: Span,
  clock: Clock,
): ReturnType<LedgerReads['trialBalance']> =>
  asOf === undefined && from === undefined
    ? ledger.trialBalanceNow(merchant).map((lines) => ({ lines, isFinal: false }))
    : ledger.trialBalance(merchant, span, clock.now());

/** A trial balance is of an instant, which is in it; `from` only says since when its movement is told. */
const spanUntil = (asked: Asked, clock: Clock): Result<Span, PaymentError<'invalid_request'>> => {
  const now = clock.now();
  return cutOf(asked, now).andThen((cut) =>
    spanOf({ from: asked.from, tz: asked.tz }, now).andThen(({ from }) =>
      from !== null && from > cut.before
        ? err(paymentError('invalid_request', { param: 'from', message: 'from: It is after `as_of`.' }))
        : ok({ ...cut, from }),
    ),
  );
};

const sumOf = (lines: readonly TrialBalanceLine[], of: (line: TrialBalanceLine) => bigint): bigint =>
  lines.reduce((sum, line) => sum + of(line), 0n);
const closingOf = ({ opening, debits, credits }: TrialBalanceLine): bigint => opening + credits - debits;

const currencyView = (currency: string, lines: readonly TrialBalanceLine[]): TrialBalanceCurrencyView => {
  const [debits, credits] = [sumOf(lines, (line) => line.debits), sumOf(lines, (line) => line.credits)];
  const [opening, closing] = [sumOf(lines, (line) => line.opening), sumOf(lines, closingOf)];
  return {
    currency,
    opening: opening.toString(),
    debits: debits.toString(),
    credits: credits.toString(),
    closing: closing.toString(),
    balanced: debits === credits && opening === 0n && closing === 0n,
    accounts: lines.map(lineView),
  };
};

const lineView = (line: TrialBalanceLine): TrialBalanceLineView => ({
  kind: line.kind,
  account: line.account,
  accounts: Number(line.accounts),
  opening: line.opening.toString(),
  debits: line.debits.toString(),
  credits: line.credits.toString(),
  closing: closingOf(line).toString(),
  balance: closingOf(line).toString(),
});

const SUMS = ['opening', 'debits', 'credits', 'closing'] as const;

/**
 * The same as CSV: in minor units as everywhere, and again with a decimal point, for who reads it as it is. Under each currency
 * its totals, and whether it balances.
 */
export const trialBalanceCsv = ({ currencies }: TrialBalanceView): string =>
  csvLines([
    ['account', 'kind', 'currency', ...SUMS, ...SUMS.map((name) => `${name}_decimal`)],
    ...currencies.flatMap(({ currency, accounts, balanced, ...total }) => {
      const sums = (line: Readonly<Record<(typeof SUMS)[number], string>>): string[] => [
        ...SUMS.map((name) => line[name]),
        ...SUMS.map((name) => decimalOf(line[name], currency)),
      ];
      return [
        ...accounts.map((line) => [line.account ?? 'all wallets', line.kind, currency, ...sums(line)]),
        [balanced ? 'total: it balances' : 'total: IT DOES NOT BALANCE', 'total', currency, ...sums(total)],
      ];
    }),
  ]);

/** CSV for spreadsheets. https://www.rfc-editor.org/rfc/rfc4180 */
import { stringify } from 'csv-stringify/sync';
import { parseCurrency, toDecimal } from '../domain/currency.ts';

type Cell = string | bigint | null;

/**
 * Text that a spreadsheet would take for a formula is told to be text: also where a sign of another width begins it, or what
 * is trimmed or not seen stands in front. A number never is: it would become one.
 * https://owasp.org/www-community/attacks/CSV_Injection
 */
export const guarded = (text: string | null): string | null =>
  text !== null && /^(?:[\t\r\n]|[\s\p{Cc}\p{Cf}]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/u.test(text) ? `'${text}` : text;

/** A view's sum of money as a person writes it. */
export const decimalOf = (minor: string, currency: string): string => {
  const known = parseCurrency(currency);
  return known === undefined ? '' : toDecimal(BigInt(minor), known);
};

/** Lines of CSV; those of a million rows are written some at a time. */
export const csvLines = (rows: readonly (readonly Cell[])[]): string =>
  stringify(rows.map((row) => row.map((cell) => (typeof cell === 'bigint' ? cell.toString() : cell))));

/** CSV for spreadsheets. https://www.rfc-editor.org/rfc/rfc4180 */
import { stringify } from 'csv-stringify/sync';
import { parseCurrency, toDecimal } from '../domain/currency.ts';

type Cell = string | bigint | null;

/** Text that a spreadsheet would take for a formula is told to be text. A number never is: it would become one. */
export const guarded = (text: string | null): string | null =>
  text !== null && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;

/** A view's sum of money as a person writes it. */
export const decimalOf = (minor: string, currency: string): string => {
  const known = parseCurrency(currency);
  return known === undefined ? '' : toDecimal(BigInt(minor), known);
};

/** Lines of CSV; those of a million rows are written some at a time. */
export const csvLines = (rows: readonly (readonly Cell[])[]): string =>
  stringify(rows.map((row) => row.map((cell) => (typeof cell === 'bigint' ? cell.toString() : cell))));

/** Amounts, as they stand in a page: read by eye with its separators, copied as plain ASCII, and heard with its sign. */
import { exponentOf, parseCurrency, toDecimal } from '../domain/currency.ts';
import { escape, type Page } from '../pages/html.ts';

/** In minor units, as the API has them: a number, or a text where a sum may be larger than a number holds. */
export type Minor = bigint | number | string;

/** There is none: neither zero nor unknown. */
export const ABSENT: Page = {
  html: '<span class="absent" aria-hidden="true">—</span><span class="said">none</span>',
};

/** How many decimals a currency has; of one that we don't know, as most have. */
const decimalsOf = (currency: string): number => {
  const known = parseCurrency(currency);
  return known === undefined ? 2 : exponentOf(known);
};

/** `-1234.50`: what a cell of it is copied as. */
export const decimal = (minor: Minor, currency: string): string => {
  const known = parseCurrency(currency);
  return known === undefined ? String(minor) : toDecimal(BigInt(minor), known);
};

/**
 * The separators and the minus are drawn by the sheet and are no text: what is copied is `-1234.50`. `decimals` is how many
 * the column has: what this currency has fewer of is left as room, so that the points stand below each other.
 */
export const amount = (minor: Minor, currency: string, decimals: number = decimalsOf(currency)): Page => {
  const text = decimal(minor, currency);
  const isBelow = text.startsWith('-');
  const [whole = '', fraction] = text.replace('-', '').split('.');
  const groups = whole.match(/\d{1,3}(?=(?:\d{3})*$)/g) ?? [whole];
  const digits = groups.map((group) => `<i>${escape(group)}</i>`).join('');
  const missing = decimals - decimalsOf(currency);
  const room = missing > 0 ? `${fraction === undefined ? '.' : ''}${'0'.repeat(missing)}` : '';
  return {
    html:
      `<data class="amount${isBelow ? ' below' : ''}" value="${String(minor)}">` +
      (isBelow ? '<span class="said">minus </span><span class="minus" aria-hidden="true">-</span>' : '') +
      `<span class="digits">${digits}</span>${fraction === undefined ? '' : `.${escape(fraction)}`}` +
      `</data>${room === '' ? '' : `<span class="room" aria-hidden="true" data-room="${room}"></span>`}`,
  };
};

/** With its currency, where it stands alone. */
export const money = (minor: Minor, currency: string): Page => ({
  html: `<span class="money">${amount(minor, currency).html} <abbr class="code">${escape(currency.toUpperCase())}</abbr></span>`,
});

/** A sentence of the API, which tells money as `55.00 eur`, with each amount as pages have it. */
export const withMoney = (sentence: string): Page => {
  const parts = sentence.split(/(?<![\w.])(\d+(?:\.\d+)? [a-z]{3})\b/);
  const drawn = parts.map((part, nth) => {
    const [digits = '', code = ''] = nth % 2 === 1 ? part.split(' ') : [];
    const currency = parseCurrency(code);
    const minor = digits.replace('.', '');
    // Three letters may be a word, or a number have other decimals: then it is no money.
    return currency !== undefined && toDecimal(BigInt(minor), currency) === digits
      ? money(minor, currency).html
      : escape(part);
  });
  return { html: drawn.join('') };
};

/** How many decimals a column has that holds these currencies. */
export const decimalsOfAll = (currencies: readonly string[]): number =>
  currencies.reduce((most, currency) => Math.max(most, decimalsOf(currency)), 0);

/** `1,234` of something that is no money. */
export const count = (number: number | bigint | string): string => BigInt(number).toLocaleString('en');

/** The accounts of the house: there is one of each kind and currency, and what it is for says more than its id. */
import { parseCurrency } from '../domain/currency.ts';
import { PLATFORM_KINDS, platformAccountId, type MerchantId, type PlatformKind } from '../domain/ids.ts';
import { html, type Page } from '../pages/html.ts';
import { capital, idOf, words } from './pieces.ts';

/** Where the entries of such an account are. */
export const houseEntries = (merchant: MerchantId, kind: PlatformKind, currency: string): string | undefined => {
  const known = parseCurrency(currency);
  return known === undefined ? undefined : `/console/accounts/${platformAccountId(merchant, kind, known)}`;
};

/** How accounts of that currency are called: a wallet by its id. */
export const createNames = (merchant: MerchantId, currency: string): ((id: string) => Page) => {
  const known = parseCurrency(currency);
  const kinds = new Map<string, string>(
    known === undefined ? [] : PLATFORM_KINDS.map((kind) => [platformAccountId(merchant, kind, known), kind]),
  );
  return (id) => {
    const kind = kinds.get(id);
    return kind === undefined
      ? idOf(id)
      : html`<a href="/console/accounts/${id}" title="${id}">${capital(words(kind))}</a>`;
  };
};

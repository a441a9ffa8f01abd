/** The order in which rows are locked. */

/** What names a row: its merchant and its own id. */
interface Key {
  readonly merchant: string;
  readonly id: string;
}

/** Distinct and sorted, so that every process locks in the same order; as two arrays for `unnest`. */
export const sorted = (keys: Iterable<Key>): { readonly merchants: string[]; readonly ids: string[] } => {
  const distinct = new Map<string, Key>();
  for (const key of keys) distinct.set(key.merchant + key.id, key);
  const merchants: string[] = [];
  const ids: string[] = [];
  for (const name of [...distinct.keys()].sort()) {
    const { merchant = '', id = '' } = distinct.get(name) ?? {};
    merchants.push(uuidText(merchant));
    ids.push(uuidText(id));
  }
  return { merchants, ids };
};

/** Ids carry a prefix, claims do not. */
export const uuidText = (id: string): string => id.slice(id.indexOf('_') + 1);

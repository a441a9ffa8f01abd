/** What the page that pays remembers of the press of its button, until that has its final answer. */
import type { Card } from './checkout.ts';

/** What is kept while the page is left for the bank's, or loaded anew. */
export interface Keeper {
  readonly getItem: (name: string) => string | null;
  readonly setItem: (name: string, value: string) => void;
  readonly removeItem: (name: string) => void;
}

/** One press of the button. */
export interface Attempt {
  readonly key: string;
  readonly card: Card;
}

interface Kept {
  /** The one that has no final answer, where it is of the same card; else a new one. */
  readonly attempt: (card: Card) => Attempt;
  readonly forget: () => void;
}

/** Where nothing may be kept, as some browsers are set, it is remembered as long as the page is open. */
export const createKept = (name: string, keeper: Keeper | undefined): Kept => {
  let last: Attempt | undefined =
    attempted(() => JSON.parse(keeper?.getItem(name) ?? 'null') as Attempt | null) ?? undefined;
  const forget = (): void => {
    last = undefined;
    attempted(() => keeper?.removeItem(name));
  };
  return {
    attempt: (card) => {
      if (!last || JSON.stringify(last.card) !== JSON.stringify(card)) last = { key: crypto.randomUUID(), card };
      const text = JSON.stringify(last);
      attempted(() => keeper?.setItem(name, text));
      return last;
    },
    forget,
  };
};

/** Storage throws where it is forbidden, or full. */
export const attempted = <T>(work: () => T): T | undefined => {
  try {
    return work();
  } catch {
    return undefined;
  }
};

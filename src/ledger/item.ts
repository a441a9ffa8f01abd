/** Items: what is sold. */
import { ok, type ResultAsync } from 'neverthrow';
import type { CallerWithoutKey, Context } from '../context.ts';
import { answerOf, type Answer, type Item, type Reply } from '../domain/change.ts';
import { newId, type ItemId } from '../domain/ids.ts';
import { itemView, jsonReply } from '../domain/reply.ts';
import type { ChangeError } from '../domain/refusals.ts';
import type { ItemView } from '../domain/views.ts';

export interface NewItem extends Pick<Item, 'name' | 'unitPrice' | 'currency'> {
  /** Null for one that is made up. */
  readonly id: ItemId | null;
}

/** Errors: `item_exists`, those of any claim, `database_unavailable`. */
export const createItem = (
  ctx: Pick<Context, 'commit'>,
  { merchant, claim, requestId }: CallerWithoutKey,
  wanted: NewItem,
): ResultAsync<Reply<ItemView>, ChangeError<'item_exists'>> => {
  const item: Item = { merchant, ...wanted, id: wanted.id ?? newId('item') };
  const answer = (): Answer<ItemView> => ok(jsonReply(201, itemView(item)));
  return ctx
    .commit({ merchant, requestId, refusals: ['item_exists'], ...(claim ? { claim } : {}), item, answer })
    .andThen(answerOf);
};

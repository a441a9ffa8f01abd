/** Items are read far more often than they change: kept here, rendered, with their tag. */
import { hash } from 'node:crypto';
import { okAsync, type ResultAsync } from 'neverthrow';
import type { Context } from '../context.ts';
import type { ItemId, MerchantId } from '../domain/ids.ts';
import { itemView } from '../domain/reply.ts';
import type { StorageCode } from '../domain/refusals.ts';
import type { ItemView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import type { HttpReply } from './respond.ts';

/** An item never changes once it is made; the limit is for memory. */
const KEPT_MAX = 10_000;
const kept = new Map<string, HttpReply<ItemView>>();

/** Errors: `item_not_found`, `database_unavailable`. */
export const readItem = (
  ctx: Pick<Context, 'reads'>,
  merchant: MerchantId,
  id: ItemId,
  ifNoneMatch: string | undefined,
): ResultAsync<HttpReply<ItemView>, PaymentError<'item_not_found' | StorageCode>> => {
  const key = merchant + id;
  const known = kept.get(key);
  if (known) return okAsync(unlessKnown(known, ifNoneMatch));
  return ctx.reads.item(merchant, id).map((item) => {
    const body = JSON.stringify(itemView(item));
    const headers = {
      ETag: `"${hash('sha256', body).slice(0, 22)}"`,
      'Cache-Control': 'private, max-age=60',
      Vary: 'Authorization',
    };
    const reply: HttpReply<ItemView> = { status: 200, body, headers };
    if (kept.size >= KEPT_MAX) kept.clear();
    kept.set(key, reply);
    return unlessKnown(reply, ifNoneMatch);
  });
};

/** A caller who has it already is spared the body. */
const unlessKnown = (reply: HttpReply<ItemView>, ifNoneMatch: string | undefined): HttpReply<ItemView> => {
  const tag = reply.headers?.['ETag'];
  const has =
    tag !== undefined &&
    ifNoneMatch?.split(',').some((one) => one.trim().replace(/^W\//, '') === tag || one.trim() === '*');
  return has ? { ...reply, status: 304 } : reply;
};

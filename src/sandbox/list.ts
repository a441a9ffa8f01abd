import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { renderEvent } from './events.ts';
import { badParam, type Failure, resourceMissing } from './failure.ts';
import type { Page } from './params.ts';
import { asOfNow, type Scope } from './scope.ts';
import type { Filter, Kind, ObjectOf, Query } from './store.ts';

/** Stripe's own. */
const LIMIT_DEFAULT = 10;

export interface List<T> {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: T[];
}

/** What narrows a list: each filter that the request has given. */
export type Where = Partial<Record<Filter, string | undefined>>;

/** A page of the objects of a kind, newest first. */
export const listObjects = <K extends Kind>(
  scope: Scope,
  kind: K,
  url: string,
  page: Page,
  where: Where = {},
): Result<List<ObjectOf<K>>, Failure> =>
  query(scope, kind, page, where).map((asked) =>
    pageOf(
      url,
      page,
      scope.store.list(asked).map((object) => asOfNow(scope, object)),
    ),
  );

/** A page of the events, newest first. */
export const listEvents = (
  scope: Scope,
  page: Page & { readonly type?: string | undefined; readonly types?: readonly string[] | undefined },
): Result<List<Stripe.EventBase>, Failure> =>
  query(scope, 'event', page, { type: page.type }).map((asked) =>
    pageOf('/v1/events', page, scope.store.listEvents({ ...asked, types: page.types }).map(renderEvent)),
  );

const query = <K extends Kind | 'event'>(
  scope: Scope,
  kind: K,
  page: Page,
  where: Where,
): Result<Query & { kind: K }, Failure> => {
  const { starting_after: after, ending_before: before, created = {} } = page;
  if (after !== undefined && before !== undefined) {
    return err(badParam('Received both starting_after and ending_before parameters. Please pass in only one.'));
  }
  const cursor = after ?? before;
  const seq = cursor === undefined ? undefined : scope.store.position(kind, cursor);
  if (cursor !== undefined && seq === undefined) {
    return err(resourceMissing(400, kind, cursor, after === undefined ? 'ending_before' : 'starting_after'));
  }
  const filters = Object.entries(where).flatMap(([column, value]) =>
    value === undefined ? [] : [[column as Filter, '=', value] as const],
  );
  const times = (
    [
      ['created', '>', created.gt],
      ['created', '>=', created.gte],
      ['created', '<', created.lt],
      ['created', '<=', created.lte],
    ] as const
  ).flatMap(([column, operator, value]) => (value === undefined ? [] : [[column, operator, value] as const]));
  return ok({
    kind,
    where: [...filters, ...times],
    // One more than asked for tells whether there are more.
    limit: (page.limit ?? LIMIT_DEFAULT) + 1,
    olderThan: after === undefined ? undefined : seq,
    newerThan: before === undefined ? undefined : seq,
  });
};

const pageOf = <T>(url: string, page: Page, found: T[]): List<T> => {
  const limit = page.limit ?? LIMIT_DEFAULT;
  const data = found.slice(0, limit);
  // `ending_before` reads from its place towards the newest, and is turned round for the reply.
  if (page.ending_before !== undefined) data.reverse();
  return { object: 'list', url, has_more: found.length > limit, data };
};

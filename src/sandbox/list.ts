import { err, ok, type Result } from 'neverthrow';
import type { Stripe } from 'stripe';
import { renderEvent } from './events.ts';
import { badParam, type Failure, resourceMissing } from './failure.ts';
import type { CreatedFilter, Page } from './params.ts';
import { asOfNow, findNamed, type Scope } from './scope.ts';
import { parseQuery, type SearchedKind, type SearchParams } from './search.ts';
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

/** A list in which nothing is. */
export const emptyList = (url: string): List<never> => ({ object: 'list', url, has_more: false, data: [] });

/** A page of the objects of a kind, newest first. */
export const listObjects = <K extends Kind>(
  scope: Scope,
  kind: K,
  url: string,
  page: Page,
  where: Where = {},
  times: { readonly arrival_date?: CreatedFilter | undefined } = {},
): Result<List<ObjectOf<K>>, Failure> =>
  allThere(scope, where)
    .andThen(() => query(scope, kind, page, where, times))
    .map((asked) =>
      pageOf(
        url,
        page,
        scope.store.list(asked).map((object) => asOfNow(scope, object)),
      ),
    );

/** Filters that name an object, which must be there; a deleted customer still is. */
const NAMES_AN_OBJECT = ['customer', 'payment_intent', 'charge'] as const;

const allThere = (scope: Scope, where: Where): Result<null, Failure> =>
  NAMES_AN_OBJECT.reduce<Result<null, Failure>>((done, kind) => {
    const id = where[kind];
    return id === undefined ? done : done.andThen(() => findNamed(scope, kind, id).map(() => null));
  }, ok(null));

/** A page of the events, newest first. */
export const listEvents = (
  scope: Scope,
  page: Page & {
    readonly delivery_success?: boolean | undefined;
    readonly type?: string | undefined;
    readonly types?: readonly string[] | undefined;
  },
): Result<List<Stripe.EventBase>, Failure> => {
  if (page.type !== undefined && page.types !== undefined) {
    return err(badParam('You may only specify one of these parameters: type, types.'));
  }
  const types = page.type === undefined ? page.types : [page.type];
  return query(scope, 'event', page, {}).map((asked) =>
    pageOf(
      '/v1/events',
      page,
      scope.store
        .listEvents({ ...asked, types, delivered: page.delivery_success })
        .map((event) => renderEvent(scope.store, event)),
    ),
  );
};

export interface SearchResult<T> extends Omit<List<T>, 'object'> {
  readonly object: 'search_result';
  readonly next_page: string | null;
}

/** A page of the objects that a query finds, newest first: https://docs.stripe.com/search. Stripe's own lags; this does not. */
export const searchObjects = <K extends SearchedKind>(
  scope: Scope,
  kind: K,
  url: string,
  { query: asked, limit = LIMIT_DEFAULT, page }: SearchParams,
): Result<SearchResult<ObjectOf<K>>, Failure> =>
  parseQuery(kind, asked).andThen((search) => {
    const olderThan = page === undefined ? undefined : Number(Buffer.from(page, 'base64url').toString());
    if (olderThan !== undefined && !Number.isSafeInteger(olderThan)) {
      return err(badParam('Invalid page: it is the next_page of another search.', 'page'));
    }
    const found = scope.store.search({ kind, where: [], limit: limit + 1, olderThan, search });
    const shown = found.slice(0, limit);
    const hasMore = found.length > limit;
    return ok({
      object: 'search_result' as const,
      url,
      has_more: hasMore,
      data: shown.map(({ object }) => asOfNow(scope, object)),
      next_page: hasMore ? Buffer.from(String(shown.at(-1)?.seq)).toString('base64url') : null,
    });
  });

const query = <K extends Kind | 'event'>(
  scope: Scope,
  kind: K,
  page: Page,
  where: Where,
  { arrival_date: arrives = {} }: { readonly arrival_date?: CreatedFilter | undefined } = {},
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
      ['arrival_date', '>', arrives.gt],
      ['arrival_date', '>=', arrives.gte],
      ['arrival_date', '<', arrives.lt],
      ['arrival_date', '<=', arrives.lte],
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

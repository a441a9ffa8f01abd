/** Lists: filters, a table, and the ways to the newer and the older. */
import { okAsync, ResultAsync } from 'neverthrow';
import type { z } from 'zod';
import type { Context } from '../context.ts';
import { toIso } from '../domain/time.ts';
import type { ListView } from '../domain/views.ts';
import type { PaymentError } from '../error.ts';
import { safely } from '../http/route.ts';
import type { Served } from '../http/serve.ts';
import { html, NOTHING, type Page } from '../pages/html.ts';
import type { Session } from '../storage/sessions.ts';
import { active, filterBar, misunderstood, type Filter } from './filters.ts';
import { addressOf, instants, page, without, type Asked } from './page.ts';
import { timeIn } from './pieces.ts';
import { zoneFilter } from './spans.ts';
import { table, type Column } from './table.ts';

interface ListSpec<Row extends { readonly id: string }, Query> {
  readonly path: string;
  readonly title: string;
  /** Of one and of many: `payment`, `payments`. */
  readonly noun: readonly [string, string];
  readonly class?: 'read' | 'report';
  /** As its route takes it. */
  readonly query: z.ZodType<Query>;
  readonly filters: readonly Filter[];
  readonly read: (ctx: Context, session: Session, query: Query) => ResultAsync<ListView<Row>, PaymentError>;
  /** The columns of a page, which may depend on what it holds. */
  readonly columns: (rows: readonly Row[], zone: string) => readonly Column<Row>[];
  /** What stands there before there is anything. */
  readonly none: Page;
  readonly above?: Page;
}

/** As many as fit a screen or two. */
const SHOWN = '25';

export const listPage = <Row extends { readonly id: string }, Query>(spec: ListSpec<Row, Query>): Served<Session> => {
  const { path, title, noun, read } = spec;
  const filters = [...spec.filters, zoneFilter];
  const above = spec.above ?? NOTHING;
  /** Which of the filters hide what there is: without one of them there would be something. */
  const emptiedBy = (ctx: Context, session: Session, asked: Asked, zone: string): ResultAsync<Page, PaymentError> => {
    const set = active(filters, without(asked, 'starting_after', 'ending_before'));
    const tries = set.map(({ rest }) =>
      safely(spec.query, { ...instants(without(rest, 'tz'), zone), limit: '1' })
        .asyncAndThen((query) => read(ctx, session, query))
        .map(({ data }) => data.length > 0)
        .orElse(() => okAsync(false)),
    );
    return ResultAsync.combine(tries).map((found) => {
      const guilty = set.filter((_, at) => found[at]);
      if (guilty.length === 0)
        return html`<div class="empty">
          <p>
            No ${noun[0]} matches these filters together:
            ${set.map(({ filter, words }, at) => html`${at > 0 ? ', ' : ''}${filter.label} <bdi>${words}</bdi>`)}.
          </p>
          <p><a href="${path}">Show all ${noun[1]}</a></p>
        </div>`;
      return html`<div class="empty">
        <p>No ${noun[0]} matches.</p>
        <ul>
          ${guilty.map(
            ({ filter, words, rest }) =>
              html`<li>
                It is “${filter.label}: <bdi>${words}</bdi>” that hides them:
                <a href="${addressOf(path, rest)}">show ${noun[1]} without it</a>
              </li>`,
          )}
        </ul>
      </div>`;
    });
  };

  return page<Record<string, never>, Query>({
    path,
    class: spec.class ?? 'read',
    query: spec.query,
    defaults: { limit: SHOWN },
    mend: ({ asked }, wrong) => ({
      title,
      main: html`${above}${misunderstood(path, filters, asked, wrong)}`,
    }),
    show: (ctx, { session, query, asked, zone }) =>
      read(ctx, session, query).andThen(({ data, has_more: hasMore }) => {
        const bar = filterBar(path, filters, asked);
        if (data.length > 0) {
          const caption = `${title}, newest first. Read ${timeIn(toIso(ctx.clock.now()), zone)}; all times in ${zone}.`;
          const rows = table({ caption, columns: spec.columns(data, zone), rows: data });
          return okAsync({ title, main: html`${above}${bar}${rows}${pager(path, asked, data, hasMore)}` });
        }
        if (active(filters, asked).length > 0)
          return emptiedBy(ctx, session, asked, zone).map((why) => ({ title, main: html`${above}${bar}${why}` }));
        const isBeyond = asked['starting_after'] !== undefined || asked['ending_before'] !== undefined;
        const nothing = isBeyond
          ? html`<div class="empty">
              <p>There are no more.</p>
              <p><a href="${path}">Back to the newest</a></p>
            </div>`
          : html`<div class="empty">${spec.none}</div>`;
        return okAsync({ title, main: html`${above}${bar}${nothing}` });
      }),
  });
};

/** The ways to the newer and to the older. */
export const pager = (path: string, asked: Asked, data: readonly { readonly id: string }[], hasMore: boolean): Page => {
  const rest = without(asked, 'starting_after', 'ending_before');
  const isUpwards = asked['ending_before'] !== undefined;
  const hasNewer = isUpwards ? hasMore : asked['starting_after'] !== undefined;
  const hasOlder = isUpwards || hasMore;
  if (!hasNewer && !hasOlder) return NOTHING;
  const link = (is: boolean, word: string, more: Asked): Page =>
    is
      ? html`<a class="button" href="${addressOf(path, { ...rest, ...more })}">${word}</a>`
      : html`<span class="button" aria-disabled="true">${word}</span>`;
  const more = [hasNewer ? ['newer'] : [], hasOlder ? ['older'] : []].flat().join(' and ');
  return html`<p class="paper">These are not all: there are ${more} ones, which are not on this paper.</p>
    <nav class="pager" aria-label="Pages">
      ${link(hasNewer, 'Newer', { ending_before: data[0]?.id ?? '' })}${link(hasOlder, 'Older', { starting_after: data.at(-1)?.id ?? '' })}
    </nav>`;
};

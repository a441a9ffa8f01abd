/** A page is a value, as a route is: what it takes, what it shows, and in which class it is served. */
import { ok, okAsync, type ResultAsync } from 'neverthrow';
import { z } from 'zod';
import type { Context } from '../context.ts';
import { dayBegins, zoneOf } from '../domain/cut.ts';
import { statusOf, type PaymentError } from '../error.ts';
import { pageHeaders, type HeaderList } from '../http/headers.ts';
import type { HttpReply } from '../http/respond.ts';
import { safely, withoutCard } from '../http/route.ts';
import type { Served } from '../http/serve.ts';
import type { Session } from '../storage/sessions.ts';
import { nowIn } from './pieces.ts';
import { isOwnPage } from './session.ts';
import { errorPart, shell, type Shown } from './shell.ts';
import { zoneCookie, zoneKept } from './zone.ts';

/** Scripts and sheets of its own alone, and nothing from anywhere else. */
export const CONSOLE_HEADERS: HeaderList = pageHeaders(
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    'img-src data:',
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
);

/** What was asked in the address, without what was left empty. */
export type Asked = Readonly<Record<string, string>>;

interface Call<Params, Query> {
  readonly session: Session;
  readonly params: Params;
  readonly query: Query;
  readonly asked: Asked;
  /** Whose days and hours the page tells, by IANA's name: as its address says, else as was chosen on a page before. */
  readonly zone: string;
  /** Where the page is, without its query. */
  readonly path: string;
}

interface PageSpec<Params, Query> {
  /** Express' template, which is also its name in logs and metrics. */
  readonly path: string;
  readonly class: 'read' | 'report';
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  /** Its query has a `tz` itself; of any other it is the page's, and not of what is read. */
  readonly takesZone?: true;
  /** What stands in the place of a field that nobody filled in. */
  readonly defaults?: Asked;
  readonly show: (ctx: Context, call: Call<Params, Query>) => ResultAsync<Shown, PaymentError>;
  /** The same page, without what could not be understood, and with a word beside the field at fault. */
  readonly mend?: (call: Omit<Call<Params, Query>, 'query' | 'zone'>, wrong: PaymentError) => Shown;
}

type Nothing = Record<string, never>;
const nothing: z.ZodType<Nothing> = z.strictObject({});

const READERS = ['secret', 'finance'] as const;
const HTML = { 'Content-Type': 'text/html; charset=utf-8' } as const;

export const page = <Params = Nothing, Query = Nothing>(spec: PageSpec<Params, Query>): Served<Session> => {
  const params: z.ZodType = spec.params ?? nothing;
  const query: z.ZodType = spec.query ?? nothing;
  return {
    method: 'GET',
    path: spec.path,
    roles: READERS,
    class: spec.class,
    cors: false,
    key: 'none',
    schemas: { body: undefined },
    run: (ctx, { principal: session, request, query: sent, requestId }) => {
      request.record.headers = CONSOLE_HEADERS;
      const { path } = request;
      const told = filledIn(sent);
      const kept = zoneKept(request.headers);
      const asked = kept === undefined ? told : { tz: kept, ...told };
      const readAt = nowIn(ctx, zoneOf(asked['tz']).unwrapOr('UTC'));
      const failed = (error: PaymentError): HttpReply => {
        request.record.error = error;
        const title = TITLES[statusOf(error)] ?? 'That did not work';
        return reply(session, path, { title, main: errorPart(error, requestId), status: statusOf(error) }, readAt);
      };
      const understood = withoutCard(request.url).andThen(() => safely(params, request.params));
      if (understood.isErr()) return okAsync(failed(understood.error));
      const call = { session, params: understood.value as Params, asked, path };
      return zoneOf(asked['tz'])
        .andThen((zone) => {
          const wanted = spec.takesZone ? asked : instants(without(asked, 'tz'), zone);
          return safely(query, { ...spec.defaults, ...wanted }).map((value) => ({ zone, value: value as Query }));
        })
        .asyncAndThen(({ zone, value }) =>
          spec.show(ctx, { ...call, query: value, zone }).map((shown): HttpReply => {
            const shownIn = reply(session, path, shown, readAt);
            // Somebody else's link says how its page is told, and not how all pages are from now on.
            return told['tz'] === undefined || !isOwnPage(request.headers)
              ? shownIn
              : { ...shownIn, headers: { ...shownIn.headers, 'Set-Cookie': zoneCookie(request.headers, zone) } };
          }),
        )
        .orElse((error) =>
          ok(
            error.code === 'invalid_request' && spec.mend
              ? reply(session, path, { ...spec.mend(call, error), status: 400 }, readAt)
              : failed(error),
          ),
        );
    },
  };
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'This address is not understood',
  404: 'There is nothing here',
  503: 'Not at the moment',
};

const reply = (session: Session, path: string, shown: Shown, readAt: string): HttpReply =>
  shown.to === undefined
    ? { status: shown.status ?? 200, body: shell(session, path, shown, readAt), headers: HTML }
    : { status: 303, body: '', headers: { ...HTML, Location: shown.to } };

/** A form sends all of its fields; one that is left empty asks for nothing. Of one that stands twice the last counts. */
const filledIn = (query: Readonly<Record<string, unknown>>): Asked =>
  Object.fromEntries(
    Object.entries(query).flatMap(([name, value]) => {
      const last: unknown = Array.isArray(value) ? value.at(-1) : value;
      return typeof last === 'string' && last.trim() !== '' ? [[name, last.trim()]] : [];
    }),
  );

/** A list of the API takes instants; a person may say a day, of the zone in which its page is told. */
export const instants = (asked: Asked, zone: string): Asked =>
  Object.fromEntries(
    Object.entries(asked).map(([name, value]) => [
      name,
      name.startsWith('created[') ? dayBegins(value, zone).unwrapOr(value) : value,
    ]),
  );

/** The address of a page with another query. */
export const addressOf = (path: string, asked: Asked): string => {
  const search = new URLSearchParams(asked).toString();
  return search === '' ? path : `${path}?${search}`;
};

/** The same query without some of its fields. */
export const without = (asked: Asked, ...names: readonly string[]): Asked =>
  Object.fromEntries(Object.entries(asked).filter(([name]) => !names.includes(name)));

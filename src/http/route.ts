/** A route is a value: what it takes, who may ask, and what it does. `serve.ts` is where its `Result` becomes a reply. */
import { err, ok, type Result, type ResultAsync } from 'neverthrow';
import type { Request } from 'express';
import { z } from 'zod';
import type { Context } from '../context.ts';
import type { Claim, Reply } from '../domain/change.ts';
import type { MerchantId } from '../domain/ids.ts';
import type { Principal, Role } from '../domain/principal.ts';
import { CLAIM, EVERYWHERE, WITH_BODY } from '../domain/refusals.ts';
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';
import { parseBody } from './body.ts';
import { holdsCardNumber } from './card-number.ts';
import { claimOf, parseKey } from './idempotency.ts';
import type { HttpReply } from './respond.ts';

/** Which of a full house is served first: charges before reads before reports. */
type ServiceClass = 'money' | 'read' | 'report';

/** Besides JSON. */
type MediaType = 'text/csv' | 'text/plain';

/** Whether an `Idempotency-Key` must come with it, may, or has no meaning. */
export type KeyUse = 'required' | 'optional' | 'none';

interface Call<Params, Query, Body, Use extends KeyUse> {
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  readonly principal: Principal;
  readonly merchant: MerchantId;
  readonly requestId: string;
  readonly headers: Request['headers'];
  readonly claim: Use extends 'required' ? Claim : Use extends 'optional' ? Claim | undefined : undefined;
}

/** What a route may answer besides its own errors: before its handler is asked, or for want of what every handler needs. */
type CommonCode<Use extends KeyUse> =
  (typeof EVERYWHERE)[number] | (Use extends 'none' ? never : (typeof CLAIM)[number]);

/** An error of those codes, and for the compiler still one of the union, whatever they are. */
type Failure<Code extends ErrorCode> = PaymentError & { readonly code: Code };

/** `View` is what its reply shows, and `Code` how it can fail by itself: its handler can answer nothing else. */
interface RouteSpec<Params, Query, Body, Use extends KeyUse, View, Code extends ErrorCode> {
  /** What the client and the documents call it. */
  readonly name: string;
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Express' template, which is also the route's name in logs and metrics. */
  readonly path: string;
  readonly summary: string;
  readonly roles: readonly Role[];
  readonly class: ServiceClass;
  /** Whether browsers of other origins may call it. */
  readonly cors?: true;
  readonly key: Use;
  readonly params?: z.ZodType<Params>;
  readonly query?: z.ZodType<Query>;
  readonly body?: z.ZodType<Body>;
  /** What it answers where all went well: a status, and what the body shows. */
  readonly reply: readonly [status: 200 | 201, schema: z.ZodType<View>];
  /** What else it answers with, where `Accept` asks for that. */
  readonly also?: readonly MediaType[];
  /** How it can fail by itself. What any route of its kind may answer besides is added to it. */
  readonly errors: readonly Code[];
  readonly handle: (
    ctx: Context,
    call: Call<Params, Query, Body, Use>,
  ) => ResultAsync<HttpReply<NoInfer<View>>, Failure<NoInfer<Code> | CommonCode<Use>>>;
}

/** What came in, before any of it is believed. */
export interface Incoming<Who extends Principal = Principal> {
  readonly principal: Who;
  readonly requestId: string;
  readonly request: Request;
  readonly query: Request['query'];
  /** Its body. */
  readonly text: string;
}

export interface Route extends Pick<
  RouteSpec<never, never, never, KeyUse, unknown, ErrorCode>,
  'name' | 'method' | 'path' | 'summary' | 'roles' | 'class' | 'reply' | 'errors'
> {
  readonly cors: boolean;
  readonly also: readonly MediaType[];
  readonly key: KeyUse;
  readonly schemas: { readonly params: z.ZodType; readonly query: z.ZodType; readonly body: z.ZodType | undefined };
  readonly run: (ctx: Context, incoming: Incoming) => ResultAsync<HttpReply, PaymentError>;
}

type Nothing = Record<string, never>;
const nothing: z.ZodType<Nothing> = z.strictObject({});

export const route = <
  View,
  const Code extends ErrorCode,
  Params = Nothing,
  Query = Nothing,
  Body = undefined,
  Use extends KeyUse = KeyUse,
>(
  spec: RouteSpec<Params, Query, Body, Use, View, Code>,
): Route => {
  const { name, method, path, summary, roles, key } = spec;
  const params: z.ZodType = spec.params ?? nothing;
  const query: z.ZodType = spec.query ?? nothing;
  // Most requests have none, and it is understood as it was the last time.
  const ofNone = safely(query, NO_QUERY);
  const understandQuery = (sent: Request['query']): Result<unknown, PaymentError> =>
    sent === NO_QUERY ? ofNone : safely(query, sent);

  const operationOf = createOperationOf(method, path);

  const understand = ({
    principal,
    requestId,
    request,
    query: sentQuery,
    text,
  }: Incoming): Result<Call<Params, Query, Body, Use>, PaymentError> =>
    withoutCard(request.url)
      .andThen(() => safely(params, request.params))
      .andThen((parsedParams) =>
        understandQuery(sentQuery).andThen((parsedQuery) =>
          bodyOf(spec.body, text).andThen(({ sent, body }) =>
            claimFor(key, principal, request, operationOf(parsedParams), { sent, understood: body }).map((claim) => ({
              params: parsedParams as Params,
              query: parsedQuery as Query,
              body: body as Body,
              principal,
              merchant: principal.merchant,
              requestId,
              headers: request.headers,
              claim: claim as Call<Params, Query, Body, Use>['claim'],
            })),
          ),
        ),
      );

  return {
    name,
    method,
    path,
    summary,
    roles,
    key,
    class: spec.class,
    reply: spec.reply,
    errors: [...new Set([...spec.errors, ...errorsOfKind(key, spec.body !== undefined)])],
    cors: spec.cors ?? false,
    also: spec.also ?? [],
    schemas: { params, query, body: spec.body },
    run: (ctx, incoming) => understand(incoming).asyncAndThen((call) => spec.handle(ctx, call)),
  };
};

const errorsOfKind = (key: KeyUse, takesBody: boolean): readonly ErrorCode[] => [
  ...EVERYWHERE,
  ...(takesBody ? WITH_BODY : []),
  ...(key === 'none' ? [] : CLAIM),
  ...(key === 'required' ? (['idempotency_key_required'] as const) : []),
];

/** Express parses a query anew each time that it is asked, also where there is none. */
export const NO_QUERY: Request['query'] = {};

/** Errors: `card_number_refused`, for a card number in a path or a query, however it is spelled there. */
export const withoutCard = (url: string): Result<void, PaymentError> =>
  holdsCardNumber(url.includes('+') ? url.replaceAll('+', ' ') : url) ? err(paymentError('card_number_refused')) : ok();

/** As it was sent, and as it was understood. */
interface Understood<Body> {
  readonly sent: unknown;
  readonly body: Body | undefined;
}

const bodyOf = <Body>(schema: z.ZodType<Body> | undefined, text: string): Result<Understood<Body>, PaymentError> => {
  if (!schema) return ok({ sent: {}, body: undefined });
  return parseBody(text).andThen((sent) => safely(schema, sent).map((body) => ({ sent, body })));
};

/**
 * What an idempotency key is scoped to: the method and the path as we write it, ids included. The path as it was sent may
 * be spelled in many ways, with a percent before any letter.
 */
const createOperationOf = (method: string, path: string): ((params: unknown) => string) => {
  const words = path.split('/');
  const isPlain = !path.includes('/:');
  return (params) => {
    if (isPlain) return `${method} ${path}`;
    const values = params as Readonly<Record<string, unknown>>;
    return `${method} ${words.map((word) => (word.startsWith(':') ? String(values[word.slice(1)]) : word)).join('/')}`;
  };
};

/** Errors: `idempotency_key_required`, and those of a key that is none. */
const claimFor = (
  use: KeyUse,
  { merchant, role }: Principal,
  request: Request,
  operation: string,
  body: { readonly sent: unknown; readonly understood: unknown },
): Result<Claim | undefined, PaymentError> => {
  if (use === 'none') return ok(undefined);
  const [header, second] = request.headersDistinct['idempotency-key'] ?? [];
  if (second !== undefined)
    return err(
      paymentError('invalid_request', { param: 'Idempotency-Key', message: 'There are two idempotency keys.' }),
    );
  if (header === undefined) return use === 'required' ? err(paymentError('idempotency_key_required')) : ok(undefined);
  return parseKey(header).map((key) =>
    claimOf({ merchant, operation, key, ...body, isPublic: role === 'publishable' }),
  );
};

/** Errors: `invalid_request`, whose `param` is the path of the first thing that is wrong. */
export const safely = <T>(schema: z.ZodType<T>, value: unknown): Result<T, PaymentError> => {
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  if (!issue) return err(paymentError('invalid_request'));
  const unknownField = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const param = pathText([...issue.path, ...(unknownField === undefined ? [] : [unknownField])]);
  // What a caller sent is not repeated where it might be a secret: a field's name is, if it is a plain one.
  const safe = param.length <= 100 && !holdsCardNumber(param) ? param : undefined;
  const message = wordsOf(issue);
  return err(
    paymentError('invalid_request', {
      message: safe ? `${safe}: ${message}` : message,
      ...(safe ? { param: safe } : {}),
    }),
  );
};

const OTHER_FORM = 'It is not of the form that this field takes.';

/** Zod's own words are for programmers; what our schemas say themselves stands as it is. */
const wordsOf = (issue: z.core.$ZodIssue): string => {
  switch (issue.code) {
    case 'unrecognized_keys':
      return 'There is no such field.';
    case 'invalid_type':
      return issue.message.endsWith('undefined') ? 'It is missing.' : `It must be of the type ${issue.expected}.`;
    case 'invalid_value':
      return `It must be ${issue.values.map(String).join(' or ')}.`;
    case 'too_big':
      return `It is larger or longer than ${String(issue.maximum)}.`;
    case 'too_small':
      return `It is smaller or shorter than ${String(issue.minimum)}.`;
    case 'invalid_key':
    case 'invalid_element': {
      const [inner] = issue.issues;
      return inner ? wordsOf(inner) : OTHER_FORM;
    }
    case 'custom':
    case 'invalid_format':
    case 'invalid_union':
    case 'not_multiple_of':
      return /^Invalid/.test(issue.message) ? OTHER_FORM : issue.message;
  }
};

/** `transfers[3].amount` */
const pathText = (path: readonly PropertyKey[]): string =>
  path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text ? `${text}.${String(part)}` : String(part);
  }, '');

/** For `andThen`: neverthrow's `map` of a `ResultAsync` costs three times as much, which a small request feels. */
export const reply = (status: number): (<View extends object>(resource: View) => Result<Reply<View>, never>) => {
  return (resource) => ok({ status, body: JSON.stringify(resource) });
};

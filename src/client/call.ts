/** One request with all that belongs to it: its key, its retries, its deadline, and an answer that is always a value. */
import { err, ok, ResultAsync, type Result } from 'neverthrow';

/** What happened to the money: nothing, it moved, or nobody knows yet. */
export type Outcome = 'none' | 'applied' | 'unknown';

/** What every failure tells. */
interface Told {
  readonly message: string;
  readonly outcome: Outcome;
  /** What the request was sent under: the same request under it is never done twice. */
  readonly idempotencyKey: string | undefined;
}

/** The service has answered, with an error of this code. */
export interface ApiError<Code extends string> extends Told {
  readonly code: Code;
  readonly status: number;
  readonly type: string;
  readonly param: string | null;
  readonly declineCode: string | undefined;
  readonly payment: string | undefined;
  /** Where the customer does what his bank asks him for: send him there. */
  readonly url: string | undefined;
  readonly retry: string;
  readonly retryAfterS: number | undefined;
  readonly docUrl: string;
  readonly requestId: string;
}

/** A code that this client does not know: the service is of a later version. */
export interface Unrecognised extends Omit<ApiError<'unrecognised'>, 'code'> {
  readonly code: 'unrecognised';
  readonly serverCode: string;
}

/** No answer: the way to the service was cut, took too long, or the caller gave up; or the answer was not of the service. */
export interface TransportError extends Told {
  readonly code: 'connection_failed' | 'timed_out' | 'aborted' | 'unreadable_reply';
  readonly cause: unknown;
}

/** How a request may fail: in one of these ways, told apart by `code`. */
export type Failure<Code extends string> =
  { readonly [One in Code]: ApiError<One> }[Code] | Unrecognised | TransportError;

export interface Options {
  /** A UUID of your own; one is made where none is given. */
  readonly idempotencyKey?: string;
  readonly signal?: AbortSignal;
  /** How often this one is sent again, where that is to be otherwise than in the settings. */
  readonly retries?: number;
}

export interface Settings {
  readonly key: string;
  /** Where the service is: `https://pay.example`. */
  readonly baseUrl: string;
  /** How often a request is sent again under its key, where the error says that it may be: 5. Waiting is not counted. */
  readonly retries?: number;
  /** How long one try may take, and how long one that is still at work is waited for, in milliseconds: 30,000. */
  readonly timeoutMs?: number;
  /** Waits longer than this are left to the caller, in milliseconds: 15,000. */
  readonly waitMaxMs?: number;
  readonly fetch?: typeof fetch;
}

type Input = Readonly<Record<string, unknown>>;

export type Call = <Reply, Code extends string>(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  takesKey: boolean,
  input: Input | undefined,
  options: Options | undefined,
) => ResultAsync<Reply, Failure<Code>>;

interface PageShown {
  readonly has_more: boolean;
  readonly data: readonly { readonly id?: string }[];
}
type ItemOf<Reply> = Reply extends { readonly data: readonly (infer Item)[] } ? Item : never;

/** Its items, or the failure that ended it. */
export type Page<Reply, Fails> = AsyncIterable<Result<ItemOf<Reply>, Fails>>;

export type List = <Reply extends PageShown, Code extends string>(
  path: string,
  input: Input | undefined,
  options: Options | undefined,
) => Page<Reply, Failure<Code>>;

interface Body {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly outcome: Outcome;
    readonly retry: string;
    readonly type: string;
    readonly param: string | null;
    readonly decline_code?: string;
    readonly payment?: string;
    readonly setup?: string;
    readonly url?: string;
    readonly doc_url: string;
    readonly request_id: string;
  };
}

/** An answer that came, whatever it says. */
interface Arrived {
  readonly status: number;
  readonly body: unknown;
  readonly retryAfterS: number | undefined;
}

export const createCall = (settings: Settings, known: ReadonlySet<string>): Call => {
  const { key, baseUrl, retries = 5, timeoutMs = 30_000, waitMaxMs = 15_000, fetch: send = fetch } = settings;

  return (method, path, takesKey, input = {}, options = {}) => {
    const idempotencyKey = takesKey ? (options.idempotencyKey ?? crypto.randomUUID()) : undefined;
    const mayRepeat = method !== 'POST' || idempotencyKey !== undefined;
    const { url, rest } = fill(baseUrl + path, input);
    const request: RequestInit = {
      method,
      // What is sent elsewhere may arrive as another request: a POST is made a GET on the way, and its answer is no answer.
      redirect: 'manual',
      headers: {
        Authorization: `Bearer ${key}`,
        ...(method === 'POST' ? { 'Content-Type': 'application/json' } : {}),
        ...(idempotencyKey === undefined ? {} : { 'Idempotency-Key': idempotencyKey }),
      },
      ...(method === 'POST' ? { body: JSON.stringify(rest) } : {}),
    };
    const target = method === 'POST' ? url : url + queryOf(rest);

    const attempt = async (): Promise<Result<Arrived, TransportError>> => {
      const deadline = AbortSignal.timeout(timeoutMs);
      const signal = options.signal ? AbortSignal.any([options.signal, deadline]) : deadline;
      try {
        const response = await send(target, { ...request, signal });
        const retryAfterS = Number(response.headers.get('retry-after') ?? NaN);
        const text = await response.text();
        return ok({
          status: response.status,
          body: JSON.parse(text) as unknown,
          retryAfterS: Number.isFinite(retryAfterS) ? retryAfterS : undefined,
        });
      } catch (cause) {
        const code = options.signal?.aborted
          ? 'aborted'
          : deadline.aborted
            ? 'timed_out'
            : isSyntaxError(cause)
              ? 'unreadable_reply'
              : 'connection_failed';
        const outcome = method === 'GET' || wasRefused(cause) ? 'none' : 'unknown';
        return err({ code, message: SAID[code], outcome, idempotencyKey, cause });
      }
    };

    const run = async <Reply, Code extends string>(): Promise<Result<Reply, Failure<Code>>> => {
      // A try whose answer never came may have done it: what the next one is told does not say that it has not.
      let isInDoubt = false;
      const retriesMax = options.retries ?? retries;
      const startedAt = performance.now();
      for (let tries = 0; ;) {
        const arrived = await attempt();
        const next = again(arrived, tries);
        // An earlier try is still at work: that it is waited for is no other try, but has an end like any.
        const isWaiting = retriesMax > 0 && isInUse(arrived) && performance.now() - startedAt < timeoutMs;
        if (!isWaiting) tries++;
        if (!mayRepeat || tries > retriesMax || next === undefined || next > waitMaxMs)
          return arrived
            .andThen((answer) => read<Reply, Code>(answer, { method, idempotencyKey, baseUrl, known }))
            .mapErr((error) => (isInDoubt && next !== undefined ? { ...error, outcome: 'unknown' } : error));
        isInDoubt ||= arrived.match(
          ({ body }) => (isFailure(body) ? body.error.outcome === 'unknown' : method !== 'GET'),
          ({ outcome }) => outcome === 'unknown',
        );
        await pause(next, options.signal);
      }
    };
    return new ResultAsync(run());
  };
};

const SAID: Readonly<Record<TransportError['code'], string>> = {
  connection_failed: 'The service could not be reached, or the connection broke.',
  timed_out: 'The service took too long to answer.',
  aborted: 'The request was given up.',
  unreadable_reply: 'What was answered is not of the service: something stands between here and there.',
};

/** Nobody was there to hear it. A browser does not say so. */
const wasRefused = (cause: unknown): boolean => {
  const reason: unknown = typeof cause === 'object' && cause !== null && 'cause' in cause ? cause.cause : undefined;
  const code: unknown = typeof reason === 'object' && reason !== null && 'code' in reason ? reason.code : undefined;
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND';
};

/** How long to wait before it is sent again, in milliseconds; undefined where that would not help. */
const again = (arrived: Result<Arrived, TransportError>, tries: number): number | undefined => {
  // 0.25 s, doubled each time up to 8 s, and up to as much again by chance, so that many do not come back together.
  const backoffMs = Math.min(8_000, 250 * 2 ** tries) * (1 + Math.random());
  return arrived.match(
    ({ status, body, retryAfterS }) => {
      if (status < 400 || !isFailure(body))
        return status === 502 || status === 503 || status === 504 ? backoffMs : undefined;
      const { retry } = body.error;
      if (retry !== 'same_key') return undefined;
      return retryAfterS === undefined ? backoffMs : Math.max(retryAfterS * 1000, 100);
    },
    ({ code }) => (code === 'aborted' ? undefined : backoffMs),
  );
};

const isInUse = (arrived: Result<Arrived, TransportError>): boolean =>
  arrived.isOk() && isFailure(arrived.value.body) && arrived.value.body.error.code === 'idempotency_key_in_use';

const isSyntaxError = (cause: unknown): boolean =>
  typeof cause === 'object' && cause !== null && 'name' in cause && cause.name === 'SyntaxError';

/** The types of replies are the contract's; what stands in the way has none. */
const isPage = (value: Readonly<Record<keyof PageShown, unknown>>): boolean => Array.isArray(value.data);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null;

/** An error of the service: it says what happened to the money. A gateway's own, which may look alike, knows nothing of that. */
const isFailure = (body: unknown): body is Body => {
  const error = isObject(body) ? body['error'] : undefined;
  if (!isObject(error)) return false;
  return typeof error['code'] === 'string' && typeof error['retry'] === 'string' && isOutcome(error['outcome']);
};
const isOutcome = (value: unknown): value is Outcome => value === 'none' || value === 'applied' || value === 'unknown';

const unreadable = (cause: unknown, outcome: Outcome, idempotencyKey: string | undefined): TransportError => ({
  ...{ code: 'unreadable_reply', message: SAID.unreadable_reply, outcome, idempotencyKey, cause },
});

/** What was asked, and of whom. */
interface Asked {
  readonly method: string;
  readonly idempotencyKey: string | undefined;
  readonly baseUrl: string;
  readonly known: ReadonlySet<string>;
}

const read = <Reply, Code extends string>(
  { status, body, retryAfterS }: Arrived,
  { method, idempotencyKey, baseUrl, known }: Asked,
): Result<Reply, Failure<Code>> => {
  // The types of replies and codes are the contract's; `unrecognised` is for a service that has outgrown them.
  if (status >= 200 && status < 300 && isObject(body)) return ok(body as Reply);
  if (!isFailure(body)) return err(unreadable(body, method === 'GET' ? 'none' : 'unknown', idempotencyKey));
  const { code, message, outcome, retry, type, param, decline_code, payment, url, doc_url, request_id } = body.error;
  const error = {
    ...{ message, outcome, idempotencyKey, status, type, param, declineCode: decline_code, payment, retry },
    ...{ retryAfterS, docUrl: doc_url, requestId: request_id },
    url: url !== undefined && URL.canParse(url, baseUrl) ? new URL(url, baseUrl).href : url,
  };
  return known.has(code)
    ? err({ ...error, code } as Failure<Code>)
    : err({ ...error, code: 'unrecognised', serverCode: code });
};

/** Puts what the path names into it. */
const fill = (template: string, input: Input): { readonly url: string; readonly rest: Input } => {
  const named = new Set<string>();
  const url = template.replace(/\/:([a-z]+)/g, (_, name: string) => {
    named.add(name);
    return `/${encodeURIComponent(textOf(input[name]))}`;
  });
  return { url, rest: Object.fromEntries(Object.entries(input).filter(([name]) => !named.has(name))) };
};

/** Fields of paths and queries are text, numbers and booleans. */
const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const queryOf = (fields: Input): string => {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined && value !== null) query.append(name, textOf(value));
  return query.size > 0 ? `?${query.toString()}` : '';
};

/** Ends early where the caller gives up. */
const pause = (ms: number, signal: AbortSignal | undefined): Promise<void> =>
  new Promise((done) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      done();
    };
    const timer = setTimeout(wake, ms);
    signal?.addEventListener('abort', wake);
  });

export const createList =
  (call: Call): List =>
  <Reply extends PageShown, Code extends string>(
    path: string,
    input: Input | undefined,
    options: Options | undefined,
  ): Page<Reply, Failure<Code>> => ({
    async *[Symbol.asyncIterator]() {
      let after: string | undefined;
      for (;;) {
        const page: Result<Reply, Failure<Code>> = await call<Reply, Code>(
          'GET',
          path,
          false,
          { limit: 100, ...input, starting_after: after },
          options,
        );
        if (page.isErr()) {
          yield err(page.error);
          return;
        }
        if (!isPage(page.value)) {
          yield err(unreadable(page.value, 'none', undefined));
          return;
        }
        for (const item of page.value.data) yield ok(item as ItemOf<Reply>);
        after = page.value.data.at(-1)?.id;
        if (!page.value.has_more || after === undefined) return;
      }
    },
  });

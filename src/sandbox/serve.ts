/** One request to a sandbox, from its arrival to its reply. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { err, type Result } from 'neverthrow';
import { control } from './control.ts';
import {
  apiError,
  badParam,
  type Failure,
  forbidden,
  lockTimeout,
  rateLimited,
  unauthenticated,
  unknownUrl,
} from './failure.ts';
import type { FaultKind, Struck } from './faults.ts';
import { newSecret } from './ids.ts';
import type { Recorder } from './record.ts';
import { type Call, partsOf, readCall } from './request.ts';
import { type Leaving, render, type Reply, send } from './reply.ts';
import type { Scope } from './scope.ts';
import { runDue } from './timers.ts';
import type { Sandbox } from './sandbox.ts';

/** Longer than any client keeps a silent connection, so that the client closes it and never meets a closed one. */
const KEEP_ALIVE_MS = 75_000;
/** How often the sandbox looks whether something fell due, when no request makes it look. */
const TICK_MS = 250;
/** How many ticks pass between two looks for old idempotency keys: a minute. */
const FORGET_EVERY_TICKS = 240;

/** Serves a sandbox, not listening yet, and tells `record` of each reply of the API; `stop` writes what is still in memory, and closes its store. */
export const serve = (sandbox: Sandbox, record?: Recorder): { server: Server; stop: () => void } => {
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void handle(sandbox, request, response, record);
  });
  let ticks = 0;
  const timer = setInterval(() => {
    runDue(sandbox.scope());
    sandbox.webhooks.dispatch();
    if (++ticks % FORGET_EVERY_TICKS === 0) sandbox.idempotency.forgetOld();
  }, TICK_MS);
  return {
    server,
    stop: () => {
      clearInterval(timer);
      keepCounts(sandbox);
      sandbox.store.close();
    },
  };
};

const keepCounts = ({ store, seen }: Sandbox): void => {
  store.setNumber('requests', seen.requests);
  store.setNumber('replays', seen.replays);
};

/** The paths of Stripe's API; all else is the sandbox's own. */
const OF_STRIPE = /^\/v[12]\//;

const handle = async (
  sandbox: Sandbox,
  request: IncomingMessage,
  response: ServerResponse,
  record?: Recorder,
): Promise<void> => {
  const requestId = newSecret('req_', 14);
  try {
    if (!OF_STRIPE.test(partsOf(request).path)) {
      await control(sandbox, request, response, requestId);
      return;
    }
    const { reply, leaving } = await handleApi(sandbox, request, requestId);
    record?.(request.method ?? 'GET', partsOf(request).path, reply.status, reply.body);
    send(request, response, requestId, reply, leaving);
    sandbox.webhooks.dispatch();
  } catch (cause) {
    // A client that has gone wants no reply; anything else is a mistake of the sandbox, and is shown to its user.
    if (request.destroyed && !request.complete) return;
    process.stderr.write(`${requestId} ${cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)}\n`);
    if (!response.headersSent) send(request, response, requestId, render(requestId, err(apiError(false))));
  }
};

interface Answer {
  readonly reply: Reply;
  readonly leaving?: Leaving;
}

const handleApi = async (sandbox: Sandbox, request: IncomingMessage, requestId: string): Promise<Answer> => {
  const read = await readCall(request, requestId);
  sandbox.seen.requests++;
  const refuse = (failure: Failure): Answer => ({ reply: render(requestId, err(failure)) });
  if (read.isErr()) return refuse(read.error);
  const call = read.value;
  const faults = sandbox.faults.ofRequest(call.route.method, call.path, call.fault);
  if (faults.isErr()) return refuse(faults.error);

  const refusal = refusedBefore(faults.value);
  if (refusal !== undefined) return refuse(refusal);
  const leaving = faults.value.find(leaves);
  if (leaving?.kind === 'reset_before') return { ...refuse(apiError(false)), leaving };
  const reply = await answer(sandbox, call, faults.value);
  return leaving === undefined ? { reply } : { reply, leaving };
};

const refusedBefore = (faults: readonly Struck[]): Failure | undefined => {
  const struck = faults.find(({ kind }) => REFUSALS[kind] !== undefined);
  return struck && REFUSALS[struck.kind]?.();
};

/** Answered before the idempotency key is looked at. */
const REFUSALS: Readonly<Partial<Record<FaultKind, () => Failure>>> = {
  rate_limit: rateLimited,
  lock_timeout: lockTimeout,
  error_before: () => apiError(false),
  bad_request: () => badParam('The request is not valid just now, as the fault says that was set.'),
  unauthorized: () => unauthenticated('The key is not valid just now, as the fault says that was set.'),
  forbidden: () =>
    forbidden('The key may not do so just now, as the fault says that was set.', 'more_permissions_required'),
  missing: () => unknownUrl('POST', 'a path that the fault hides'),
};

const LEAVING: readonly string[] = ['hang_after', 'reset_before', 'reset_after', 'truncate'];
const leaves = (fault: Struck): fault is Struck & Leaving => LEAVING.includes(fault.kind);

/** Answers a call: by what was answered under its key, or by running it, its key locked until it has run. */
const answer = async (sandbox: Sandbox, call: Call, faults: readonly Struck[]): Promise<Reply> => {
  const { idempotency, seen } = sandbox;
  const { claim, requestId } = call;
  if (claim === undefined) {
    await wait(sandbox, faults);
    return run(sandbox, call, faults);
  }
  const claimed = idempotency.claim(claim);
  if (claimed.isErr()) return render(requestId, err(claimed.error));
  const kept = claimed.value;
  if (kept !== undefined) {
    seen.replays++;
    return replay(kept);
  }
  try {
    await wait(sandbox, faults);
    return run(sandbox, call, faults);
  } finally {
    idempotency.release(claim);
  }
};

const wait = async (sandbox: Sandbox, faults: readonly Struck[]): Promise<void> => {
  for (const { kind, waitMs } of faults) {
    if (kind === 'latency') await sleep(waitMs);
    if (kind === 'hang_before') await sandbox.faults.hang();
  }
};

/** Runs a call in one transaction: what fell due before it, what it does, and what is kept of its reply. */
const run = (sandbox: Sandbox, call: Call, faults: readonly Struck[]): Reply => {
  const { store, idempotency } = sandbox;
  const { route, form, ids, claim, requestId, version, isBrowser } = call;
  const request = { id: requestId, idempotency_key: claim?.key ?? null };
  const scope = sandbox.scope({ request, version, isBrowser });
  if (route.method === 'GET') {
    runDue(sandbox.scope());
    return render(requestId, route.run(scope, form, ids));
  }
  return store.transaction(() => {
    runDue(sandbox.scope());
    const later = faults.find(({ kind }) => kind === 'error_reconciled');
    const done = later === undefined ? route.run(scope, form, ids) : err(apiError(true));
    if (later !== undefined) reconcileLater(scope, call, later.waitMs);
    const result: Result<object, Failure> = faults.some(({ kind }) => kind === 'error_after')
      ? err(apiError(true))
      : done;
    const reply = render(requestId, result);
    if (claim !== undefined && (result.isOk() || result.error.kept)) {
      idempotency.keep(claim, requestId, reply.status, reply.body);
    }
    keepCounts(sandbox);
    return reply;
  });
};

/** Stripe has failed while it worked on it, and makes it good by itself. */
const reconcileLater = (scope: Scope, { path, form }: Call, afterMs: number): void =>
  scope.store.schedule(scope.clock.nowMs() + afterMs, 'reconcile', JSON.stringify({ path, form }));

/** What was answered before, byte for byte. A decline or a 500 will not become better by asking again. */
const replay = (kept: { status: number; body: string; requestId: string }): Reply => ({
  status: kept.status,
  body: kept.body,
  headers: {
    'Content-Type': 'application/json',
    'Idempotent-Replayed': 'true',
    'Original-Request': kept.requestId,
    ...(kept.status === 402 || kept.status >= 500 ? { 'Stripe-Should-Retry': 'false' } : {}),
  },
});

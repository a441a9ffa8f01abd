/** Events that the service sends, verified: https://www.standardwebhooks.com */
import { err, ok, ResultAsync, type Result } from 'neverthrow';
import type { Event } from './api.ts';

/** Why what came is not believed. */
export interface WebhookProblem {
  readonly code: 'signature_missing' | 'signature_wrong' | 'too_old' | 'unreadable';
  readonly message: string;
}

/** An event older than this may be one that someone has kept, in seconds. */
const AGE_MAX_S = 300;

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/**
 * The event in the body of a request, if it comes from the service. `body` is the bytes as they came, as text: parsed and
 * written again they may differ. `secret` is the endpoint's, `whsec_…`; while it is rotated, either is right.
 */
export const verifyWebhook = (
  body: string,
  headers: Headers,
  secret: string,
  nowMs: number = Date.now(),
): ResultAsync<Event, WebhookProblem> => new ResultAsync(verify(body, headers, secret, nowMs));

const problem = (code: WebhookProblem['code'], message: string): Result<never, WebhookProblem> =>
  err({ code, message });

const verify = async (
  body: string,
  headers: Headers,
  secret: string,
  nowMs: number,
): Promise<Result<Event, WebhookProblem>> => {
  const [id, timestamp, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => {
    const value = headers[name];
    return typeof value === 'string' ? value : undefined;
  });
  if (id === undefined || timestamp === undefined || signatures === undefined)
    return problem('signature_missing', 'It is not signed.');
  if (!(Math.abs(nowMs / 1000 - Number(timestamp)) <= AGE_MAX_S))
    return problem('too_old', 'It was signed more than five minutes ago, or the clock here is wrong.');
  try {
    const key = await crypto.subtle.importKey(
      'raw',
      bytesOf(atob(secret.replace(/^whsec_/, ''))),
      { name: 'HMAC', hash: 'SHA-256' },
      false,
      ['verify'],
    );
    const signed = new TextEncoder().encode(`${id}.${timestamp}.${body}`);
    for (const one of signatures.split(' ')) {
      const [version, signature = ''] = one.split(',');
      if (version === 'v1' && (await crypto.subtle.verify('HMAC', key, bytesOf(atob(signature)), signed)))
        return ok(JSON.parse(body) as Event);
    }
  } catch {
    return problem('unreadable', 'The secret, the signature or the body is not what it should be.');
  }
  return problem('signature_wrong', 'It was signed with another secret, or changed on its way.');
};

const bytesOf = (binary: string): Uint8Array<ArrayBuffer> => Uint8Array.from(binary, (char) => char.charCodeAt(0));

/** Requests as clients send them, nearly such ones, and such as nobody would send: every route, method, role, encoding and framing, and a few that are broken off. */
import { connect } from 'node:net';
import { routes } from '../../src/http/routes.ts';
import type { Target } from './attacks.ts';
import { KnownIds, likelyRequest } from './likely.ts';
import type { Random } from './random.ts';

export interface Arbitrary {
  readonly asked: number;
  readonly slowestMs: number;
  readonly statuses: Readonly<Record<string, number>>;
}

/** Of all requests: what most of the code answers is nearly right. */
const LIKELY = 0.7;
/** What nothing may take: a reply in a second. */
const REPLY_MAX_MS = 1_000;

const METHODS = ['GET', 'POST', 'DELETE', 'HEAD', 'PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'] as const;
const BODIES = [
  '',
  '{}',
  '[]',
  'null',
  '{"amount":1e400}',
  '{"a":1,"a":2}',
  '{',
  '\0',
  '"4242424242424242"',
  `"${'x'.repeat(9_000)}"`,
  '{"amount":"99999999999999999999999"}',
  '{"metadata":{"":"","__proto__":1}}',
  '\u{1f600}',
  '{"customer":12.0}',
] as const;
const HEADERS = [
  '',
  'Expect: tea\r\n',
  'Expect: 100-continue\r\n',
  'Content-Encoding: gzip\r\n',
  'Content-Type: text/plain\r\n',
  'Content-Type: application/json; charset=utf-16\r\n',
  'Idempotency-Key: \r\n',
  'Idempotency-Key: "a\\"\r\n',
  'Origin: https://evil.example\r\n',
  'If-None-Match: *\r\n',
  'Accept: application/problem+json\r\n',
  'Range: bytes=0-1\r\n',
  'Upgrade: websocket\r\n',
  'X-HTTP-Method-Override: DELETE\r\n',
  'Authorization: Basic eDp5\r\n',
  'Host: other\r\n',
] as const;

const asBytes = (random: Random, target: Target, ids: KnownIds): Buffer => {
  if (!random.chance(LIKELY)) return arbitraryRequest(random, target);
  const { method, url, headers, body } = likelyRequest(random, target, ids);
  const length = Buffer.byteLength(body);
  const extra = random.chance(0.1) ? random.pick(HEADERS) : '';
  return Buffer.from(
    `${method} ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${headers}${extra}Content-Length: ${length}\r\n\r\n${body}`,
  );
};

/** One that may be broken in any way. */
const arbitraryRequest = (random: Random, { secret, publishable }: Target): Buffer => {
  const paths = routes.map(({ path }) => path);
  const id = random.pick([
    `pay_${'0'.repeat(32)}`,
    '%00',
    '..',
    'x'.repeat(300),
    '4242424242424242',
    '%zz',
    'item_demo',
  ]);
  const path = random.pick(['/', '/docs/errors', '/webhooks/stripe', '//', '/v1//payments', ...paths]);
  const url = `${random.pick(['', '', '', 'http://localhost'])}${path.replace(':id', id)}${random.pick(['', '', '?limit=1', '?a=b&a=c', '#x', '?%ff=%', `?q=${'9'.repeat(2_000)}`])}`;
  const key = random.pick([secret, publishable, 'sk_test_demo', '', 'x'.repeat(300)]);
  const body = random.pick(BODIES);
  const bytes = Buffer.from(body);
  const framing = random.chance(0.1)
    ? `Transfer-Encoding: chunked\r\n\r\n${bytes.length.toString(16)}\r\n${body}${bytes.length === 0 ? '' : '\r\n0\r\n'}\r\n`
    : `Content-Length: ${bytes.length}\r\n\r\n${body}`;
  const type = random.chance(0.7) ? 'Content-Type: application/json\r\n' : '';
  const idempotent = random.chance(0.5) ? `Idempotency-Key: ${random.integer(0, 99)}\r\n` : '';
  const text = `${random.pick(METHODS)} ${url} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${key === '' ? '' : `Authorization: Bearer ${key}\r\n`}${type}${idempotent}${random.pick(HEADERS)}${random.pick(HEADERS)}${framing}`;
  const request = Buffer.from(text);
  // One in ten is broken somewhere, or ends before its time.
  if (random.chance(0.05)) request[random.integer(0, request.length - 1)] = random.integer(0, 255);
  return random.chance(0.05) ? request.subarray(0, random.integer(1, request.length)) : request;
};

/** Everything that is answered to these bytes until the other side closes. */
export const ask = (url: string, request: Buffer): Promise<{ answer: string; ms: number }> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const startedAt = performance.now();
    // What is cut off is ended here too, so that nobody waits for the rest.
    const socket = connect({ port: Number(port), host: hostname, allowHalfOpen: true });
    let answer = '';
    const done = (): void => {
      socket.destroy();
      resolve({ answer, ms: performance.now() - startedAt });
    };
    socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
    socket.on('end', done).on('error', done).setTimeout(10_000, done);
    socket.end(request);
  });

/** That many, a few at a time. What is wrong with an answer is added to the complaints. */
export const askArbitrarily = async (
  requests: number,
  target: Target,
  random: Random,
  complaints: string[],
): Promise<Arbitrary> => {
  const statuses: Record<string, number> = {};
  const ids = new KnownIds();
  let slowestMs = 0;
  let asked = 0;
  const one = async (): Promise<void> => {
    const request = asBytes(random, target, ids);
    const { answer, ms } = await ask(target.url, request);
    slowestMs = Math.max(slowestMs, ms);
    ids.learn(answer);
    const reply = answer.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '');
    const [, status = 'none'] = /^HTTP\/1\.1 (\d{3}) /.exec(reply) ?? [];
    statuses[status] = (statuses[status] ?? 0) + 1;
    const complaint = whyWrong(reply, status, ms);
    if (complaint !== undefined)
      complaints.push(`${complaint}: ${JSON.stringify(request.toString('latin1').slice(0, 300))}`);
    asked++;
  };
  const go = async (): Promise<void> => {
    while (asked < requests) await one();
  };
  await Promise.all(Array.from({ length: 8 }, go));
  return { asked, slowestMs, statuses };
};

const whyWrong = (reply: string, status: string, ms: number): string | undefined => {
  if (status === 'none') return 'it was not answered';
  if (status.startsWith('5') && status !== '503') return `it was answered with ${status}`;
  if (ms > REPLY_MAX_MS) return `it took ${ms.toFixed(0)} ms`;
  const [head = '', body = ''] = reply.split('\r\n\r\n');
  // Pages say it in words.
  if (Number(status) < 400 || body === '' || /^content-type: text\/html/im.test(head)) return undefined;
  return /Request-Id: req_/.test(head) && /"(?:outcome)":"(?:none|applied|unknown)"/.test(body)
    ? undefined
    : 'its answer has another form';
};

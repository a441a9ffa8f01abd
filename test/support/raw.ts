/** A request as bytes, for what no client would send. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export const open = async (url: string): Promise<Socket> => {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  // A service may cut off what it will not read.
  socket.on('error', () => undefined);
  return socket;
};

/** Everything that is answered until the other side closes; the request says `Connection: close`. */
export const sendRaw = async (url: string, request: string | Buffer): Promise<string> => {
  const socket = await open(url);
  socket.setEncoding('utf8');
  let answer = '';
  socket.on('data', (text: string) => (answer += text));
  const closed = once(socket, 'close');
  socket.write(request);
  await closed;
  return answer;
};

/** Bodies of what was answered on one connection, where it was an error. */
export const errorsIn = (answers: string): { code: string; outcome: string; request_id: string }[] =>
  [...answers.matchAll(/\{"error":(\{[^{}]*\})\}/g)].map(
    ([, error = '{}']) => JSON.parse(error) as { code: string; outcome: string; request_id: string },
  );
export const statusesIn = (answers: string): number[] =>
  [...answers.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));

/** A POST with those headers and that body. */
export const asRequest = (path: string, headers: Record<string, string>, body: string): string =>
  [
    `POST ${path} HTTP/1.1`,
    'Host: localhost',
    'Connection: close',
    'Authorization: Bearer sk_test_demo',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    '',
    body,
  ].join('\r\n');

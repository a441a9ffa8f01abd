/**
 * Load on the service, over sockets of its own: on a machine of two cores, Node's own client would take so much of one
 * that it would be the client that is measured.
 */
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Call {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: string;
  readonly key?: string;
}

export interface Answered {
  readonly call: Call;
  /** 0: the connection was lost. */
  readonly status: number;
  /** From when it was sent. */
  readonly ms: number;
}

const bytesOf = ({ method, path, body, key }: Call): string => {
  const head = `${method} ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer sk_test_demo\r\n`;
  const keyed = key === undefined ? head : `${head}Idempotency-Key: ${key}\r\n`;
  if (body === undefined) return `${keyed}\r\n`;
  return `${keyed}Content-Type: application/json\r\nContent-Length: ${String(Buffer.byteLength(body))}\r\n\r\n${body}`;
};

interface Connection {
  /** Answers the status, and the seconds of a `Retry-After`. */
  readonly send: (bytes: string, onStatus: (status: number, afterS: number) => void) => void;
  readonly end: () => void;
}

/** One request at a time. Every answer of the service has a Content-Length. */
const openConnection = (port: number): Connection => {
  let waiting: ((status: number, afterS: number) => void) | undefined;
  let text = '';
  const end = (status: number): void => {
    const tell = waiting;
    const afterS = status === 503 ? Number(/\r\nretry-after: (\d+)/i.exec(text)?.[1] ?? 0) : 0;
    waiting = undefined;
    text = '';
    tell?.(status, afterS);
  };
  const open = (): Socket =>
    connect(port, '127.0.0.1')
      .setNoDelay(true)
      .setEncoding('latin1')
      .on('data', (chunk: string) => {
        text += chunk;
        const head = text.indexOf('\r\n\r\n');
        if (head < 0) return;
        const length = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
        if (text.length >= head + 4 + length) end(Number(text.slice(9, 12)));
      })
      .on('error', () => undefined)
      .on('close', () => {
        end(0);
      });
  let socket = open();
  return {
    send: (bytes, onStatus) => {
      if (socket.destroyed) socket = open();
      waiting = onStatus;
      socket.write(bytes);
    },
    end: () => {
      socket.destroy();
    },
  };
};

const portOf = (base: string): number => Number(new URL(base).port);

/** One request. */
export const ask = (base: string, call: Call): Promise<number> =>
  new Promise((resolve) => {
    const connection = openConnection(portOf(base));
    connection.send(bytesOf(call), (status) => {
      connection.end();
      resolve(status);
    });
  });

/** That many clients, each with one request at a time, until stopped. */
export const startClosed = (
  base: string,
  clients: number,
  next: (i: number) => Call,
  onAnswer: (answer: Answered) => void,
): { readonly stop: () => Promise<void> } => {
  let stopped = false;
  let i = 0;
  const client = (): Promise<void> =>
    new Promise((resolve) => {
      const connection = openConnection(portOf(base));
      const turn = (): void => {
        if (stopped) {
          connection.end();
          resolve();
          return;
        }
        const startedAt = performance.now();
        const call = next(i++);
        connection.send(bytesOf(call), (status) => {
          onAnswer({ call, status, ms: performance.now() - startedAt });
          turn();
        });
      };
      turn();
    });
  const ended = Promise.all(Array.from({ length: clients }, client));
  return {
    stop: async () => {
      stopped = true;
      await ended;
    },
  };
};

/** The same for that long. */
export const closedLoad = async (
  base: string,
  clients: number,
  ms: number,
  next: (i: number) => Call,
): Promise<Answered[]> => {
  const answers: Answered[] = [];
  const load = startClosed(base, clients, next, (answer) => answers.push(answer));
  await sleep(ms);
  await load.stop();
  return answers;
};

/** As many as clients would keep open. */
const CONNECTIONS_MAX = 4_000;
/** Until all are accepted: libuv takes one in each turn of the loop, which under load would be some hundred a second. */
const OPEN_MS = 2_000;
const PACE_MS = 2;

/**
 * Requests begin at that rate, whether those before have been answered or not. Who is refused comes back when he was
 * asked to. One that finds no connection free is not sent, and only counted.
 */
export const openLoad = async (
  base: string,
  perS: number,
  ms: number,
  next: (i: number) => Call,
): Promise<{ readonly answers: Answered[]; readonly unsent: number }> => {
  const answers: Answered[] = [];
  const connections = Math.min(CONNECTIONS_MAX, Math.ceil(perS));
  const all = Array.from({ length: connections }, () => openConnection(portOf(base)));
  const free = [...all];
  let sent = 0;
  let due = 0;
  const send = (connection: Connection, call: Call): void => {
    const at = performance.now();
    sent++;
    connection.send(bytesOf(call), (status, afterS) => {
      answers.push({ call, status, ms: performance.now() - at });
      if (afterS === 0) free.push(connection);
      else setTimeout(() => free.push(connection), afterS * 1000);
    });
  };
  if (connections === CONNECTIONS_MAX) await sleep(OPEN_MS);
  const startedAt = performance.now();
  while (performance.now() - startedAt < ms) {
    for (; due < ((performance.now() - startedAt) / 1000) * perS; due++) {
      const connection = free.pop();
      if (connection) send(connection, next(due));
    }
    await sleep(PACE_MS);
  }
  while (answers.length < sent) await sleep(10);
  for (const connection of all) connection.end();
  return { answers, unsent: due - sent };
};

export const percentile = (values: readonly number[], p: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor((values.length * p) / 100))] ?? NaN;

/** What idle connections cost the service in memory, and what becomes of clients that are too slow. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { createWorld } from '../../test/support/world.ts';
import { canMeasure, treeUse } from './processes.ts';
import { startOwn, type Own } from './subject.ts';

type Log = (line: string) => void;

/** Files that this process and the service need besides connections. */
const FILES_ELSE = 200;
/** What V8 and the allocator give back after a collection, they have given back by then. */
const SETTLE_MS = 2_000;
const MB = 2 ** 20;

const filesMax = async (pid: number | 'self'): Promise<number> => {
  const limits = await readFile(`/proc/${pid}/limits`, 'utf8').catch(() => '');
  return Number(/Max open files +(\d+)/.exec(limits)?.[1] ?? Infinity);
};

/** Opens idle kept-alive connections, each of which has had a reply, and says what each takes. */
export const idleConnections = async (wanted: number, log: Log): Promise<string> => {
  if (!canMeasure) return 'memory is not measured elsewhere than on Linux\n';
  const world = await createWorld();
  const sockets: Socket[] = [];
  try {
    const own = await startOwn(world, { nodeArgs: ['--inspect=127.0.0.1:0'] });
    const collect = await openCollector(await own.service.said());
    const limit = Math.min(await filesMax('self'), await filesMax(own.service.pid)) - FILES_ELSE;
    const count = Math.min(wanted, limit);
    if (count < wanted) log(`"ulimit -n" leaves room for ${count} connections, not ${wanted}`);

    const memory = async (): Promise<number> => {
      await collect();
      await sleep(SETTLE_MS);
      await collect();
      return treeUse(own.service.pid).memoryBytes;
    };
    // Once before, so that what the first of them warms up is not counted as theirs.
    for (const socket of await openMany(own, Math.min(200, count))) socket.destroy();
    const before = await memory();
    log(`opening ${count} connections`);
    sockets.push(...(await openMany(own, count)));
    const during = await memory();
    const startedAt = performance.now();
    (await openIdle(own)).destroy();
    const replyMs = performance.now() - startedAt;
    const cut = sockets.filter(({ destroyed }) => destroyed).length;
    for (const socket of sockets) socket.destroy();
    const after = await memory();
    return (
      `${count} idle connections: ${((during - before) / count / 1024).toFixed(1)} KB each in the service ` +
      `(${(before / MB).toFixed(0)} MB before, ${(during / MB).toFixed(0)} MB with them, ${(after / MB).toFixed(0)} MB after; ` +
      `each measured after a full collection; the kernel's own part not counted)\n` +
      `a new connection beside them has its reply in ${replyMs.toFixed(1)} ms; ${cut} were cut\n`
    );
  } finally {
    for (const socket of sockets) socket.destroy();
    await world.close();
  }
};

/** So many at once that the queue of the listening socket does not run over. */
const AT_ONCE = 100;

const openMany = async (own: Own, count: number): Promise<Socket[]> => {
  const sockets: Socket[] = [];
  while (sockets.length < count) {
    const some = Math.min(AT_ONCE, count - sockets.length);
    sockets.push(...(await Promise.all(Array.from({ length: some }, () => openIdle(own)))));
  }
  return sockets;
};

const openIdle = async ({ url, key }: Own): Promise<Socket> => {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined);
  socket.write(`GET /v1/items/item_demo HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\n\r\n`);
  const [reply] = (await once(socket, 'data')) as [Buffer];
  if (!reply.toString().startsWith('HTTP/1.1 200')) throw new Error(`an item could not be read: ${reply.toString()}`);
  return socket;
};

/** Has the service's garbage collected, over Node's inspector. */
const openCollector = async (said: string): Promise<() => Promise<void>> => {
  const url = /Debugger listening on (ws:\S+)/.exec(said)?.[1];
  if (url === undefined) throw new Error('the service has no inspector.');
  const socket = new WebSocket(url);
  await once(socket, 'open');
  let id = 0;
  return async () => {
    socket.send(JSON.stringify({ id: ++id, method: 'HeapProfiler.collectGarbage' }));
    await once(socket, 'message');
  };
};

// ---- slow clients --------------------------------------------------------------------------------------------------

const BYTE_EVERY_MS = 1_000;

interface Cut {
  readonly what: 'head' | 'body';
  /** Undefined: not cut. */
  readonly afterS: number | undefined;
}

/** Clients that send a byte a second, half of them of the head and half of the body: true where all were cut in time. */
export const slowClients = async (count: number, withinS: number, log: Log): Promise<{ text: string; ok: boolean }> => {
  const world = await createWorld();
  try {
    const own = await startOwn(world);
    log(`${count} clients send a byte a second each`);
    const loris = Promise.all(
      Array.from({ length: count }, (_, n) => trickle(own, n % 2 === 0 ? 'head' : 'body', withinS)),
    );
    let slowestMs = 0;
    let cuts: Cut[] | undefined;
    while (!cuts) {
      const startedAt = performance.now();
      (await openIdle(own)).destroy();
      slowestMs = Math.max(slowestMs, performance.now() - startedAt);
      cuts = await Promise.race([loris, sleep(BYTE_EVERY_MS, undefined)]);
    }
    const uncut = cuts.filter(({ afterS }) => afterS === undefined).length;
    const line = (what: Cut['what']): string => {
      const after = cuts.flatMap((cut) => (cut.what === what && cut.afterS !== undefined ? [cut.afterS] : []));
      return `${after.length} in the ${what} cut after ${Math.min(...after).toFixed(1)} to ${Math.max(...after).toFixed(1)} s`;
    };
    const text = `${line('head')}; ${line('body')}; ${uncut} not within ${withinS} s; others had their reply in ${slowestMs.toFixed(1)} ms at most\n`;
    return { text, ok: uncut === 0 };
  } finally {
    await world.close();
  }
};

const trickle = async ({ url, key }: Own, what: Cut['what'], withinS: number): Promise<Cut> => {
  const { hostname, port, host } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined).resume();
  const startedAt = performance.now();
  const head = `POST /v1/debits HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${key}\r\nContent-Type: application/json\r\n`;
  if (what === 'body') socket.write(`${head}Content-Length: 10000\r\n\r\n{`);
  const rest = what === 'body' ? ' '.repeat(10_000) : `${head}X-Slow: ${'x'.repeat(10_000)}`;
  let sent = 0;
  const timer = setInterval(() => socket.write(rest[sent++] ?? ' '), BYTE_EVERY_MS);
  const closed = once(socket, 'close').then(() => (performance.now() - startedAt) / 1000);
  const afterS = await Promise.race([closed, sleep(withinS * 1000, undefined, { ref: false })]);
  clearInterval(timer);
  socket.destroy();
  return { what, afterS };
};

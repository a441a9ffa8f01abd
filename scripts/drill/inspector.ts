/** Runs code inside a service that runs, through Node's inspector: the service itself has none that blocks on purpose. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface Inspector {
  /** The value of an expression in that process. */
  readonly evaluate: (expression: string) => Promise<unknown>;
  /** Closes it there too. */
  readonly close: () => Promise<void>;
}

/** Where a process opens its inspector on SIGUSR1: https://nodejs.org/api/process.html#signal-events */
const ADDRESS = 'http://127.0.0.1:9229';
const OPEN_MS = 5_000;

/** Opens the inspector of that process. Rejects where another process has the port. */
export const openInspector = async (pid: number): Promise<Inspector> => {
  process.kill(pid, 'SIGUSR1');
  const socket = new WebSocket(await addressOf());
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', () => reject(new Error('its inspector does not answer')), { once: true });
  });
  const waiting = new Map<number, (value: unknown) => void>();
  socket.addEventListener('message', ({ data }) => {
    const told = JSON.parse(String(data)) as { id?: number; result?: { result?: { value?: unknown } } };
    if (told.id !== undefined) waiting.get(told.id)?.(told.result?.result?.value);
  });
  let last = 0;
  const evaluate = (expression: string): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const fail = (): void => reject(new Error('its inspector was closed'));
      if (socket.readyState !== WebSocket.OPEN) {
        fail();
        return;
      }
      socket.addEventListener('close', fail, { once: true });
      waiting.set(++last, resolve);
      const params = { expression, returnByValue: true };
      socket.send(JSON.stringify({ id: last, method: 'Runtime.evaluate', params }));
    });
  const found = await evaluate('process.pid');
  if (found !== pid) {
    socket.close();
    throw new Error(
      `port 9229 is the inspector of process ${String(found)}, and not of the service: end that one first`,
    );
  }
  return {
    evaluate,
    close: async () => {
      await evaluate("setTimeout(() => process.getBuiltinModule('node:inspector').close(), 100), true");
      socket.close();
      // Whoever opens it next must not meet the one that is being closed.
      for (const end = performance.now() + OPEN_MS; performance.now() < end && (await isOpen());) await sleep(50);
    },
  };
};

const isOpen = (): Promise<boolean> =>
  fetch(`${ADDRESS}/json/version`).then(
    async (reply) => {
      await reply.arrayBuffer();
      return true;
    },
    () => false,
  );

const addressOf = async (): Promise<string> => {
  for (const until = performance.now() + OPEN_MS; ;) {
    const list = await fetch(`${ADDRESS}/json/list`)
      .then((reply) => reply.json() as Promise<{ webSocketDebuggerUrl: string }[]>)
      .catch(() => []);
    const [first] = list;
    if (first) return first.webSocketDebuggerUrl;
    if (performance.now() > until) throw new Error('its inspector did not open');
    await sleep(50);
  }
};

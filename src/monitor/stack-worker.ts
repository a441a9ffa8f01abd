/**
 * Takes the main thread's stack when the watchdog asks for it. A thread of its own, since asking takes as long as the
 * main thread stays in a native call, up to five seconds, and the watchdog has to go on watching.
 */
import { workerData, type MessagePort } from 'node:worker_threads';
import { ASK, loadNativeStack, MAIN, type NativeStack, type StackAnswer } from './native-stack.ts';

const data = workerData as { ask: SharedArrayBuffer; port: MessagePort };

const serve = ({ captureStackTrace }: NativeStack): void => {
  const ask = new Int32Array(data.ask);
  for (let answered = 0; ;) {
    Atomics.wait(ask, ASK.number, answered);
    answered = Atomics.load(ask, ASK.number);
    const askedAt = performance.now();
    const main = captureStackTrace()[MAIN];
    const answer: StackAnswer = {
      number: answered,
      frames: main?.frames ?? [],
      work: main?.asyncState ?? {},
      tookMs: performance.now() - askedAt,
    };
    data.port.postMessage(answer);
  }
};

// Where there is none, the ops thread has said so and does not start this one.
loadNativeStack().match(serve, () => undefined);

/** What a drill has a service do that blocks: written here, run there. It blocks in the reply to a request that asks for it. */

/** Only a request with this header is held. */
export const HEADER = 'quittance-drill';

const COMPUTE = `
  function holdTheEventLoop(ms) {
    const end = performance.now() + ms;
    let sum = 0;
    while (performance.now() < end) sum += Math.sqrt(sum + 1);
  }`;
const THROW = `
  function holdTheEventLoop() {
    throw new Error('thrown by a drill');
  }`;
const COLLECT = `
  let kept;
  function holdTheEventLoop(ms) {
    const end = performance.now() + ms;
    do collectGarbage(); while (performance.now() < end);
  }
  process.getBuiltinModule('node:v8').setFlagsFromString('--expose-gc');
  const collectGarbage = process.getBuiltinModule('node:vm').runInNewContext('gc');
  kept = Array.from({ length: 300_000 }, (_, i) => ({ i, text: 'kept ' + i }));`;

export type Held = 'stall' | 'gc' | 'throw';
const CODES: Readonly<Record<Held, string>> = { stall: COMPUTE, gc: COLLECT, throw: THROW };

const codeOf = (how: Held): string => `(() => {
  const { ServerResponse } = process.getBuiltinModule('node:http');
  const original = ServerResponse.prototype.writeHead;
  ${CODES[how]}
  ServerResponse.prototype.writeHead = function (...args) {
    const ms = Number(this.req?.headers['${HEADER}'] ?? 0);
    // Once: the reply to an error is one, too.
    if (ms > 0 && ms <= 10_000 && !this.req.isHeld) {
      this.req.isHeld = true;
      holdTheEventLoop(ms);
    }
    return original.apply(this, args);
  };
  globalThis.endDrill = () => { ServerResponse.prototype.writeHead = original; delete globalThis.endDrill; };
  return true;
})()`;

/** From now on, a request with the header is answered after so many milliseconds of that. A stack names this file. */
export const holdRequests = (how: Held): string => {
  const filename = new URL('inside.ts', import.meta.url).href;
  return `process.getBuiltinModule('node:vm').runInThisContext(${JSON.stringify(codeOf(how))}, ${JSON.stringify({ filename })})`;
};

export const letGo = 'globalThis.endDrill?.(), true';

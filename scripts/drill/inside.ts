/** What a drill has a service do that blocks: written here, run there. It blocks in the reply to a request that asks for it. */
import { fileURLToPath } from 'node:url';

/** Only a request with this header is held. */
export const HEADER = 'quittance-drill';

const COMPUTE = `
  function holdTheEventLoop(ms) {
    const end = performance.now() + ms;
    let sum = 0;
    while (performance.now() < end) sum += Math.sqrt(sum + 1);
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

/** From now on, a request with the header is answered after so many milliseconds of that. */
export const holdRequests = (how: 'stall' | 'gc'): string => `(() => {
  const { ServerResponse } = process.getBuiltinModule('node:http');
  const original = ServerResponse.prototype.writeHead;
  ${how === 'stall' ? COMPUTE : COLLECT}
  ServerResponse.prototype.writeHead = function (...args) {
    const ms = Number(this.req?.headers['${HEADER}'] ?? 0);
    if (ms > 0 && ms <= 10_000) holdTheEventLoop(ms);
    return original.apply(this, args);
  };
  globalThis.endDrill = () => { ServerResponse.prototype.writeHead = original; delete globalThis.endDrill; };
  return true;
})()
//# sourceURL=file://${fileURLToPath(new URL('inside.ts', import.meta.url))}`;

export const letGo = 'globalThis.endDrill?.(), true';

/** Reading a stack that was taken: whose frame is it? Pure. */
import { fileURLToPath } from 'node:url';
import type { Frame } from './sample.ts';

/** Node's own, packages', and the monitor's: not where one would mend anything. */
const FOREIGN = /^node:|^<unknown>$|[\\/]node_modules[\\/]|[\\/]src[\\/]monitor[\\/](?!.*test)/;

/** `file:///app/src/usage.ts` → `src/usage.ts`, where the service was started in /app. */
export const relativeTo = (root: string, frame: Frame): Frame => {
  if (!frame.filename.startsWith('file:')) return frame;
  const path = fileURLToPath(frame.filename);
  return { ...frame, filename: path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path };
};

/** The uppermost frame of the application; undefined where there is none, and then nobody is blamed. */
export const applicationFrame = (frames: readonly Frame[]): Frame | undefined =>
  frames.find(({ filename }) => !FOREIGN.test(filename));

/** `at priceItems (src/ledger/usage.ts:88:12)`, as V8 writes it. */
export const stackText = (frames: readonly Frame[], max: number): string =>
  frames
    .slice(0, max)
    .map((frame) => `at ${frame.function} (${frame.filename}:${frame.lineno}:${frame.colno})`)
    .join('\n');

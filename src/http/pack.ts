/** Large replies, smaller on the wire: by libuv's threads, off the event loop. */
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import type { Request } from 'express';

/**
 * In characters. Below it what is saved is a packet or two, and costs more than it saves: a small reply pays one look at
 * its length. A list of 10 payments is no larger, one of 100 is ten times as large.
 */
export const PACKED_FROM: number = 8 * 1024;

/** More at once would keep the threads from looking up names, for Stripe: what is beyond is sent as it is. */
const AT_ONCE_MAX = 8;
let underWay = 0;

const brotli = promisify(brotliCompress);
const zip = promisify(gzip);
const PACKERS = {
  br: (bytes: Buffer): Promise<Buffer> => brotli(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 4 } }),
  gzip: (bytes: Buffer): Promise<Buffer> => zip(bytes),
} as const;

export interface Packed {
  readonly encoding: keyof typeof PACKERS;
  readonly bytes: Buffer;
}

/** A text as its caller takes it; undefined where he takes it as it is, or too many are being packed. */
export const pack = (request: Request, text: string): Promise<Packed | undefined> | undefined => {
  const encoding = request.acceptsEncodings(['br', 'gzip', 'identity']);
  if ((encoding !== 'br' && encoding !== 'gzip') || underWay >= AT_ONCE_MAX) return undefined;
  underWay++;
  return PACKERS[encoding](Buffer.from(text))
    .then(
      (bytes): Packed => ({ encoding, bytes }),
      // Sent as it is, it is as true.
      () => undefined,
    )
    .finally(() => underWay--);
};

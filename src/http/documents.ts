/** What is served as it stands, to whoever asks: read once, and packed once. */
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { RequestHandler } from 'express';
import { errorReply } from '../domain/reply.ts';
import { paymentError } from '../error.ts';
import type { HeaderList } from './headers.ts';
import { sendBytes, sendReply } from './respond.ts';

export interface Document {
  readonly path: string;
  readonly type: string;
  readonly headers: HeaderList;
  readonly text: () => string;
}

/** A file beside the sources: `src/contract/openapi.json`. */
export const fileText = (path: string): (() => string) => {
  const at = new URL(`../${path}`, import.meta.url);
  return () => readFileSync(at, 'utf8');
};

/**
 * Replies with them that are not taken yet, of all together: anyone may ask, and each may wait for as long as a reply may.
 * Whoever reads takes his at once.
 */
const UNDER_WAY_MAX = 64;
let underWay = 0;

interface Packed {
  /** All are bytes, which every reply shares. */
  readonly plain: Buffer;
  readonly br: Buffer;
  readonly gzip: Buffer;
}

/** Packed when it is first asked for: that takes some milliseconds, once. */
export const serveDocument = ({ path, type, headers, text }: Document): RequestHandler => {
  let packed: Packed | undefined;
  const pack = (): Packed => {
    const plain = Buffer.from(text());
    const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
    return { plain, br: brotliCompressSync(plain, { params }), gzip: gzipSync(plain) };
  };
  return (request, response) => {
    request.record.route = path;
    request.record.headers = headers;
    if (underWay >= UNDER_WAY_MAX) {
      sendReply(request, response, {
        ...errorReply(paymentError('overloaded'), request.record.requestId),
        headers: { 'Retry-After': '1' },
      });
      return;
    }
    underWay++;
    response.once('close', () => underWay--);
    packed ??= pack();
    const encoding = request.acceptsEncodings(['br', 'gzip', 'identity']);
    const isPacked = encoding === 'br' || encoding === 'gzip';
    sendBytes(request, response, 200, packed[isPacked ? encoding : 'plain'], {
      'Content-Type': type,
      'Cache-Control': 'public, max-age=60',
      Vary: 'Accept-Encoding',
      ...(isPacked ? { 'Content-Encoding': encoding } : {}),
    });
  };
};

/** What is served as it stands, to whoever asks: read once, and packed once. */
import { readFileSync } from 'node:fs';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import type { RequestHandler } from 'express';
import type { HeaderList } from './headers.ts';
import { sendBytes } from './respond.ts';

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

interface Packed {
  readonly text: string;
  readonly br: Buffer;
  readonly gzip: Buffer;
}

/** Packed when it is first asked for: that takes some milliseconds, once. */
export const serveDocument = ({ path, type, headers, text }: Document): RequestHandler => {
  let packed: Packed | undefined;
  const pack = (): Packed => {
    const plain = text();
    const params = { [constants.BROTLI_PARAM_QUALITY]: 5 };
    return { text: plain, br: brotliCompressSync(plain, { params }), gzip: gzipSync(plain) };
  };
  return (request, response) => {
    request.record.route = path;
    request.record.headers = headers;
    packed ??= pack();
    const encoding = request.acceptsEncodings(['br', 'gzip', 'identity']);
    const isPacked = encoding === 'br' || encoding === 'gzip';
    sendBytes(request, response, 200, isPacked ? packed[encoding] : packed.text, {
      'Content-Type': type,
      'Cache-Control': 'public, max-age=60',
      Vary: 'Accept-Encoding',
      ...(isPacked ? { 'Content-Encoding': encoding } : {}),
    });
  };
};

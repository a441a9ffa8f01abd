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

const ENCODERS = {
  br: (bytes: Buffer): Buffer => brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 5 } }),
  gzip: (bytes: Buffer): Buffer => gzipSync(bytes),
  identity: (bytes: Buffer): Buffer => bytes,
} as const;

/**
 * Made and packed when it is first asked for so: that takes some milliseconds, once. However many do not take theirs, they
 * share its bytes.
 */
export const serveDocument = ({ path, type, headers, text }: Document): RequestHandler => {
  const packed = new Map<string, Buffer>();
  const bytesOf = (encoding: keyof typeof ENCODERS): Buffer => {
    const bytes =
      packed.get(encoding) ?? ENCODERS[encoding](encoding === 'identity' ? Buffer.from(text()) : bytesOf('identity'));
    packed.set(encoding, bytes);
    return bytes;
  };
  return (request, response) => {
    request.record.route = path;
    request.record.headers = headers;
    const accepted = request.acceptsEncodings(['br', 'gzip', 'identity']);
    const encoding = accepted === 'br' || accepted === 'gzip' ? accepted : 'identity';
    sendBytes(request, response, 200, bytesOf(encoding), {
      'Content-Type': type,
      'Cache-Control': 'public, max-age=60',
      Vary: 'Accept-Encoding',
      ...(encoding === 'identity' ? {} : { 'Content-Encoding': encoding }),
    });
  };
};

/** Headers that do not depend on what is answered: helmet and cors are asked for them once, not again for each reply. */
import { IncomingMessage, ServerResponse, type IncomingHttpHeaders } from 'node:http';
import { Socket } from 'node:net';
import cors from 'cors';
import type { RequestHandler } from 'express';
import helmet from 'helmet';

/** Name, value, name, value: as `writeHead` takes them without copying. */
export type HeaderList = readonly string[];

type Middleware = (request: IncomingMessage, response: ServerResponse, next: () => void) => void;

/** What a middleware would set on the reply to a GET with these headers. */
const collect = (middleware: Middleware, headers: IncomingHttpHeaders = {}): HeaderList => {
  const request = Object.assign(new IncomingMessage(new Socket()), { method: 'GET', headers });
  const response = new ServerResponse(request);
  middleware(request, response, () => undefined);
  return Object.entries(response.getHeaders()).flatMap(([name, value]) => [name, String(value)]);
};

export const SECURITY_HEADERS: HeaderList = collect(helmet());

export interface Cors {
  readonly preflight: RequestHandler;
  /** What a reply to a page of that origin has: who may read it, and the security headers. */
  readonly headersFor: (origin: string | undefined) => HeaderList;
}

export const createCors = (origins: '*' | readonly string[]): Cors => {
  const allow = cors({
    origin: origins === '*' ? '*' : [...origins],
    methods: ['GET', 'POST'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key'],
    exposedHeaders: ['Request-Id', 'Idempotent-Replayed', 'Retry-After'],
    maxAge: 3600,
  });
  const of = (origin?: string): HeaderList => [...collect(allow, { origin }), ...SECURITY_HEADERS];
  const toAnyOther = of();
  const known = new Map(origins === '*' ? [] : origins.map((origin) => [origin, of(origin)]));
  return { preflight: allow, headersFor: (origin) => known.get(origin ?? '') ?? toAnyOther };
};

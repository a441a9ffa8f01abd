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

/** For pages. */
export const PAGE_HEADERS: HeaderList = collect(helmet());

/**
 * For a page with a policy of its own, and forms: they say where they are from to their own server, and nobody else is told
 * an address.
 */
export const pageHeaders = (policy: string): HeaderList =>
  PAGE_HEADERS.map((value, at) => {
    const name = PAGE_HEADERS[at - 1]?.toLowerCase();
    return name === 'content-security-policy' ? policy : name === 'referrer-policy' ? 'same-origin' : value;
  });

/**
 * For JSON: what keeps a browser from taking a reply for a page, and from asking without TLS. The rest of helmet's are
 * for documents, and cost each reply 5 % of its time: https://cheatsheetseries.owasp.org/cheatsheets/REST_Security_Cheat_Sheet.html
 */
export const SECURITY_HEADERS: HeaderList = collect(
  helmet({
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    xFrameOptions: { action: 'deny' },
    crossOriginEmbedderPolicy: false,
    crossOriginOpenerPolicy: false,
    crossOriginResourcePolicy: false,
    originAgentCluster: false,
    referrerPolicy: false,
    xDnsPrefetchControl: false,
    xDownloadOptions: false,
    xPermittedCrossDomainPolicies: false,
    xXssProtection: false,
  }),
);

export interface Cors {
  readonly preflight: RequestHandler;
  /** What a reply to a page of that origin has: who may read it, and the security headers. */
  readonly headersFor: (origin: string | undefined) => HeaderList;
}

export const createCors = (origins: '*' | readonly string[]): Cors => {
  const allow = cors({
    origin: origins === '*' ? '*' : [...origins],
    methods: ['GET', 'HEAD', 'POST'],
    allowedHeaders: ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-None-Match'],
    exposedHeaders: ['ETag', 'Request-Id', 'Idempotent-Replayed', 'Retry-After'],
    maxAge: 3600,
  });
  const of = (origin?: string): HeaderList => [...collect(allow, { origin }), ...SECURITY_HEADERS];
  const toAnyOther = of();
  const known = new Map(origins === '*' ? [] : origins.map((origin) => [origin, of(origin)]));
  const preflight: RequestHandler = (request, response, next) => {
    response.setHeader('Request-Id', request.record.requestId);
    for (let at = 1; at < SECURITY_HEADERS.length; at += 2)
      response.setHeader(SECURITY_HEADERS[at - 1] ?? '', SECURITY_HEADERS[at] ?? '');
    allow(request, response, next);
  };
  return { preflight, headersFor: (origin) => known.get(origin ?? '') ?? toAnyOther };
};

/** The contract, held to: every reply that a test sees is one that its route says it gives. */
import { appendFileSync } from 'node:fs';
import { z } from 'zod';
import { ERRORS, FINER_STATUSES } from '../../src/error.ts';
import * as gives from '../../src/http/replies.ts';
import type { Route } from '../../src/http/route.ts';
import { routes } from '../../src/http/routes.ts';

/** Where the errors that tests have provoked are noted, route by route: one file for the whole run. */
export const SEEN = 'QUITTANCE_TEST_ERRORS_SEEN';

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly contentType: string;
  readonly text: string;
}

const envelope = z.strictObject({ error: gives.error });
const noted = new Set<string>();

/** What is wrong with a reply by its route's own words; nothing where it is as promised. */
export const breachOf = ({ method, path, status, contentType, text }: Seen): string | undefined => {
  const target = routeOf(method, path);
  if (!target || status === 304 || method === 'HEAD') return undefined;
  const named = `${method} ${target.path} answered ${status}`;
  // RFC 9457 says the same in other words.
  if (contentType.startsWith('application/problem+json')) return undefined;
  if (target.also.some((type) => contentType.startsWith(type))) return undefined;
  const parsed = parse(text);
  if (status < 400) {
    const [promised, schema] = target.reply;
    if (status !== promised) return `${named}, and not ${promised}`;
    const checked = schema.safeParse(parsed);
    return checked.success
      ? undefined
      : `${named} with a body that its schema lacks: ${z.prettifyError(checked.error)}`;
  }
  const checked = envelope.safeParse(parsed);
  if (!checked.success) return `${named} with an error that is none: ${z.prettifyError(checked.error)}`;
  const { code } = checked.data.error;
  note(`${method} ${target.path} ${code}`);
  if (!target.errors.includes(code)) return `${named} with ${code}, which it does not list`;
  const statuses = [ERRORS[code].status, ...(FINER_STATUSES[code] ?? [])];
  return statuses.includes(status) ? undefined : `${named} with ${code}, whose status is ${statuses.join(' or ')}`;
};

const note = (line: string): void => {
  const file = process.env[SEEN];
  if (file === undefined || noted.has(line)) return;
  noted.add(line);
  appendFileSync(file, `${line}\n`);
};

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

/** Words before parameters: `/v1/transfers/bulk` is no transfer of that id. */
const byWords = (a: Route, b: Route): number => a.path.split(':').length - b.path.split(':').length;
const table = routes.toSorted(byWords).map((route) => ({
  route,
  pattern: new RegExp(`^${route.path.replace(/:[a-z]+/g, '[^/]+')}$`),
}));

const routeOf = (method: string, path: string): Route | undefined => {
  const plain = path.split('?')[0] ?? '';
  const template = table.find(({ pattern }) => pattern.test(plain))?.route.path;
  return routes.find((route) => route.method === method && route.path === template);
};

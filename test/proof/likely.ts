/**
 * Requests that a client of the API would send, and nearly such ones: the examples of the documents with ids that there
 * are, by who may, now and then with something that is wrong.
 */
import { readFileSync } from 'node:fs';
import type { Examples } from '../../src/contract/examples.ts';
import { ROLES } from '../../src/domain/principal.ts';
import { routes } from '../../src/http/routes.ts';
import type { Random } from './random.ts';

/** Who asks: a merchant's keys, and what a browser has that is signed in to the console. */
export interface Callers {
  readonly secret: string;
  readonly publishable: string;
  readonly finance: string;
  readonly oncall: string;
  readonly cookie: string;
}

const examples = JSON.parse(
  readFileSync(new URL('../../src/contract/examples.json', import.meta.url), 'utf8'),
) as Examples;

const PAGES = [
  ...['', '/payments', '/unknown', '/payments/:pay', '/refunds', '/customers', '/customers/:cus', '/accounts'],
  ...['/accounts/:acct', '/accounts/:acct/statement?from=2026-01-01', '/payouts', '/payouts/:po'],
  ...['/disputes', '/activity', '/activity/export', '/trial-balance', '/trial-balance/export', '/contradictions'],
  ...['/events', '/events/:evt', '/find?q=:pay', '/sign-in'],
].map((path) => `/console${path}`);

/** What narrows a list, or a time; some of it is none. */
const QUERIES = [
  ...['limit=1', 'limit=100', 'limit=0', 'starting_after=:pay', 'ending_before=:tr', 'order=asc', 'currency=usd'],
  ...['status=succeeded,canceled', 'status=none', 'amount[gte]=1', 'amount[gte]=x', 'created[gte]=2026-01-01'],
  ...[
    'as_of=2026-06-01',
    'as_of=2999-01-01',
    'tz=Europe/Berlin',
    'tz=Mars/Olympus',
    'from=2026-01-01',
    'to=2026-01-01',
  ],
  ...[
    'as_of=0001-01-01',
    'from=9999-12-31',
    'created[lt]=-1',
    'amount[lt]=99999999999999999999',
    'tz=',
    'reference=%ED%A0%80',
  ],
  ...['format=csv', 'format=hledger', 'customer=:cus', 'payment=:pay', 'reference=%00', 'q=%ff', 'direction=credit'],
] as const;
const ACCEPTS = [
  '',
  '',
  '',
  'Accept: text/csv\r\n',
  'Accept: text/plain\r\n',
  'Accept: application/problem+json\r\n',
] as const;
const VALUES: readonly unknown[] = [
  ...[null, '', 0, -1, 1, true, [], {}, 'x'.repeat(300), '\u0000', '9'.repeat(30), 'usd', 'xxx', '2026-02-30'],
  ...['\ud800', 'a\u0000b', '\u{1f600}'.repeat(60), '9223372036854775807', { '\u0000': '\u0000' }, [[[]]]],
  ...['4242 4242 4242 4242', 2 ** 53, '0.1', 'pm_card_chargeDeclined', 'pm_card_authenticationRequired'],
];

const oneOf = <T>(from: readonly T[], random: Random): T => random.pick(from as [T, ...T[]]);

/** Ids that replies have named, by what they begin with. */
export class KnownIds {
  readonly #ids = new Map<string, string[]>();

  learn(reply: string): void {
    for (const [id, kind = ''] of reply.matchAll(
      /\b(cus|pay|re|tr|acct|po|dp|we|evt|set|pm|item)_[0-9A-Za-z]{12,}\b/g,
    )) {
      const ids = this.#ids.get(kind) ?? [];
      if (!ids.includes(id)) ids.push(id);
      // The latest are the likeliest to be in a state in which something can be done with them.
      this.#ids.set(kind, ids.slice(-40));
    }
  }

  /** With ids that there are in the place of others, and of `:cus` and the like. */
  fill(text: string, random: Random): string {
    return text.replace(
      /:?\b(cus|pay|re|tr|acct|po|dp|we|evt|set|pm|item)(?:\b(?!_)|_[0-9A-Za-z]{12,}\b)/g,
      (found, kind: string) => {
        if (!found.startsWith(':') && !found.includes('_')) return found;
        const ids = this.#ids.get(kind);
        return ids === undefined ? `${kind}_${'0'.repeat(32)}` : oneOf(ids, random);
      },
    );
  }
}

export interface Likely {
  readonly method: string;
  readonly url: string;
  readonly headers: string;
  readonly body: string;
}

export const likelyRequest = (random: Random, callers: Callers, ids: KnownIds): Likely => {
  if (random.chance(0.1)) {
    const url = withQuery(ids.fill(oneOf(PAGES, random), random), random, ids);
    return { method: 'GET', url, headers: `Cookie: quittance=${callers.cookie}\r\n`, body: '' };
  }
  const route = oneOf(routes, random);
  const { path, body } = examples[route.name] ?? { path: route.path.replace(':id', `x_${'0'.repeat(32)}`), body: {} };
  const role = random.chance(0.9) ? oneOf(route.roles, random) : oneOf(ROLES, random);
  const sent = route.schemas.body
    ? (JSON.parse(ids.fill(JSON.stringify(asWanted(route.name, body ?? {}, random)), random)) as unknown)
    : undefined;
  const wrong = random.chance(0.25) ? mutated(sent, random) : sent;
  return {
    method: route.method,
    url: withQuery(ids.fill(path, random), random, ids),
    headers: `Authorization: Bearer ${callers[role]}\r\n${route.key === 'none' ? '' : `Idempotency-Key: ${random.chance(0.1) ? random.integer(0, 20) : random.next()}\r\n`}Content-Type: application/json\r\n${random.pick(ACCEPTS)}`,
    body: wrong === undefined ? '' : JSON.stringify(wrong),
  };
};

/** Payments in every state, so that there is something to confirm, capture and cancel. */
const asWanted = (name: string, body: unknown, random: Random): unknown => {
  if (name === 'createPayment')
    return { ...(body as object), confirm: random.chance(0.6), capture_method: random.pick(['automatic', 'manual']) };
  // One of this machine is refused.
  if (name === 'createWebhookEndpoint') return { ...(body as object), url: 'https://shop.example/hooks' };
  if (name === 'createRefund' || name === 'capturePayment' || name === 'createDebit')
    return { ...(body as object), amount: random.integer(1, 50) };
  return body;
};

const withQuery = (url: string, random: Random, ids: KnownIds): string =>
  random.chance(0.25) ? `${url}${url.includes('?') ? '&' : '?'}${ids.fill(random.pick(QUERIES), random)}` : url;

/** With one thing about it that is something else. */
const mutated = (value: unknown, random: Random): unknown => {
  if (Array.isArray(value) && value.length > 0) {
    const at = random.integer(0, value.length - 1);
    return value.map((one: unknown, n) => (n === at ? mutated(one, random) : one));
  }
  if (typeof value !== 'object' || value === null) return oneOf(VALUES, random);
  const fields = Object.entries(value);
  const [name] = fields.length > 0 ? oneOf(fields, random) : ['x'];
  const kind = random.pick(['other', 'gone', 'more'] as const);
  if (kind === 'more')
    return { ...value, [random.pick(['x', 'amount', 'metadata', '__proto_', 'client_secret'])]: oneOf(VALUES, random) };
  if (kind === 'gone') return Object.fromEntries(fields.filter(([its]) => its !== name));
  return Object.fromEntries(fields.map(([its, one]) => [its, its === name ? mutated(one, random) : one]));
};

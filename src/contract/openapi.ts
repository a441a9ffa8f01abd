/** `/openapi.json`: the table of routes, as OpenAPI 3.1 says such things. https://spec.openapis.org/oas/v3.1.1.html */
import { ROLES, type Role } from '../domain/principal.ts';
import { ERRORS, type ErrorCode } from '../error.ts';
import type { Route } from '../http/route.ts';
import type { Examples } from './examples.ts';
import { describe, type Described, type Field, type JsonSchema } from './schemas.ts';

interface Named {
  readonly [name: string]: unknown;
}

/** `examples` are replies that were given: see `scripts/contract.ts`. */
export const openApi = (routes: readonly Route[], examples: Examples): Named => {
  const described = describe(routes);
  const paths: Record<string, Record<string, unknown>> = {};
  const shared = createShared();
  for (const route of routes) {
    const path = route.path.replace(/:([a-z]+)/g, '{$1}');
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operation(route, described, examples, shared.refTo) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Quittance',
      version: '1.0.0',
      summary: 'A payment service that never guesses about money.',
      description:
        'Every failure is one value of a closed union: `code` says which, `outcome` what happened to the money, and ' +
        '`retry` what to do. Each operation lists the codes that it can answer, and answers no other. A key that a later ' +
        'version adds to a reply is no breaking change.',
      license: { name: 'All rights reserved', identifier: 'LicenseRef-AllRightsReserved' },
    },
    servers: [{ url: '/', description: 'The service that this came from: `npm start` says where it is' }],
    tags: [...new Set(routes.map(tagOf))].map((name) => ({ name, description: TAGS[name] ?? name })),
    paths,
    webhooks: { event: webhook() },
    components: {
      schemas: described.components,
      securitySchemes: Object.fromEntries(
        ROLES.filter((role) => role !== 'oncall').map((role) => [
          role,
          { type: 'http', scheme: 'bearer', description: KEY_OF[role] },
        ]),
      ),
      headers: HEADERS,
      responses: shared.responses,
      parameters: { IdempotencyKey: keyParameter(true), OptionalIdempotencyKey: keyParameter(false) },
    },
  };
};

const TAGS: Readonly<Record<string, string>> = {
  customers: 'Whom a merchant charges; each has a wallet in each currency.',
  payment_methods: 'Cards and accounts that a customer has saved.',
  setups: 'A card is saved without a charge, with the bank asked where it wants to be.',
  payments: 'Money that comes in by card.',
  refunds: 'Money that goes back to the card.',
  contradictions: 'What Stripe and the books say differently.',
  debits: "Money spent from a customer's wallet.",
  transfers: 'Money moved between wallets.',
  usage: 'Usage, priced with decimals and then spent.',
  items: 'What is sold.',
  accounts: 'Balances in one currency.',
  balances: 'Many balances in one snapshot.',
  trial_balance: 'Debits and credits, which are equal.',
  activity: "What moved the balance at Stripe, by the categories of Stripe's reports.",
  disputes: "What cardholders' banks have taken back.",
  payouts: 'What Stripe has paid out, and what that was made of.',
  balance_transactions: 'What changed the balance at Stripe, with our payment.',
  ledger: 'Periods that are closed, and whether the books prove.',
  volume: 'What was charged, day by day, and why the rest was declined.',
  webhook_endpoints: 'Where a merchant is told of events.',
  events: 'What happened, and whether the merchant has heard of it.',
};

const KEY_OF: Readonly<Record<Role, string>> = {
  secret: "`sk_…`: the merchant's servers, which may do everything of the merchant",
  publishable: '`pk_…`: browsers, which may do what a client secret unlocks, and read items',
  finance: '`fk_…`: reads everything of money, and moves none',
  oncall: '`ok_…`: the pages of operations',
};

const HEADERS = {
  'Request-Id': { schema: { type: 'string' }, description: 'Names this request in the logs.' },
  'Retry-After': { schema: { type: 'integer' }, description: 'Seconds after which to come again.' },
  'Idempotent-Replayed': {
    schema: { type: 'string', const: 'true' },
    description: 'The reply was given before, to the same idempotency key.',
  },
} as const;
const header = (name: keyof typeof HEADERS): Named => ({ [name]: { $ref: `#/components/headers/${name}` } });

const keyParameter = (required: boolean): Named => ({
  name: 'Idempotency-Key',
  in: 'header',
  required,
  description: 'A UUID of your own. The same request under the same key is done once, and answered the same.',
  schema: { type: 'string', minLength: 1, maxLength: 255 },
});

const tagOf = ({ path }: Route): string => path.split('/')[2] ?? '';

const operation = (route: Route, described: Described, examples: Examples, refTo: Shared['refTo']): Named => {
  const example = examples[route.name];
  const body = described.bodyOf(route);
  const [status] = route.reply;
  return {
    operationId: route.name,
    tags: [tagOf(route)],
    summary: route.summary,
    security: route.roles.map((role) => ({ [role]: [] })),
    parameters: [
      ...described.fieldsOf(route.schemas.params).map((field) => parameter('path', field)),
      ...described.fieldsOf(route.schemas.query).map((field) => parameter('query', field)),
      ...(route.key === 'none'
        ? []
        : [{ $ref: `#/components/parameters/${route.key === 'required' ? '' : 'Optional'}IdempotencyKey` }]),
    ],
    ...(body
      ? {
          requestBody: {
            // One that is absent is as good as {}.
            required: (described.components[body.$ref?.split('/').at(-1) ?? '']?.required ?? []).length > 0,
            content: { 'application/json': { schema: body, ...(example?.body ? { example: example.body } : {}) } },
          },
        }
      : {}),
    responses: {
      [status]: {
        description: route.summary,
        headers: { ...header('Request-Id'), ...(route.key === 'none' ? {} : header('Idempotent-Replayed')) },
        content: {
          'application/json': {
            schema: described.replyOf(route),
            ...(example ? { example: example.reply } : {}),
          },
          ...Object.fromEntries(route.also.map((type) => [type, { schema: { type: 'string' } }])),
        },
      },
      ...(route.name === 'readItem' ? { 304: { description: 'It is what `If-None-Match` names.' } } : {}),
      ...errorsByStatus(route.errors, refTo),
    },
  };
};

const parameter = (place: 'path' | 'query', { name, required, schema }: Field): Named => ({
  name,
  in: place,
  required,
  schema,
});

/** An OpenAPI response for each status, with the codes that may stand in it. */
const errorsByStatus = (codes: readonly ErrorCode[], refTo: Shared['refTo']): Named =>
  Object.fromEntries(
    [...Map.groupBy(codes, (code) => ERRORS[code].status)]
      .sort(([a], [b]) => a - b)
      .map(([status, own]) => [status, refTo(status, own.toSorted())]),
  );

interface Shared {
  /** Where the response of that status with those codes stands. */
  readonly refTo: (status: number, codes: readonly ErrorCode[]) => Named;
  readonly responses: Named;
}

/** Many routes fail in the same ways: each way stands once, under a name that a person can read. */
const createShared = (): Shared => {
  const responses: Record<string, Named> = {};
  const names = new Map<string, string>();
  return {
    responses,
    refTo: (status, codes) => {
      const key = codes.join();
      const nth = Object.keys(responses).filter((name) => name.startsWith(`Error${status}`)).length;
      const name = names.get(key) ?? `Error${status}${nth === 0 ? '' : `_${nth + 1}`}`;
      names.set(key, name);
      responses[name] ??= errorResponse(status, codes);
      return { $ref: `#/components/responses/${name}` };
    },
  };
};

const comesAgain = new Set([409, 429, 503]);

const errorResponse = (status: number, codes: readonly ErrorCode[]): Named => ({
  description: codes.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join('\n\n'),
  headers: { ...header('Request-Id'), ...(comesAgain.has(status) ? header('Retry-After') : {}) },
  content: {
    'application/json': {
      schema: {
        type: 'object',
        required: ['error'],
        additionalProperties: false,
        properties: {
          error: { allOf: [{ $ref: '#/components/schemas/Error' }, { properties: { code: { enum: codes } } }] },
        },
      },
    },
  },
  'x-outcome': Object.fromEntries(codes.map((code) => [code, ERRORS[code].outcome])),
  'x-retry': Object.fromEntries(codes.map((code) => [code, ERRORS[code].retry])),
});

const webhook = (): Named => ({
  post: {
    operationId: 'receiveEvent',
    summary: 'What a webhook endpoint of yours is sent',
    description: 'Signed by https://www.standardwebhooks.com: verify it with the secret of the endpoint.',
    security: [],
    parameters: ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => ({
      name,
      in: 'header',
      required: true,
      schema: { type: 'string' },
    })),
    requestBody: {
      required: true,
      content: { 'application/json': { schema: { $ref: '#/components/schemas/Event' } satisfies JsonSchema } },
    },
    responses: {
      '2XX': { description: 'Taken. Anything else, or nothing within 10 s, is tried again for days.' },
      '4XX': { description: 'Not taken: it is tried again.' },
    },
  },
});

/**
 * What is known of real Stripe, row by row: the request, and the status, type, code, parameter and fields of its answer
 * that matter, with where each is from. The rows are of our own making; what the sandbox still answers otherwise stands
 * in the README.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { schemaViolations, specFile } from './openapi.ts';
import { type RawReply, startSandbox } from './support.ts';

type Form = Record<string, string>;
/** What is asked: a method with its path, a form, headers. */
type Request = readonly [route: string, form?: Form | number, headers?: Record<string, string>];

interface Row {
  readonly name: string;
  /** What is done before; each answer is kept under its name, for the braces of what follows. */
  readonly given?: readonly (readonly [name: string, ...request: Request])[];
  readonly request: Request;
  readonly expect: { readonly status: number; readonly error?: Record<string, unknown>; readonly body?: unknown };
  readonly from: string;
}

const rows = JSON.parse(readFileSync(new URL('recordings.json', import.meta.url), 'utf8')) as readonly Row[];
const sandbox = await startSandbox();

const ask = ([route, form = {}, headers = {}]: Request): Promise<RawReply> => {
  const [method = '', path = ''] = route.split(' ');
  const body = new URLSearchParams(form as Form).toString();
  return method === 'POST'
    ? sandbox.raw(method, path, { body, headers })
    : sandbox.raw(method, body === '' ? path : `${path}?${body}`, { headers });
};

/** `{customer.id}` stands for what was answered before. */
const filledIn = <T>(value: T, known: Record<string, unknown>): T =>
  JSON.parse(
    JSON.stringify(value).replace(/\{(\w+)\.(\w+)\}/g, (_, name: string, field: string) =>
      String((known[name] as Record<string, unknown>)[field]),
    ),
  ) as T;

const take = async (row: Row): Promise<{ reply: RawReply; wanted: Row['expect'] }> => {
  const known: Record<string, unknown> = {};
  for (const [name, ...request] of row.given ?? []) {
    const [route, form, headers] = filledIn(request, known) as unknown as Request;
    if (route === 'advance') await sandbox.advance(form as number);
    else {
      const { json } = await ask([route.replace('FIRST', 'GET'), form, headers].slice(0, 3) as unknown as Request);
      known[name] = route.startsWith('FIRST') ? json.data[0] : json;
    }
  }
  return { reply: await ask(filledIn(row.request, known)), wanted: filledIn(row.expect, known) };
};

describe('the sandbox answers as Stripe', () => {
  test.each(rows.map((row) => [row.name, row] as const))('%s', async (_name, row) => {
    const { reply, wanted } = await take(row);
    if (wanted.error !== undefined) {
      const { error } = reply.json;
      expect({ status: reply.status, code: error?.code ?? null, param: error?.param ?? null }).toEqual({
        ...{ status: wanted.status, code: wanted.error['code'], param: wanted.error['param'] },
      });
      const { code: _code, param: _param, ...more } = wanted.error;
      for (const [field, value] of Object.entries(more)) {
        if (value === null) expect(error[field] ?? null).toBeNull();
        else if (typeof value === 'object') expect(error[field]).toMatchObject(value);
        else expect(error[field]).toBe(value);
      }
      return;
    }
    expect(reply.status).toBe(wanted.status);
    expect(reply.json).toMatchObject(wanted.body as object);
  });
});

test("an answer that Stripe's OpenAPI does not describe would be found", () => {
  const spec = specFile();
  if (spec === undefined) {
    process.stderr.write(
      "\n  NOT CHECKED: the sandbox's answers against Stripe's OpenAPI, which comes with stripe-mock.\n" +
        '  go install github.com/stripe/stripe-mock@latest\n\n',
    );
    return;
  }
  const token = {
    id: 'tok_1',
    object: 'token',
    client_ip: null,
    created: 1,
    livemode: false,
    type: 'card',
    used: false,
  };
  expect(schemaViolations(spec, token)).toEqual([]);
  expect(schemaViolations(spec, { object: 'list', data: [{ ...token, created: 'today', used: undefined }] })).toEqual([
    'token.used: missing',
    'token.created: "today" for an integer',
  ]);
});

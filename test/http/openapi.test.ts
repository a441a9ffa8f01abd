import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import type { Examples } from '../../src/contract/examples.ts';
import { routes } from '../../src/http/routes.ts';
import { startWorld, type World } from '../support/service.ts';

const text = (path: string): string => readFileSync(new URL(`../../src/contract/${path}`, import.meta.url), 'utf8');
const examples = JSON.parse(text('examples.json')) as Examples;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});

describe('the OpenAPI document', () => {
  it('is the one that is committed, for anyone, packed where that is taken', async () => {
    for (const encoding of ['br', 'gzip', 'identity']) {
      const response = await fetch(`${world.url}/openapi.json`, { headers: { 'Accept-Encoding': encoding } });
      expect(response.headers.get('content-encoding')).toBe(encoding === 'identity' ? null : encoding);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(await response.text()).toBe(text('openapi.json'));
    }
  });

  it('has every route of the table, and each of its errors', () => {
    const { paths, components } = JSON.parse(text('openapi.json'));
    for (const { method, path, errors } of routes) {
      const { responses } = paths[path.replace(/:([a-z]+)/g, '{$1}')][method.toLowerCase()];
      const listed = Object.values<{ $ref?: string }>(responses).flatMap(({ $ref = '' }) => {
        const response = components.responses[$ref.split('/').at(-1) ?? ''];
        return response ? Object.keys(response['x-retry']) : [];
      });
      expect(listed.toSorted()).toEqual([...errors].toSorted());
    }
  });

  it('says in words what each part of it is about', () => {
    const { tags } = JSON.parse(text('openapi.json')) as { tags: { name: string; description: string }[] };
    expect(tags.filter(({ name, description }) => name === description)).toEqual([]);
  });

  it('says of every field that a route takes what it may be', () => {
    const { components } = JSON.parse(text('openapi.json'));
    for (const [name, schema] of Object.entries<{ properties?: object }>(components.schemas))
      if (name.endsWith('Body'))
        for (const [field, of] of Object.entries<object>({ ...schema.properties }))
          expect([`${name}.${field}`, Object.keys(of).filter((key) => key !== 'default').length]).not.toContain(0);
  });

  /** A story of a day has no contradiction. */
  const NOT_SHOWN = ['listContradictions', 'resolveContradiction'];
  const shown = routes.filter(({ name }) => !NOT_SHOWN.includes(name));
  it.each(shown.map((route) => [route.name, route] as const))('has a true example of %s', (name, route) => {
    const [, schema] = route.reply;
    expect(examples[name]).toBeDefined();
    expect(schema.safeParse(examples[name]?.reply).error).toBeUndefined();
  });
});

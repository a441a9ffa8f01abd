import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parseHosts } from '../../src/storage/hosts.ts';
import { statement, statementNameOf } from '../../src/storage/prepared.ts';
import { parseTimestamp } from '../../src/storage/types.ts';

const folder = join(import.meta.dirname, '../../src/storage');
const sources = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const);

describe('a statement', () => {
  it.each(sources)('of %s asks for columns by their names', (_, text) => {
    expect(text).not.toMatch(/selectAll\(|returningAll\(|returning \*/);
    // What an INSERT takes from `unnest` is what it was given; a CTE's columns are nobody's answer.
    expect(text.match(/sql<[^`]*`\s*select (\w+\.)?\*/g)).toBeNull();
  });

  it('is called by what it does and a hash of its text, wherever it is sent from and in whatever order', () => {
    expect(statementNameOf('select id from payments where id = $1')).toBe(
      statementNameOf('select id from payments where id = $1'),
    );
    expect(statementNameOf('select id from payments where id = $1')).toMatch(/^select_payments_[0-9a-f]{16}$/);
    expect(statementNameOf('with a as (insert into "claims" (id) values ($1)) select 1')).toMatch(/^insert_claims_/);
    expect(statementNameOf('select 1')).not.toBe(statementNameOf('select 2'));
    expect(statementNameOf(`select x from ${'a'.repeat(200)}`).length).toBeLessThan(64);
  });
});

describe('the names of statements', () => {
  it('are left to others by lists that are narrowed in many ways', () => {
    const narrowed = Array.from({ length: 600 }, (_, way) => `select id from payments where way_${way} = $1`);
    expect(narrowed.filter((text) => statement(text, [1], true).name !== undefined)).toHaveLength(100);
    expect(statement('select id from refunds where id = $1', [1], true).name).toMatch(/^select_refunds_/);
  });
});

describe('an instant', () => {
  it.each([
    ['2026-01-01 00:00:00+00', '2026-01-01T00:00:00Z', 0n],
    ['2026-01-01 00:00:00.1+00', '2026-01-01T00:00:00.100Z', 0n],
    ['2026-07-01 02:00:00.123456+02', '2026-07-01T00:00:00.123Z', 456n],
    ['2026-01-01 05:30:00+05:30', '2026-01-01T00:00:00Z', 0n],
    ['2025-12-31 20:30:00.000001-03:30', '2026-01-01T00:00:00Z', 1n],
  ])('is the same however far from UTC it is written: %s', (text, iso, rest) => {
    expect(parseTimestamp(text)).toBe(BigInt(Date.parse(iso)) * 1000n + rest);
  });

  it.each(['01.01.2026 00:00:00 CET', '01/01/2026 00:00:00 UTC', 'infinity', '2026-01-01 00:00:00'])(
    'is never guessed: %s',
    (text) => expect(() => parseTimestamp(text)).toThrow('not an instant'),
  );
});

describe('a database URL', () => {
  it('may name several hosts, each with its port', () => {
    expect(parseHosts('postgres://me:s%40cret@one:5432,two:5433/shop?sslmode=require')._unsafeUnwrap()).toEqual([
      'postgres://me:s%40cret@one:5432/shop?sslmode=require',
      'postgres://me:s%40cret@two:5433/shop?sslmode=require',
    ]);
    expect(parseHosts('postgres://[::1]:5432/shop')._unsafeUnwrap()).toHaveLength(1);
  });

  it.each(['mysql://one/shop', 'postgres://one:x/shop', 'postgres://one,two:99999/shop', ''])(
    'that cannot be read is refused: %s',
    (url) => expect(parseHosts(url).isErr()).toBe(true),
  );
});

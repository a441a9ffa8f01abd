/** A past balance is the sum of a replay, and one that was called final never changes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import pg from 'pg';
import type { Change } from '../../src/domain/change.ts';
import { cutOf } from '../../src/domain/cut.ts';
import {
  newId,
  platformAccountId,
  walletId,
  type AccountId,
  type CustomerId,
  type MerchantId,
} from '../../src/domain/ids.ts';
import {
  micros,
  plusMicros,
  plusMs,
  systemClock,
  toIsoMicros,
  type Clock,
  type Micros,
} from '../../src/domain/time.ts';
import type { Transfer } from '../../src/domain/transfer.ts';
import { createCommitter, type Committer } from '../../src/storage/commit.ts';
import { createLedgerReads, type LedgerReads } from '../../src/storage/ledger.ts';
import { createTurns } from '../../src/storage/turns.ts';
import { createDatabase } from '../support/suite.ts';
import * as l from './ledger.ts';

const { url } = await createDatabase();
const sql = l.openSql(url);
const instance = l.openInstance(url);
const ledger: LedgerReads = createLedgerReads(instance.database, createTurns(4));
const silent = { error: () => undefined, warn: () => undefined } as never;

const committerOf = (clock: Clock): Committer =>
  createCommitter({ database: l.openInstance(url).database, clock, log: silent, observe: () => undefined });

/** Between any two of a few accounts: what Stripe brings, what customers spend, and what they hand on. */
const movement = (merchant: MerchantId, customers: readonly CustomerId[], pick: number, amount: number): Change => {
  const one = customers[pick % customers.length]!;
  const other = customers[(pick + 1) % customers.length]!;
  const legs = [
    ['payment', platformAccountId(merchant, 'stripe_clearing', l.USD), walletId(one, l.USD)],
    ['debit', walletId(one, l.USD), platformAccountId(merchant, 'revenue', l.USD)],
    ['transfer', walletId(one, l.USD), walletId(other, l.USD)],
  ] as const;
  const [kind, debit, credit] = legs[pick % legs.length]!;
  const transfer: Transfer = {
    ...{ merchant, id: newId('tr'), kind, debit, credit, amount: BigInt(amount), currency: l.USD, limit: 'none' },
    ...{ description: null, payment: null },
  };
  return { merchant, transfers: [transfer] };
};

/** What the rows add up to, of each account, before an instant. */
const replay = async (accounts: readonly AccountId[], before: Micros): Promise<Map<string, [string, string]>> => {
  const rows = await sql.query<{ account: string; posted: string; sequence: string }>(
    `select account::text, sum(amount)::text as posted, count(*)::text as sequence from (
       select credit as account, amount, posted_at from transfers union all select debit, -amount, posted_at from transfers
     ) legs where posted_at < $1::timestamptz and account = any($2::uuid[]) group by account`,
    [toIsoMicros(before), accounts.map((id) => id.slice(5))],
  );
  return new Map(rows.map(({ account, posted, sequence }) => [account.replaceAll('-', ''), [posted, sequence]]));
};
const read = async (merchant: MerchantId, accounts: readonly AccountId[], before: Micros, now: Micros) => {
  const { balances, isFinal } = (await ledger.balancesBefore(merchant, accounts, before, now))._unsafeUnwrap();
  const held = accounts.map((id) => [balances.get(id)?.posted.toString(), balances.get(id)?.sequence.toString()]);
  return { held, isFinal };
};

const start = async (
  name: string,
): Promise<{ merchant: MerchantId; customers: CustomerId[]; accounts: AccountId[] }> => {
  const merchant = await l.createMerchant(instance, name);
  const customers = await Promise.all([1, 2, 3].map(() => l.createCustomer(instance, merchant)));
  const accounts = [
    ...customers.map((customer) => walletId(customer, l.USD)),
    ...(['stripe_clearing', 'revenue'] as const).map((kind) => platformAccountId(merchant, kind, l.USD)),
  ];
  return { merchant, customers, accounts };
};

it('the balance as of any instant, and of any day in any zone, is what a replay adds up to', async () => {
  const zones = fc.constantFrom('UTC', ...Intl.supportedValuesOf('timeZone'));
  const history = fc.array(
    fc.record({
      pick: fc.nat(11),
      amount: fc.integer({ min: 1, max: 999 }),
      later: fc.integer({ min: 0, max: 40 * 3_600_000 }),
    }),
    { minLength: 20, maxLength: 60 },
  );
  const asked = fc.array(fc.record({ share: fc.double({ min: 0, max: 1, noNaN: true }), zone: zones }), {
    minLength: 8,
    maxLength: 8,
  });
  let n = 0;
  await fc.assert(
    fc.asyncProperty(history, asked, async (steps, questions) => {
      const { merchant, customers, accounts } = await start(`replay ${n++}`);
      const begin = micros(Date.UTC(2025, 2, 20));
      let now = begin;
      // Three instances, each at its own pace by one clock that moves on under them.
      const writers = [1, 2, 3].map(() => committerOf({ now: () => now }));
      for (let at = 0; at < steps.length; at += 5) {
        const burst = steps.slice(at, at + 5);
        now = plusMs(now, burst[0]!.later);
        await Promise.all(
          burst.map(({ pick, amount }, nth) =>
            writers[nth % 3]!.commit(movement(merchant, customers, pick, amount)).map(() => undefined),
          ),
        );
      }
      // Accounts that were never used are there for nobody yet.
      const rows = await sql.query<{ id: string }>('select id::text from accounts where merchant_id = $1', [
        merchant.slice(4),
      ]);
      const known = accounts.filter((id) => rows.some((row) => row.id.replaceAll('-', '') === id.slice(5)));
      const check = async (before: Micros): Promise<void> => {
        const sums = await replay(known, before);
        const { held } = await read(merchant, known, before, plusMs(now, 3_600_000));
        expect(held).toEqual(known.map((id) => sums.get(id.slice(5)) ?? ['0', '0']));
      };
      for (const { share, zone } of questions) {
        const within = Number(now - begin) + 1;
        const instant = plusMicros(begin, BigInt(Math.floor(share * within)));
        await check(instant);
        const day = toIsoMicros(instant).slice(0, 10);
        await check(cutOf({ asOf: day, tz: zone }, plusMs(now, 400 * 86_400_000))._unsafeUnwrap().before);
      }
      // The instant of an entry is in, and the microsecond before it is not.
      const posted = await sql.query<{ at: string }>(
        'select to_char(posted_at at time zone $2, $3) as at from transfers where merchant_id = $1 order by random() limit 5',
        [merchant.slice(4), 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'],
      );
      for (const { at } of posted) {
        const { before } = cutOf({ asOf: at }, plusMs(now, 1_000))._unsafeUnwrap();
        await check(before);
        await check(plusMicros(before, -1n));
      }
    }),
    { numRuns: 12 },
  );
}, 120_000);

it('an answer that was called final is the same for ever after, beside clocks that differ by a second and a lock that is held', async () => {
  const { merchant, customers, accounts } = await start('final');
  const [ahead, behind, right] = [systemClock(1_000), systemClock(-1_000), systemClock()];
  const writers = [committerOf(right), committerOf(behind), committerOf(ahead)];
  for (const [nth, writer] of writers.entries())
    for (let pick = 0; pick < 3; pick++)
      (await writer.commit(movement(merchant, customers, pick + nth, 100)))._unsafeUnwrap();

  interface Answer {
    readonly before: Micros;
    readonly held: unknown;
    readonly isFinal: boolean;
  }
  const answers: Answer[] = [];
  const until = performance.now() + 12_000;
  const isOn = (): boolean => performance.now() < until;
  let pick = 0;
  const write = async (writer: Committer): Promise<void> => {
    while (isOn()) {
      // Who waits behind a lock for too long is told so, and has moved nothing.
      (await writer.commit(movement(merchant, customers, pick++, 1))).mapErr(() => undefined).unwrapOr(undefined);
      await sleep(Math.random() * 20);
    }
  };
  /** For a second at a time: whoever waits for it has begun long before he posts. */
  const hold = async (): Promise<void> => {
    const client = new pg.Client(url);
    await client.connect();
    while (isOn()) {
      await client.query('begin');
      await client.query('select from accounts where id = $1 for update', [accounts[pick % 3]!.slice(5)]);
      await sleep(1_000);
      await client.query('commit');
      await sleep(300);
    }
    await client.end();
  };
  const ask = async (clock: Clock): Promise<void> => {
    while (isOn()) {
      const now = clock.now();
      const before = plusMs(now, -Math.floor(Math.random() * 5_000));
      answers.push({ before, ...(await read(merchant, accounts, before, now)) });
      await sleep(10);
    }
  };
  await Promise.all([...writers.map(write), hold(), ask(right), ask(ahead), ask(behind)]);

  let changed = 0;
  for (const { before, held, isFinal } of answers) {
    const sums = await replay(accounts, before);
    const now = accounts.map((id) => sums.get(id.slice(5)) ?? ['0', '0']);
    if (isFinal) expect({ before, held }).toEqual({ before, held: now });
    else if (JSON.stringify(held) !== JSON.stringify(now)) changed++;
  }
  // The control: some of those that were not called final have changed, and many were.
  expect(changed).toBeGreaterThan(0);
  expect(answers.filter(({ isFinal }) => isFinal).length).toBeGreaterThan(50);
}, 120_000);

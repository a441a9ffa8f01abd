/**
 * The judge: compares what the database says with what Stripe's side says and with what clients were told, and names
 * every way in which they disagree. It knows nothing of how a run was made, and shares no code with the service: it
 * reads the tables, the sandbox's own export, and a file of the replies that clients saw.
 *
 *   node test/proof/judge.ts --database URL --sandbox URL [--seen FILE] [--settled-within SECONDS]
 */
import { readFile } from 'node:fs/promises';
import pg from 'pg';
import { commandLine, count, misused } from '../../scripts/command-line.ts';
import { readIntents, readPayouts } from './judge/at-stripe.ts';
import { compareBalance } from './judge/balance.ts';
import { countOf, readContradicted, readDisputes, readPayments, readRefunds, readSeconds } from './judge/books.ts';
import { compareCharges, comparePostings } from './judge/charges.ts';
import { compareWithClients, type Seen } from './judge/clients.ts';
import { ledgerViolations } from './judge/ledger.ts';
import { compareReversals } from './judge/reversals.ts';
import { RULES, type Violation } from './judge/rules.ts';
import { compareSaved, readHolders } from './judge/saved.ts';
import { readSettlements, slowViolations, stuckViolations } from './judge/stuck.ts';

export type { Seen } from './judge/clients.ts';
export type { Rule, Violation } from './judge/rules.ts';

export interface Case {
  readonly databaseUrl: string;
  readonly sandboxUrl: string;
  readonly seen: readonly Seen[];
  /** How long any attempt of the past may have taken to be settled; not asked if left out. */
  readonly settledWithinS?: number;
  /** All of Stripe's balance should be here; else only what is here is compared. */
  readonly balanceRead?: boolean;
  /** PaymentIntents with our tags that the proof itself has made at Stripe. */
  readonly elsewhere?: readonly string[];
}

export interface Verdict {
  readonly violations: readonly Violation[];
  /** What was looked at: a judgement of nothing proves nothing. */
  readonly counts: Readonly<
    Record<
      | 'payments'
      | 'succeeded'
      | 'charges'
      | 'transfers'
      | 'accounts'
      | 'replies'
      | 'fees'
      | 'refunds'
      | 'disputes'
      | 'seconds'
      | 'payouts'
      | 'saved',
      number
    >
  >;
  /** The longest that an attempt took to be settled, in seconds. */
  readonly slowestSettlementS: number;
}

export const judge = async (of: Case): Promise<Verdict> => {
  const db = new pg.Client(of.databaseUrl);
  await db.connect();
  try {
    // One snapshot, so that a service that is still at work does not look inconsistent.
    await db.query('begin isolation level repeatable read read only');
    const payments = await readPayments(db);
    // Read after the database: whatever was settled there has been charged before.
    const [intents, payouts, holders] = await Promise.all([
      readIntents(of.sandboxUrl),
      readPayouts(of.sandboxUrl),
      readHolders(of.sandboxUrl),
    ]);
    const [refunds, disputes, seconds] = [await readRefunds(db), await readDisputes(db), await readSeconds(db)];
    const contradicted = await readContradicted(db);
    const elsewhere = new Set(of.elsewhere);
    const settlements = await readSettlements(db);
    const violations = [
      ...compareCharges({ payments, intents, seconds, contradicted, elsewhere }),
      ...comparePostings(payments),
      ...compareReversals({ payments, intents, refunds, disputes, contradicted }),
      ...(await compareBalance(db, { intents, payouts }, of.balanceRead ?? false)),
      ...(await compareSaved(db, holders)),
      ...(await ledgerViolations(db)),
      ...(await compareWithClients(db, of.seen)),
      ...(await stuckViolations(db, intents)),
      ...slowViolations(settlements, of.settledWithinS),
    ];
    return {
      violations,
      counts: {
        payments: payments.length,
        succeeded: payments.filter(({ status }) => status === 'succeeded').length,
        charges: intents.flatMap(({ charges }) => charges).filter(({ status }) => status === 'succeeded').length,
        transfers: await countOf(db, 'transfers'),
        accounts: await countOf(db, 'accounts'),
        fees: await countOf(db, 'balance_transactions'),
        replies: of.seen.length,
        refunds: refunds.length,
        disputes: disputes.length,
        seconds: seconds.length,
        payouts: payouts.length,
        saved: holders.flatMap(({ methods }) => methods).length,
      },
      slowestSettlementS: settlements[0]?.tookS ?? 0,
    };
  } finally {
    await db.end();
  }
};

/** More of one rule than this say nothing new; their number does. */
const SHOWN_MAX = 5;

/** For a person: what was looked at, and each promise with what broke it. */
export const describe = ({ violations, counts, slowestSettlementS }: Verdict): string => {
  const looked = Object.entries(counts).map(([name, n]) => `${n} ${name}`);
  const lines = [`judged: ${looked.join(', ')}; slowest settlement ${slowestSettlementS.toFixed(1)} s`];
  for (const [rule, of] of Map.groupBy(violations, (violation) => violation.rule)) {
    lines.push(`BROKEN ${of.length} times: ${RULES[rule]}`);
    lines.push(...of.slice(0, SHOWN_MAX).map(({ subject, detail }) => `    ${subject}: ${detail}`));
  }
  lines.push(violations.length === 0 ? 'no violation' : `${violations.length} violations`);
  return lines.join('\n');
};

const USAGE = `
npm run proof:judge -- --database URL --sandbox URL [options]

Judges the books of a service that is at rest: every promise, against what its Stripe sandbox holds.

  --database URL      of the service's Postgres
  --sandbox URL       of its Stripe sandbox
  --seen FILE         the replies that a load was given, one JSON object a line
  --settled-within N  seconds after which an outcome that is still unknown breaks a promise
`;

const main = async (): Promise<void> => {
  const values = commandLine(USAGE, {
    database: { type: 'string' },
    sandbox: { type: 'string' },
    seen: { type: 'string' },
    'settled-within': { type: 'string' },
  });
  const { database, sandbox, 'settled-within': within } = values;
  if (database === undefined || sandbox === undefined) return misused('it takes --database URL and --sandbox URL');
  const lines = values.seen === undefined ? [] : (await readFile(values.seen, 'utf8')).trim().split('\n');
  const verdict = await judge({
    databaseUrl: database,
    sandboxUrl: sandbox,
    seen: lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Seen),
    ...(within === undefined ? {} : { settledWithinS: count('settled-within', within) }),
  });
  console.log(describe(verdict));
  if (verdict.violations.length > 0) process.exitCode = 1;
};

if (import.meta.main) await main();

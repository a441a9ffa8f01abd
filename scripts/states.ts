/**
 * Draws the life of a payment and the posting rules, from the tables that the service itself obeys, into
 * src/domain/README.md. `--check` writes nothing and fails where the drawing is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { ownerOf, posted, type Account, type AccountKind } from '../src/domain/account.ts';
import type { KnownShare, PayoutStatus } from '../src/domain/balance.ts';
import { parseCurrency, toDecimal, type Currency } from '../src/domain/currency.ts';
import { derivedId, newId, type AccountId, type Id } from '../src/domain/ids.ts';
import { TRANSITIONS, type Transition } from '../src/domain/lifecycle.ts';
import { balancePostings, payoutPostings, posting, POSTINGS } from '../src/domain/postings.ts';
import { micros } from '../src/domain/time.ts';
import { post, type PaymentRule, type Transfer } from '../src/domain/transfer.ts';
import { commandLine } from './command-line.ts';
import { GLOSSARY } from './glossary.ts';

const values = commandLine(
  `npm run docs:states
npm run docs:states:check

Draws the life of a payment and the posting rules into src/domain/README.md, from the tables that the service obeys.

  --check  writes nothing, and fails where the drawing is stale`,
  { check: { type: 'boolean', default: false } },
);

const README = new URL('../src/domain/README.md', import.meta.url);

// ---- the states --------------------------------------------------------------------------------------------------

const nodeOf = (status: Transition['from']): string => (status === 'new' ? '[*]' : status);

const drawArrow = ({ from, to, by, when }: Transition): string =>
  `  ${nodeOf(from)} --> ${to}: ${when} (${by.length === 3 ? 'anyone' : by.join(', ')})`;

// ---- the postings ------------------------------------------------------------------------------------------------

const MERCHANT = newId('mer');
const CUSTOMER = newId('cus');
const currencyOf = (code: string): Currency => {
  const currency = parseCurrency(code);
  if (!currency) throw new Error(`${code} is no currency`);
  return currency;
};
const USD = currencyOf('usd');
const CHF = currencyOf('chf');

interface Step {
  readonly what: string;
  readonly transfers: readonly Transfer[];
}

let nth = 0;
const stepOf = (currency: Currency, rule: PaymentRule, amount: bigint, cause: Id<string>, what: string): Step => {
  const payment = { merchant: MERCHANT, id: newId('pay'), customer: CUSTOMER, currency };
  return { what, transfers: [posting(rule, payment, amount, derivedId('tr', cause, ++nth))] };
};

const FIRST = newId('pay');
const REFUND = newId('re');
const WON = newId('dp');
const LOST = newId('dp');
const TWICE = newId('dp');
/** What happens to one customer, so that each rule of a payment's life is seen at work: amounts in cents. */
const LIFE: readonly Step[] = [
  stepOf(USD, 'payment', 5000n, FIRST, 'Ada pays 50.00 by card.'),
  stepOf(USD, 'refund', 2000n, REFUND, 'The shop refunds 20.00 of it.'),
  stepOf(USD, 'refund_reversed', 2000n, REFUND, 'Her card is closed, and the refund comes back.'),
  stepOf(USD, 'dispute_opened', 5000n, WON, 'She disputes the payment at her bank.'),
  stepOf(USD, 'dispute_reinstated', 5000n, WON, 'The bank finds for the shop.'),
  stepOf(USD, 'payment', 1500n, newId('pay'), 'She pays 15.00 more.'),
  stepOf(USD, 'dispute_opened', 1500n, LOST, 'She disputes that too.'),
  stepOf(USD, 'dispute_lost', 1500n, LOST, 'The bank finds for her.'),
  stepOf(USD, 'payment', 900n, newId('pay'), 'She pays 9.00 from her bank account.'),
  stepOf(USD, 'payment_returned', 900n, newId('pay'), 'Her bank returns them: there was too little in it.'),
  stepOf(USD, 'second_charge', 700n, newId('pay'), 'Another 7.00 are charged for a payment that was paid.'),
  stepOf(USD, 'second_charge_returned', 700n, newId('re'), 'They go back to her card.'),
  stepOf(USD, 'second_charge', 600n, newId('pay'), 'Another 6.00 are charged for a payment that was paid.'),
  stepOf(USD, 'dispute_opened', 600n, TWICE, 'She disputes those.'),
  stepOf(USD, 'second_charge_disputed', 600n, TWICE, 'The bank finds for her: they have gone back.'),
];

let transactions = 0;
/** What a balance transaction of Stripe's posts: settled in US dollars, whatever was charged. */
const settled = (what: string, charged: bigint, chargedCurrency: Currency, gross: bigint, fee: bigint): Step => ({
  what,
  transfers: balancePostings({
    merchant: MERCHANT,
    id: `txn_${++transactions}`,
    payment: FIRST,
    kind: 'charge',
    source: 'ch_1',
    gross,
    fee,
    currency: USD,
    charged,
    chargedCurrency,
    createdAt: micros(0),
  }),
});
const paidOut = (what: string, amount: bigint, status: PayoutStatus, known?: KnownShare): Step => {
  const share = { merchant: MERCHANT, payout: 'po_1', currency: USD, amount, status, createdAt: micros(0) };
  const transfers = payoutPostings(share, known);
  return { what, transfers: transfers === 'posted before' ? [] : transfers };
};

/** What Stripe makes of some payments: the rules of its balance. */
const SETTLED: readonly Step[] = [
  stepOf(USD, 'payment', 5000n, FIRST, 'Ada pays 50.00 usd by card.'),
  settled('Stripe keeps 1.75 of it.', 5000n, USD, 5000n, 175n),
  stepOf(CHF, 'payment', 10000n, newId('pay'), 'She pays 100.00 chf.'),
  settled('Stripe has no account in chf, makes 125.00 usd of it, and keeps 3.93.', 10000n, CHF, 12500n, 393n),
  stepOf(CHF, 'refund', 2000n, REFUND, 'The shop refunds 20.00 chf.'),
  settled('It costs 25.00 usd.', -2000n, CHF, -2500n, 0n),
  settled('A dispute costs a fee of 15.00.', 0n, USD, 0n, 1500n),
  settled('It is won, and Stripe gives the fee back.', 0n, USD, 0n, -1500n),
  paidOut('Stripe pays out.', 14432n, 'paid'),
  paidOut('The bank sends it back.', 14432n, 'failed', { status: 'paid', amount: 14432n }),
];

type Column = readonly [AccountKind, Currency];
const LIFE_SHOWN: readonly Column[] = [
  ['wallet', USD],
  ['stripe_clearing', USD],
  ['disputes', USD],
  ['to_return', USD],
];
const SETTLED_SHOWN: readonly Column[] = [
  ['wallet', USD],
  ['stripe_clearing', USD],
  ['stripe_fees', USD],
  ['bank', USD],
  ['exchange', USD],
  ['wallet', CHF],
  ['stripe_clearing', CHF],
  ['exchange', CHF],
];

/** Each step of a story, posted by the code that posts the real ones, with the balances that it leaves. */
const workedExample = (story: readonly Step[], columns: readonly Column[]): string => {
  const accounts = new Map<AccountId, Account>();
  const open = (id: AccountId, currency: Currency): Account => ({
    merchant: MERCHANT,
    id,
    ...ownerOf(MERCHANT, id, currency),
    currency,
    debits: 0n,
    credits: 0n,
    pending: 0n,
    sequence: 0n,
    postedAt: micros(0),
  });
  const balanceOf = ([kind, currency]: Column): string => {
    const account = [...accounts.values()].find((one) => one.kind === kind && one.currency === currency);
    return toDecimal(account ? posted(account) : 0n, currency);
  };
  const row = (transfer: Transfer, what: string): string => {
    const { kind, amount, currency } = transfer;
    const account = (id: AccountId): Account => accounts.get(id) ?? open(id, currency);
    const moved = post(transfer, account(transfer.debit), account(transfer.credit), micros(1))._unsafeUnwrap();
    accounts.set(moved.debit.id, moved.debit).set(moved.credit.id, moved.credit);
    return `| ${what} | \`${kind}\` | ${toDecimal(amount, currency)} | ${columns.map(balanceOf).join(' | ')} |`;
  };
  const isOne = columns.every(([, currency]) => currency === USD);
  const heads = columns.map(([kind, currency]) => `\`${kind}\`${isOne ? '' : ` ${currency}`}`);
  return [
    `| what happens | rule | amount | ${heads.join(' | ')} |`,
    `|---|---|--:|${columns.map(() => '--:|').join('')}`,
    ...story.flatMap(({ what, transfers }) => transfers.map((transfer, nth) => row(transfer, nth === 0 ? what : ''))),
  ].join('\n');
};

/** A word whose file is gone, or knows it no more, is stale. */
const describe = async ({ word, standard, why, file }: (typeof GLOSSARY)[number]): Promise<string> => {
  const text = await readFile(new URL(`../src/${file}`, import.meta.url), 'utf8');
  if (!new RegExp(word, 'i').test(text)) throw new Error(`src/${file} knows no ${word}: mend scripts/glossary.ts.`);
  return `| ${word} | ${standard} | ${why} | \`${file}\` |`;
};

const draw = async (): Promise<string> => {
  const text = `# The life of a payment

Written by \`npm run docs:states\` from the tables in \`lifecycle.ts\` and \`postings.ts\`, never by hand.

## Our own words

What a customer, a payment or a transfer is stands in \`ids.ts\`. Here is what a reader from elsewhere would call otherwise.

| word | elsewhere | why it isn't that | where |
|---|---|---|---|
${(await Promise.all(GLOSSARY.map(describe))).join('\n')}

## States

The names are Stripe's. What may cause a step stands in brackets: \`request\` is a caller's; \`answer\` is what Stripe
answered to the attempt that a request began, whoever asked; \`fact\` is what Stripe has, by a webhook, a list or a line of
its balance. A step that is not drawn is refused with a 409 where a caller asks for it; where Stripe tells of it, it is a
look that came late. Money that Stripe took is posted whatever the status, and what contradicts the books is written down.

\`\`\`mermaid
stateDiagram-v2
  direction LR
${TRANSITIONS.map(drawArrow).join('\n')}
  succeeded --> [*]
  canceled --> [*]
\`\`\`

While an attempt at a payment is under way it is \`processing\`, and every other is refused; so it is while Stripe itself
waits for the bank. What was captured is posted as it grows. Refunds, returns and disputes leave the status as it is. A step out of
\`canceled\` contradicts what a caller was told: it may be taken where we alone had called it off.

## Posting rules

Each fact is one transfer, from the account that gives to the one that receives. It is posted once, whoever learns of the
fact and however often, and without condition, since Stripe has done it: a wallet may fall below zero by these rules alone.

| rule | from | to | when |
|---|---|---|---|
${Object.entries(POSTINGS)
  .map(([rule, { from, to, when }]) => `| \`${rule}\` | \`${from}\` | \`${to}\` | ${when} |`)
  .join('\n')}

An example of each that a payment's life posts, with the balances that it leaves. They add up to zero in every line.

${workedExample(LIFE, LIFE_SHOWN)}

\`stripe_clearing\` is below zero by what Stripe owes the merchant; \`disputes\` is below zero by what banks hold for now;
\`to_return\` holds what was charged a second time for one payment. What a dispute took and gave back is posted line by line
of Stripe's balance, and its status decides only what is left of it in the end.

## Stripe's balance

What Stripe settles comes later, as its balance transactions: each is posted by a change of its own, with the fee in the
currency that Stripe settles in. Where that is not the payment's, what Stripe turned from the one into the other passes
through \`exchange\`: so each currency adds up to zero by itself, \`stripe_clearing\` holds in each what Stripe owes in it,
and \`exchange\` shows what was given and what was got. A payout takes each merchant's share to \`bank\`: the sum of its
transactions' nets, which is all that \`stripe_clearing\` holds for them. One that fails brings it back, and the next payout
pays it out again. In every line, each currency adds up to zero.

${workedExample(SETTLED, SETTLED_SHOWN)}

A transaction that is of no payment here (another program's charge on the same Stripe account, or a bill of Stripe's own) is
kept in \`unknown_balance_transactions\`, logged, and posted nowhere. A dispute's posting is the disputed amount alone: its
fee comes with its balance transaction.
`;
  return format(text, { ...(await resolveConfig(README)), parser: 'markdown' });
};

const text = await draw();
if (!values.check) await writeFile(README, text);
else if ((await readFile(README, 'utf8').catch(() => '')) !== text) {
  console.error('src/domain/README.md is stale: run "npm run docs:states" and commit what it writes.');
  process.exitCode = 1;
}

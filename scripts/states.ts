/**
 * Draws the life of a payment and the posting rules, from the tables that the service itself obeys, into
 * src/domain/README.md. `--check` writes nothing and fails where the drawing is stale.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { format, resolveConfig } from 'prettier';
import { ownerOf, posted, type Account, type AccountKind } from '../src/domain/account.ts';
import { parseCurrency, toDecimal } from '../src/domain/currency.ts';
import { newId, type AccountId, type Id } from '../src/domain/ids.ts';
import { ARROWS, type Arrow } from '../src/domain/lifecycle.ts';
import { posting, POSTINGS } from '../src/domain/postings.ts';
import type { PostingRule } from '../src/domain/transfer.ts';
import { micros } from '../src/domain/time.ts';
import { post } from '../src/domain/transfer.ts';

const README = new URL('../src/domain/README.md', import.meta.url);

// ---- the states --------------------------------------------------------------------------------------------------

const nodeOf = (status: Arrow['from']): string => (status === 'new' ? '[*]' : status);

const drawArrow = ({ from, to, by, when }: Arrow): string =>
  `  ${nodeOf(from)} --> ${to}: ${when} (${by.length === 3 ? 'anyone' : by.join(', ')})`;

// ---- the postings ------------------------------------------------------------------------------------------------

/** What happens to one customer, so that each rule is seen at work: amounts in cents. */
const STORY: readonly { readonly rule: PostingRule; readonly amount: bigint; readonly what: string }[] = [
  { rule: 'payment', amount: 5000n, what: 'Ada pays 50.00 by card.' },
  { rule: 'refund', amount: 2000n, what: 'The shop refunds 20.00 of it.' },
  { rule: 'refund_reversed', amount: 2000n, what: 'Her card is closed, and the refund comes back.' },
  { rule: 'dispute_opened', amount: 5000n, what: 'She disputes the payment at her bank.' },
  { rule: 'dispute_won', amount: 5000n, what: 'The bank finds for the shop.' },
  { rule: 'payment', amount: 1500n, what: 'She pays 15.00 more.' },
  { rule: 'dispute_opened', amount: 1500n, what: 'She disputes that too.' },
  { rule: 'dispute_lost', amount: 1500n, what: 'The bank finds for her.' },
];

const SHOWN = ['wallet', 'stripe_clearing', 'disputes'] as const satisfies readonly AccountKind[];

/** Each step of the story, posted by the code that posts the real ones, with the balances that it leaves. */
const workedExample = (): string[] => {
  const currency = parseCurrency('usd');
  if (!currency) throw new Error('usd is no currency');
  const merchant = newId('mer');
  const payment = { merchant, id: newId('pay'), customer: newId('cus'), currency };
  const accounts = new Map<AccountId, Account>();
  const open = (id: AccountId): Account => ({
    merchant,
    id,
    ...ownerOf(merchant, id, currency),
    currency,
    debits: 0n,
    credits: 0n,
    pending: 0n,
    sequence: 0n,
    postedAt: micros(0),
  });
  const balanceOf = (kind: AccountKind): string => {
    const account = [...accounts.values()].find((one) => one.kind === kind);
    return toDecimal(account ? posted(account) : 0n, currency);
  };
  let cause: Id<string> = payment.id;
  return STORY.map(({ rule, amount, what }) => {
    if (rule === 'payment' || rule === 'refund' || rule === 'dispute_opened') cause = newId('re');
    const transfer = posting(rule, payment, amount, cause);
    const { debit, credit } = post(
      transfer,
      accounts.get(transfer.debit) ?? open(transfer.debit),
      accounts.get(transfer.credit) ?? open(transfer.credit),
      micros(1),
    )._unsafeUnwrap();
    accounts.set(debit.id, debit).set(credit.id, credit);
    return `| ${what} | \`${rule}\` | ${toDecimal(amount, currency)} | ${SHOWN.map(balanceOf).join(' | ')} |`;
  });
};

const draw = async (): Promise<string> => {
  const text = `# The life of a payment

Written by \`npm run docs:states\` from the tables in \`lifecycle.ts\` and \`postings.ts\`, never by hand.

## States

The names are Stripe's. Who may take a step stands in brackets: \`api\` is a request, and the answer to it; \`webhook\` is
what Stripe tells by itself, in a webhook or in its list of events; \`recovery\` is the sweeper, which finishes what a
request began. A step that is not drawn is refused with a 409 where a caller asks for it, and ignored where Stripe tells
of it late.

\`\`\`mermaid
stateDiagram-v2
  direction LR
${ARROWS.map(drawArrow).join('\n')}
  succeeded --> [*]
  canceled --> [*]
\`\`\`

While a payment is \`processing\`, one attempt at it is under way, and every other is refused. Each arrow to \`succeeded\`
posts what was captured, and no other arrow posts anything. Refunds and disputes leave the status as it is.

## Posting rules

Each fact is one transfer, from the account that gives to the one that receives. It is posted once, whoever learns of the
fact and however often, and without condition, since Stripe has done it: a wallet may fall below zero by these rules alone.

| rule | from | to | when |
|---|---|---|---|
${Object.entries(POSTINGS)
  .map(([rule, { from, to, when }]) => `| \`${rule}\` | \`${from}\` | \`${to}\` | ${when} |`)
  .join('\n')}

An example of each, with the balances that it leaves. They add up to zero in every line.

| what happens | rule | amount | ${SHOWN.map((kind) => `\`${kind}\``).join(' | ')} |
|---|---|--:|--:|--:|--:|
${workedExample().join('\n')}

\`stripe_clearing\` is below zero by what Stripe owes the merchant; \`disputes\` is below zero by what banks hold for now.
`;
  return format(text, { ...(await resolveConfig(README)), parser: 'markdown' });
};

const text = await draw();
if (!process.argv.includes('--check')) await writeFile(README, text);
else if ((await readFile(README, 'utf8').catch(() => '')) !== text) {
  console.error('src/domain/README.md is stale: run "npm run docs:states" and commit what it writes.');
  process.exitCode = 1;
}

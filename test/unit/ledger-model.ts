/** Small ledgers and random changes to them: two merchants, some wallets, a handful of idempotency keys. */
import fc from 'fast-check';
import { err, ok } from 'neverthrow';
import { posted, type Account } from '../../src/domain/account.ts';
import type { Answer, Change } from '../../src/domain/change.ts';
import { parseCurrency, type Currency } from '../../src/domain/currency.ts';
import type { State, Writes } from '../../src/domain/state.ts';
import type { Settlement } from '../../src/domain/fact.ts';
import {
  idOf,
  platformAccountId,
  walletId,
  type AccountId,
  type CustomerId,
  type MerchantId,
  type AttemptId,
  type PaymentId,
} from '../../src/domain/ids.ts';
import type { ClaimId, Payment } from '../../src/domain/payment.ts';
import { NOTHING_SAID } from '../../src/domain/payment-details.ts';
import { jsonReply } from '../../src/domain/reply.ts';
import { micros, type Micros } from '../../src/domain/time.ts';
import type { Transfer } from '../../src/domain/transfer.ts';
import { paymentError } from '../../src/error.ts';

const uuid = (kind: number, n: number): string =>
  `01900000${kind.toString(16).padStart(4, '0')}7000800000${(n * 0x100000).toString(16).padStart(10, '0')}`;

export const MERCHANTS: readonly MerchantId[] = [1, 2].map((n) => idOf('mer', uuid(1, n)));
export const currency = (code: string): Currency => parseCurrency(code)!;
export const USD: Currency = currency('usd');
export const EUR: Currency = currency('eur');
export const NOW: Micros = micros(Date.UTC(2026, 0, 1));

/** Three customers of each merchant. */
export const customersOf = (merchant: MerchantId): CustomerId[] =>
  [0, 1, 2].map((n) => idOf('cus', uuid(2, MERCHANTS.indexOf(merchant) * 3 + n)));
export const customerOf = (merchant: MerchantId): CustomerId => customersOf(merchant)[0]!;

const account = (merchant: MerchantId, id: AccountId, of: Currency, customer: CustomerId | null): Account => ({
  merchant,
  id,
  kind: customer ? 'wallet' : id === platformAccountId(merchant, 'revenue', of) ? 'revenue' : 'stripe_clearing',
  customer,
  currency: of,
  debits: 0n,
  credits: 0n,
  pending: 0n,
  sequence: 0n,
  postedAt: NOW,
});

/** All accounts of a merchant: wallets in dollars, one in euros, revenue and clearing; every one empty. */
export const accountsOf = (merchant: MerchantId): Account[] => [
  ...customersOf(merchant).map((customer) => account(merchant, walletId(customer, USD), USD, customer)),
  account(merchant, walletId(customerOf(merchant), EUR), EUR, customerOf(merchant)),
  ...(['revenue', 'stripe_clearing'] as const).map((kind) =>
    account(merchant, platformAccountId(merchant, kind, USD), USD, null),
  ),
];

const byId = (accounts: readonly Account[]): Map<AccountId, Account> => new Map(accounts.map((one) => [one.id, one]));

export const stateOf = (accounts: readonly Account[], more: Partial<State> = {}): State => ({
  claims: new Map(),
  items: new Set(),
  customers: new Map(
    MERCHANTS.flatMap((merchant) =>
      customersOf(merchant).map((customer) => [customer, { merchant, stripeId: null, defaultMethod: null }]),
    ),
  ),
  holders: new Map(),
  methods: new Map(),
  setups: new Map(),
  payments: new Map(),
  refunds: new Map(),
  refundParts: new Map(),
  disputes: new Map(),
  seconds: new Map(),
  owners: new Map(),
  balance: new Set(),
  payouts: new Map(),
  reversed: new Map(),
  accounts: byId(accounts),
  ...more,
});

/** A ledger in balance, whose accounts hold something, some of it held, and were posted to at different times. */
export const ledger: fc.Arbitrary<State> = fc
  .array(
    fc.record({
      funds: fc.bigInt(0n, 1000n),
      held: fc.bigInt(0n, 100n),
      ahead: fc.bigInt(-5n, 5n),
      sequence: fc.bigInt(0n, 99n),
    }),
    {
      minLength: 12,
      maxLength: 12,
    },
  )
  .map((drawn) => {
    const accounts = MERCHANTS.flatMap(accountsOf).map((one, n): Account => {
      const { funds, held, ahead, sequence } = drawn[n]!;
      const at = { ...one, sequence, postedAt: (NOW + ahead) as Micros };
      return one.customer ? { ...at, credits: funds, pending: held < funds ? held : funds } : at;
    });
    // What the wallets hold, each merchant's clearing account has paid.
    return stateOf(
      accounts.map((one) =>
        one.kind === 'stripe_clearing'
          ? {
              ...one,
              debits: accounts
                .filter((w) => w.merchant === one.merchant && w.currency === USD)
                .reduce((sum, w) => sum + w.credits, 0n),
            }
          : one,
      ),
    );
  });

let serial = 0;
/** A wish to move money; its accounts may be anyone's, in any currency, or nobody's. */
export const transferOf = (merchant: MerchantId): fc.Arbitrary<Transfer> => {
  const ids = [...MERCHANTS.flatMap(accountsOf).map(({ id }) => id), idOf('acct', uuid(9, 9)) as AccountId];
  const own = accountsOf(merchant).map(({ id }) => id);
  const anAccount = fc.oneof(
    { weight: 9, arbitrary: fc.constantFrom(...own) },
    { weight: 1, arbitrary: fc.constantFrom(...ids) },
  );
  return fc
    .record({
      debit: anAccount,
      credit: anAccount,
      amount: fc.bigInt(1n, 400n),
      currency: fc.constantFrom(USD, USD, USD, EUR),
      kind: fc.constantFrom('debit', 'transfer', 'usage'),
    })
    .map((drawn) => ({
      ...drawn,
      merchant,
      id: idOf('tr', uuid(3, ++serial)),
      limit: 'available',
      description: null,
      payment: null,
    }));
};

/** Says what the change did: amounts and errors alone, so that two runs can be compared. */
export const answer: NonNullable<Change['answer']> = ({ transfers, results }) =>
  ok(
    jsonReply(200, {
      moved: transfers.map(({ id, amount }) => [id, amount.toString()]),
      each: results.map((one) =>
        one.match(
          ({ id }): string => id,
          ({ code }) => code,
        ),
      ),
    }),
  );

/** The bytes of an answer, be it a success or an error. */
export const bytesOf = (applied: { readonly answer: Answer | null }): string | undefined =>
  applied.answer?.match(
    ({ body }) => body,
    ({ kept }) => kept?.body,
  );

export const claimFor = (merchant: MerchantId, n: number, body = 'same'): NonNullable<Change['claim']> => ({
  id: `${merchant}-${String(n)}` as ClaimId,
  key: `key-${String(n)}`,
  operation: 'POST /v1/transfers',
  requestHash: body,
});

/** Changes that move money, each under a key of its own. */
export const moves: fc.Arbitrary<Change[]> = fc
  .array(
    fc.constantFrom(...MERCHANTS).chain((merchant) =>
      fc.record({
        merchant: fc.constant(merchant),
        transfers: fc.array(transferOf(merchant), { minLength: 1, maxLength: 4 }),
        bulk: fc.constantFrom('atomic', 'independent'),
      }),
    ),
    { minLength: 1, maxLength: 12 },
  )
  .map((drawn) => drawn.map((change, n): Change => ({ ...change, claim: claimFor(change.merchant, n), answer })));

/** The state as the database has it once `writes` are written. */
export const after = (state: State, writes: Writes): State => ({
  ...state,
  claims: new Map([
    ...state.claims,
    ...writes.claims.map(
      ({ claim, reply: given }) => [claim.id, { requestHash: claim.requestHash, reply: given }] as const,
    ),
  ]),
  payments: new Map([
    ...state.payments,
    ...writes.newPayments.map((one) => [one.id, one] as const),
    ...writes.payments,
  ]),
  accounts: new Map([...state.accounts, ...writes.accounts]),
});

/** What all accounts of a currency hold together. */
export const sumOf = (state: State, of: Currency): bigint =>
  [...state.accounts.values()].filter((one) => one.currency === of).reduce((sum, one) => sum + posted(one), 0n);

/** The ids of attempts, first and next. */
export const attemptOf = (nth: number): AttemptId => idOf('att', uuid(5, nth));

export const PAYMENT: PaymentId = idOf('pay', uuid(4, 1));

/** A payment of 500 cents whose first attempt is under way. */
export const processingPayment = (merchant: MerchantId): Payment => ({
  ...NOTHING_SAID,
  merchant,
  id: PAYMENT,
  customer: customerOf(merchant),
  amount: 500n,
  amountCaptured: 0n,
  amountRefunded: 0n,
  amountReturned: 0n,
  currency: USD,
  status: 'processing',
  paymentMethod: 'pm_card_visa',
  captureMethod: 'automatic',
  returnUrl: null,
  clientSecret: 'secret',
  nextAction: null,
  lastError: null,
  intent: null,
  attempt: attemptOf(1),
  underWay: true,
  mayExist: false,
  refundsPending: 0n,
  createdAt: NOW,
});

export const succeeded: Settlement = {
  outcome: 'succeeded',
  refusal: null,
  found: {
    intent: 'pi_1',
    status: 'succeeded',
    amount: 500n,
    currency: 'usd',
    amountReceived: 500n,
    charge: 'ch_1',
    paymentMethod: 'pm_card_visa',
    nextAction: null,
    lastError: null,
  },
  mayExist: false,
  stripeRequestId: null,
};
export const declined: Settlement = {
  ...succeeded,
  outcome: 'declined',
  refusal: { code: 'card_declined', message: 'Your card was declined.' },
  found: { ...succeeded.found!, status: 'requires_payment_method', amountReceived: 0n },
};

/** Makes the outcome of an attempt known, and credits the wallet where it was paid. */
export const settle = (merchant: MerchantId, settlement: Settlement, attempt: AttemptId = attemptOf(1)): Change => ({
  merchant,
  answers: 'claim-of-the-attempt' as ClaimId,
  payment: { kind: 'settle', payment: processingPayment(merchant), attempt, settlement },
  answer: ({ payment }) =>
    payment?.lastError ? err(paymentError(payment.lastError.code)) : ok(jsonReply(200, { status: payment?.status })),
});

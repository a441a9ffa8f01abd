import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { BalanceTransaction, PayoutShare } from '../../src/domain/balance.ts';
import { newId, platformAccountId } from '../../src/domain/ids.ts';
import { balancePostings, payoutPostings } from '../../src/domain/postings.ts';
import { micros } from '../../src/domain/time.ts';
import { currency } from './ledger-model.ts';

const merchant = newId('mer');
const [usd, chf] = [currency('usd'), currency('chf')];
const amount = fc.bigInt({ min: -1_000_000n, max: 1_000_000n });
const transaction = (of: Partial<BalanceTransaction>): BalanceTransaction => ({
  ...{ merchant, id: 'txn_1', payment: newId('pay'), kind: 'charge', source: 'ch_1', gross: 0n, fee: 0n },
  ...{ currency: usd, charged: 0n, chargedCurrency: usd, createdAt: micros(1) },
  ...of,
});
const share = (of: Partial<PayoutShare>): PayoutShare => ({
  ...{ merchant, payout: 'po_1', currency: usd, amount: 5n, status: 'paid', createdAt: micros(1) },
  ...of,
});

/** What all of them together bring to an account. */
const broughtTo = (
  kind: 'stripe_clearing' | 'bank',
  of: typeof usd,
  posted: ReturnType<typeof payoutPostings>,
): bigint => {
  const account = platformAccountId(merchant, kind, of);
  return (posted === 'posted before' ? [] : posted).reduce(
    (sum, { debit, credit, amount: moved }) =>
      sum + (credit === account ? moved : 0n) - (debit === account ? moved : 0n),
    0n,
  );
};

describe('a balance transaction', () => {
  it('leaves in clearing what Stripe owes by it, in the currency that it is owed in', () => {
    fc.assert(
      fc.property(amount, amount, fc.bigInt({ min: 1n, max: 9n }), (gross, fee, rate) => {
        const charged = gross * rate;
        const posted = balancePostings(transaction({ gross, fee, charged, chargedCurrency: chf }));
        // With what the payment's own posting has taken from clearing: nothing is owed in its currency.
        expect(broughtTo('stripe_clearing', chf, posted) - charged).toBe(0n);
        expect(broughtTo('stripe_clearing', usd, posted)).toBe(fee - gross);
        expect(broughtTo('stripe_clearing', usd, balancePostings(transaction({ gross, fee, charged: gross })))).toBe(
          fee,
        );
      }),
    );
  });

  it('posts under the same ids, whoever learns of it', () => {
    const of = transaction({ gross: 5n, fee: 1n, charged: 6n, chargedCurrency: chf });
    const ids = balancePostings(of).map(({ id }) => id);
    expect(balancePostings({ ...of }).map(({ id }) => id)).toEqual(ids);
    expect(new Set([...ids, ...balancePostings({ ...of, id: 'txn_2' }).map(({ id }) => id)]).size).toBe(6);
  });
});

describe("a merchant's share of a payout", () => {
  it('that fails takes back what was posted, and no other amount', () => {
    fc.assert(
      fc.property(amount, amount, (paid, later) => {
        const first = broughtTo('bank', usd, payoutPostings(share({ amount: paid }), undefined));
        const back = payoutPostings(share({ amount: later, status: 'failed' }), { status: 'paid', amount: paid });
        expect(first).toBe(-paid);
        expect(broughtTo('bank', usd, back)).toBe(paid);
      }),
    );
  });

  it('that failed before it was known to be paid moves nothing, then or later', () => {
    expect(payoutPostings(share({ status: 'failed' }), undefined)).toEqual([]);
    expect(payoutPostings(share({}), { status: 'failed', amount: 5n })).toBe('posted before');
  });

  it('is paid once', () => {
    expect(payoutPostings(share({}), { status: 'paid', amount: 5n })).toBe('posted before');
  });
});

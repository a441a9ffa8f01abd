import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Change } from '../../src/domain/change.ts';
import { decide } from '../../src/domain/decide.ts';
import { walletId } from '../../src/domain/ids.ts';
import type { ClaimId } from '../../src/domain/payment.ts';
import * as m from './ledger-model.ts';

const [ALICE] = m.MERCHANTS as [(typeof m.MERCHANTS)[number]];

describe('the outcome of an attempt', () => {
  const state = m.stateOf(m.accountsOf(ALICE), { payments: new Map([[m.PAYMENT, m.processingPayment(ALICE)]]) });
  const settlement = fc.constantFrom(m.succeeded, m.declined);

  it('is what the first says who knows it; the others answer with that, in one batch or in several', () => {
    fc.assert(
      fc.property(fc.array(settlement, { minLength: 2, maxLength: 6 }), fc.nat(6), (settlements, cut) => {
        const changes = settlements.map((one) => m.settle(ALICE, one));
        const one = decide(state, changes.slice(0, cut), m.NOW);
        const answered = one.writes.answers[0];
        const between = answered
          ? {
              ...m.after(state, one.writes),
              claims: new Map([[answered.claim, { requestHash: '', reply: answered.reply }]]),
            }
          : m.after(state, one.writes);
        const two = decide(between, changes.slice(cut), m.NOW);

        // The database closes an attempt once: the first to say so in a batch is the only one, and later ones find it closed.
        const settled = [...one.writes.settled, ...two.writes.settled];
        expect(settled.length).toBeLessThanOrEqual(2);
        expect(settled[0]!.outcome).toBe(settlements[0]!.outcome);
        // And what Stripe has taken is posted, once, whoever says so and whenever.
        const isPaid = settlements.includes(m.succeeded);
        const done = m.after(between, two.writes);
        expect(done.payments.get(m.PAYMENT)?.status).toBe(isPaid ? 'succeeded' : 'requires_payment_method');
        expect(done.accounts.get(walletId(m.customerOf(ALICE), m.USD))!.credits).toBe(isPaid ? 500n : 0n);
        const bodies = [...one.outcomes, ...two.outcomes].map((outcome) => m.bytesOf(outcome._unsafeUnwrap()));
        expect(new Set(bodies).size).toBe(1);
      }),
    );
  });

  it('of an earlier attempt says nothing about the present one, and money that it took is posted', () => {
    const second = {
      ...state,
      payments: new Map([[m.PAYMENT, { ...m.processingPayment(ALICE), attempt: m.attemptOf(2) }]]),
    };
    const late = (settlement: typeof m.succeeded): unknown[] => {
      const { writes } = decide(second, [m.settle(ALICE, settlement, m.attemptOf(1))], m.NOW);
      return [writes.payments.get(m.PAYMENT)?.status, writes.transfers.length];
    };
    expect(late(m.declined)).toEqual([undefined, 0]);
    expect(late(m.succeeded)).toEqual(['succeeded', 1]);
  });

  it('is credited though the wallet could not pay as much', () => {
    const { writes } = decide(state, [m.settle(ALICE, m.succeeded)], m.NOW);
    expect(
      writes.transfers.map(({ debitBalanceAfter, creditBalanceAfter }) => [debitBalanceAfter, creditBalanceAfter]),
    ).toEqual([[-500n, 500n]]);
  });
});

describe('a confirmation', () => {
  const payment = { ...m.processingPayment(ALICE), status: 'requires_payment_method' as const, underWay: false };
  const begin = (seen: number): Change => ({
    merchant: ALICE,
    payment: {
      kind: 'begin',
      payment,
      seen: m.attemptOf(seen),
      attempt: {
        merchant: ALICE,
        payment: m.PAYMENT,
        id: m.attemptOf(9),
        kind: 'confirm',
        paymentMethod: 'pm_card_amex',
        inPage: false,
        stripeCustomer: null,
        usedFor: null,
        claim: 'c' as ClaimId,
        stripeKey: 'c',
        requestId: 'r',
        replyStatus: 200,
        showsSecret: false,
        ownedUntil: m.NOW,
        fence: 1,
        startedAt: m.NOW,
        seenTo: null,
      },
    },
  });
  const confirm = (
    status: typeof payment.status | 'succeeded' | 'processing' | 'canceled',
    seen: number[],
  ): (string | number)[] => {
    const state = m.stateOf([], { payments: new Map([[m.PAYMENT, { ...payment, status }]]) });
    const { outcomes, writes } = decide(state, seen.map(begin), m.NOW);
    return [
      ...outcomes.map((outcome) =>
        outcome.match(
          (): string => 'begun',
          ({ code }): string => code,
        ),
      ),
      writes.attempts.length,
    ];
  };

  it('begins the next attempt, once, though two come at a time', () => {
    expect(confirm('requires_payment_method', [1, 1])).toEqual(['begun', 'payment_not_confirmable', 1]);
  });

  it.each(['succeeded', 'processing', 'canceled'] as const)('is refused while the payment is %s', (status) => {
    expect(confirm(status, [1])).toEqual(['payment_not_confirmable', 0]);
  });

  it('is refused where another attempt came in between', () => {
    expect(confirm('requires_payment_method', [2, 3])).toEqual([
      'payment_not_confirmable',
      'payment_not_confirmable',
      0,
    ]);
  });
});

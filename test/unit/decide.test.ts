import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { available } from '../../src/domain/account.ts';
import type { Change } from '../../src/domain/change.ts';
import { decide } from '../../src/domain/decide.ts';
import type { Writes } from '../../src/domain/state.ts';
import { walletId } from '../../src/domain/ids.ts';
import * as m from './ledger-model.ts';

const [ALICE, BOB] = m.MERCHANTS as [(typeof m.MERCHANTS)[number], (typeof m.MERCHANTS)[number]];
const isRefused = (writes: Writes, change: Change): boolean =>
  !change.transfers!.some(({ id }) => writes.transfers.some((one) => one.id === id));
/** All that is written but the claims, in an order that does not matter. */
const traceOf = ({ claims: _, ...rest }: Writes): unknown => ({
  ...rest,
  accounts: new Map([...rest.accounts].sort()),
});

describe('whatever a batch holds', () => {
  it('leaves the sum over all accounts of a currency as it was', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const { writes } = decide(state, changes, m.NOW);
        const done = m.after(state, writes);
        for (const currency of [m.USD, m.EUR]) expect(m.sumOf(done, currency)).toBe(m.sumOf(state, currency));
      }),
    );
  });

  it('takes no wallet below what is held of it', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const done = m.after(state, decide(state, changes, m.NOW).writes);
        for (const account of done.accounts.values())
          if (account.customer !== null) expect(available(account)).toBeGreaterThanOrEqual(0n);
      }),
    );
  });

  it('counts debits and credits up, never down', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        for (const [id, account] of decide(state, changes, m.NOW).writes.accounts) {
          const before = state.accounts.get(id)!;
          expect(account.debits >= before.debits && account.credits >= before.credits).toBe(true);
          expect(account.debits - before.debits + account.credits - before.credits).toBeGreaterThan(0n);
        }
      }),
    );
  });

  it('moves platform accounts by the posting rules alone, never by a transfer between wallets', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        for (const { kind, debit, credit } of decide(state, changes, m.NOW).writes.transfers)
          if (kind === 'transfer')
            expect([state.accounts.get(debit)?.kind, state.accounts.get(credit)?.kind]).toEqual(['wallet', 'wallet']);
      }),
    );
  });

  it('answers every change, in order, and touches neither the state nor the changes that it was given', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const before = structuredClone({ state, changes: changes.map(({ answer: _, ...rest }) => rest) });
        expect(decide(state, changes, m.NOW).outcomes).toHaveLength(changes.length);
        expect({ state, changes: changes.map(({ answer: _, ...rest }) => rest) }).toEqual(before);
      }),
    );
  });

  it('gives every account a later time with each sequence, without a gap, and the balance that follows', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const { writes } = decide(state, changes, m.NOW);
        for (const [id, account] of writes.accounts) {
          let last = state.accounts.get(id)!;
          for (const transfer of writes.transfers.filter(({ debit, credit }) => debit === id || credit === id)) {
            const isDebit = transfer.debit === id;
            expect(isDebit ? transfer.debitSequence : transfer.creditSequence).toBe(last.sequence + 1n);
            expect(transfer.postedAt).toBeGreaterThan(last.postedAt);
            expect(transfer.postedAt).toBeGreaterThanOrEqual(m.NOW);
            const sums = isDebit
              ? { debits: last.debits + transfer.amount }
              : { credits: last.credits + transfer.amount };
            last = { ...last, ...sums, sequence: last.sequence + 1n, postedAt: transfer.postedAt };
            expect(isDebit ? transfer.debitBalanceAfter : transfer.creditBalanceAfter).toBe(last.credits - last.debits);
          }
          expect(account).toEqual(last);
        }
      }),
    );
  });
});

describe('a refusal', () => {
  it('leaves no trace but its claim and its reply', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const { writes } = decide(state, changes, m.NOW);
        const granted = changes.filter((change) => !isRefused(writes, change));
        expect(traceOf(writes)).toEqual(traceOf(decide(state, granted, m.NOW).writes));
      }),
    );
  });

  it('keeps its key where it is final, and leaves it free where the caller may mend the request', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const { writes, outcomes } = decide(state, changes, m.NOW);
        for (const [index, change] of changes.entries()) {
          const kept = writes.claims.some(({ claim }) => claim.id === change.claim?.id);
          const error = outcomes[index]!.match(
            () => null,
            ({ code }) => code,
          );
          expect(kept).toBe(error !== 'account_not_found');
        }
      }),
    );
  });
});

describe('a bulk change', () => {
  it('that is atomic moves all of its transfers or none', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const { writes } = decide(
          state,
          changes.map((change) => ({ ...change, bulk: 'atomic' as const })),
          m.NOW,
        );
        for (const { transfers } of changes) {
          const moved = transfers!.filter(({ id }) => writes.transfers.some((one) => one.id === id)).length;
          expect([0, transfers!.length]).toContain(moved);
        }
      }),
    );
  });

  it('that is independent decides each transfer as if it stood alone', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const { outcomes, writes } = decide(
          state,
          changes.map((change) => ({ ...change, bulk: 'independent' as const })),
          m.NOW,
        );
        const alone = changes.flatMap(({ merchant, transfers }) =>
          transfers!.map((one): Change => ({ merchant, transfers: [one] })),
        );
        const apart = decide(state, alone, m.NOW);
        expect(writes.transfers).toEqual(apart.writes.transfers);
        expect(writes.accounts).toEqual(apart.writes.accounts);
        const codes = outcomes.flatMap((outcome) =>
          outcome.match(
            (applied) =>
              applied.kind === 'done'
                ? applied.effect.results.map((one) =>
                    one.match(
                      () => 'moved',
                      ({ code }) => code,
                    ),
                  )
                : [],
            () => [],
          ),
        );
        expect(codes).toEqual(
          apart.outcomes.map((outcome) =>
            outcome.match(
              () => 'moved',
              ({ code }) => code,
            ),
          ),
        );
      }),
    );
  });

  it('names the transfer for which it was refused', () => {
    const wallet = walletId(m.customerOf(ALICE), m.USD);
    const to = walletId(m.customersOf(ALICE)[1]!, m.USD);
    const [transfer] = fc.sample(m.transferOf(ALICE), { numRuns: 1, seed: 1 });
    const one = { ...transfer!, kind: 'transfer' as const, debit: wallet, credit: to, currency: m.USD, amount: 1n };
    const state = m.stateOf(m.accountsOf(ALICE).map((account) => ({ ...account, credits: 1n })));
    const { outcomes } = decide(
      state,
      [{ merchant: ALICE, bulk: 'atomic', transfers: [one, { ...one, amount: 5n }] }],
      m.NOW,
    );
    expect(outcomes[0]!._unsafeUnwrapErr()).toMatchObject({ code: 'insufficient_funds', param: 'transfers[1]' });
  });
});

describe('merchants', () => {
  it('are decided in one batch as if each had one alone', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        const both = decide(state, changes, m.NOW);
        for (const merchant of m.MERCHANTS) {
          const own = decide(
            state,
            changes.filter((change) => change.merchant === merchant),
            m.NOW,
          );
          expect(both.writes.transfers.filter((one) => one.merchant === merchant)).toEqual(own.writes.transfers);
          expect(both.outcomes.filter((_, index) => changes[index]!.merchant === merchant)).toEqual(own.outcomes);
        }
      }),
    );
  });

  it('never touch a row of one another, though they name it', () => {
    fc.assert(
      fc.property(m.ledger, m.moves, (state, changes) => {
        for (const { merchant, debit, credit } of decide(state, changes, m.NOW).writes.transfers)
          for (const id of [debit, credit]) expect(state.accounts.get(id)?.merchant).toBe(merchant);
      }),
    );
  });

  it('can neither confirm nor settle what is a payment of another', () => {
    const state = m.stateOf(m.MERCHANTS.flatMap(m.accountsOf), {
      payments: new Map([[m.PAYMENT, m.processingPayment(ALICE)]]),
    });
    const { outcomes, writes } = decide(state, [m.settle(BOB, m.succeeded)], m.NOW);
    expect(outcomes[0]!._unsafeUnwrapErr().code).toBe('payment_not_found');
    expect([writes.payments.size, writes.transfers.length, writes.settled.length]).toEqual([0, 0, 0]);
  });

  it('cannot make a payment for the customer of another', () => {
    const payment = { ...m.processingPayment(ALICE), customer: m.customerOf(BOB) };
    const change: Change = { merchant: ALICE, payment: { kind: 'create', payment, attempt: null } };
    const { outcomes, writes } = decide(m.stateOf([]), [change], m.NOW);
    expect(outcomes[0]!._unsafeUnwrapErr().code).toBe('customer_not_found');
    expect(writes.newPayments).toEqual([]);
  });
});

describe('an idempotency key', () => {
  const wallet = walletId(m.customerOf(ALICE), m.USD);
  const state = m.stateOf(m.accountsOf(ALICE).map((one) => (one.id === wallet ? { ...one, credits: 1000n } : one)));
  const [drawn] = fc.sample(m.transferOf(ALICE), { numRuns: 1, seed: 1 });
  const spend = (n: number, body?: string): Change => ({
    merchant: ALICE,
    claim: m.claimFor(ALICE, 1, body),
    transfers: [
      {
        ...drawn!,
        id: `${drawn!.id}${String(n)}` as never,
        kind: 'transfer',
        debit: wallet,
        credit: walletId(m.customersOf(ALICE)[1]!, m.USD),
        currency: m.USD,
        amount: 10n,
      },
    ],
    answer: m.answer,
  });

  it('moves money once in a batch, however often it stands there, and repeats the first reply', () => {
    const { outcomes, writes } = decide(state, [spend(1), spend(2), spend(3)], m.NOW);
    const [first, ...others] = outcomes.map((outcome) => outcome._unsafeUnwrap());
    expect(writes.transfers).toHaveLength(1);
    expect(writes.claims).toHaveLength(1);
    for (const other of others) {
      expect(other.kind).toBe('replayed');
      expect(m.bytesOf(other)).toBe(m.bytesOf(first!));
    }
  });

  it('replays in a later batch what was answered in an earlier one', () => {
    const first = decide(state, [spend(1)], m.NOW);
    const second = decide(m.after(state, first.writes), [spend(2)], m.NOW);
    expect(second.writes.transfers).toEqual([]);
    expect(m.bytesOf(second.outcomes[0]!._unsafeUnwrap())).toBe(m.bytesOf(first.outcomes[0]!._unsafeUnwrap()));
  });

  it('refuses another body under it', () => {
    const { outcomes, writes } = decide(state, [spend(1), spend(2, 'another')], m.NOW);
    expect(outcomes[1]!._unsafeUnwrapErr().code).toBe('idempotency_key_reused');
    expect(writes.transfers).toHaveLength(1);
  });

  it('is in use while its request has no reply', () => {
    const open = { ...state, claims: new Map([[m.claimFor(ALICE, 1).id, { requestHash: 'same', reply: null }]]) };
    const { outcomes, writes } = decide(open, [spend(1)], m.NOW);
    expect(outcomes[0]!._unsafeUnwrapErr()).toMatchObject({ code: 'idempotency_key_in_use', retryAfterS: 1 });
    expect(writes.transfers).toEqual([]);
  });
});

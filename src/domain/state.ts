/** What a batch of changes is decided on, and what it then writes. */
import type { Result } from 'neverthrow';
import type { PaymentError } from '../error.ts';
import type { Account } from './account.ts';
import type { BalanceTransaction, KnownShare, PayoutShare } from './balance.ts';
import type { Applied, Claim, Customer, Event, Item, Reply } from './change.ts';
import type { Contradiction } from './contradiction.ts';
import type { AccountId, AttemptId, CustomerId, MerchantId, PaymentId, RefundId, SetupId, TransferId } from './ids.ts';
import type { Attempt, AttemptOutcome, ClaimId, Dispute, Payment, Refund, SecondCharge } from './payment.ts';
import type { Holder, SavedMethod } from './saved.ts';
import type { Setup } from './setup.ts';
import type { KnownCustomer } from './step.ts';
import type { StoredClaim } from './stored-claim.ts';
import type { PostedTransfer, Taken } from './transfer.ts';

/** The rows that a batch touches, as they are under lock. */
export interface State {
  readonly claims: ReadonlyMap<ClaimId, StoredClaim>;
  /** Of the items that are to be made, those that are there, by merchant and id. */
  readonly items: ReadonlySet<string>;
  /** Whose customer each is, and what he is at Stripe. */
  readonly customers: ReadonlyMap<CustomerId, KnownCustomer>;
  readonly holders: ReadonlyMap<CustomerId, Holder>;
  /** By Stripe's id. */
  readonly methods: ReadonlyMap<string, SavedMethod>;
  readonly setups: ReadonlyMap<SetupId, Setup>;
  readonly payments: ReadonlyMap<PaymentId, Payment>;
  readonly refunds: ReadonlyMap<RefundId, Refund>;
  /** In how many parts payments that are to be refunded were so before, of which no more are counted than may be. */
  readonly refundParts: ReadonlyMap<PaymentId, number>;
  /** By Stripe's id: the release before gave them other ids. */
  readonly disputes: ReadonlyMap<string, Dispute>;
  /** By Stripe's id of the PaymentIntent. */
  readonly seconds: ReadonlyMap<string, SecondCharge>;
  /** Whose payment a PaymentIntent pays for, of those that a change observes. */
  readonly owners: ReadonlyMap<string, PaymentId>;
  readonly accounts: ReadonlyMap<AccountId, Account>;
  /** Transfers that are to be taken back. */
  readonly reversed: ReadonlyMap<TransferId, Taken>;
  /** The balance transactions that are known, by Stripe's ids. */
  readonly balance: ReadonlySet<string>;
  /** The shares of payouts that are known, by `shareKey`. */
  readonly payouts: ReadonlyMap<string, KnownShare>;
}

/** What a batch writes: each table once. */
export interface Writes {
  readonly customers: Customer[];
  readonly holders: Map<CustomerId, Holder>;
  /** Those of them that have no row yet: they are inserted, the others updated. */
  readonly newHolders: Set<CustomerId>;
  readonly methods: Map<string, SavedMethod>;
  readonly setups: Map<SetupId, Setup>;
  readonly items: Item[];
  readonly claims: { readonly merchant: MerchantId; readonly claim: Claim; readonly reply: Reply<never> | null }[];
  readonly answers: { readonly merchant: MerchantId; readonly claim: ClaimId; readonly reply: Reply<never> }[];
  readonly newPayments: Payment[];
  readonly payments: Map<PaymentId, Payment>;
  /** Those of them of which what they say, or the amount, was changed: `updateWhatTheySay` writes that too. */
  readonly updated: Set<PaymentId>;
  readonly attempts: Attempt[];
  readonly settled: {
    readonly merchant: MerchantId;
    readonly attempt: AttemptId;
    readonly outcome: AttemptOutcome;
    readonly stripeRequestId: string | null;
  }[];
  readonly refunds: Map<RefundId, Refund>;
  readonly disputes: Map<string, Dispute>;
  readonly seconds: Map<string, SecondCharge>;
  /** PaymentIntents that were not known before. */
  readonly intents: { readonly merchant: MerchantId; readonly payment: PaymentId; readonly intent: string }[];
  readonly contradictions: Contradiction[];
  readonly accounts: Map<AccountId, Account>;
  readonly transfers: PostedTransfer[];
  readonly balance: Map<string, BalanceTransaction>;
  readonly payouts: Map<string, PayoutShare>;
  readonly events: Event[];
}

export interface Decision {
  readonly outcomes: Result<Applied, PaymentError>[];
  readonly writes: Writes;
}

/** A change: whatever one operation wants written, all of it or nothing. */
import { err, type Result, type ResultAsync } from 'neverthrow';
import { paymentError, type ErrorCode, type PaymentError } from '../error.ts';
import type { CommitCode } from './refusals.ts';
import type { BalanceTransaction, PayoutShare } from './balance.ts';
import type { Currency } from './currency.ts';
import type { EventType } from './event-types.ts';
import type { DisputeFact, IntentFact, RefundSettlement, ReturnFact, Settlement } from './fact.ts';
import type { AttemptId, CustomerId, DisputeId, EventId, ItemId, MerchantId, RefundId } from './ids.ts';
import type {
  Attempt,
  ClaimId,
  Dispute,
  NewConfirm,
  Payment,
  PaymentAttempt,
  Refund,
  RefundAttempt,
  SecondCharge,
} from './payment.ts';
import type { Holder, SavedMethod, SavedStep } from './saved.ts';
import type { Setup, SetupStep } from './setup.ts';
import type { Micros } from './time.ts';
import type { PostedTransfer, Transfer } from './transfer.ts';
import type { PaymentUpdate } from './update.ts';

/** What a caller is answered, and what is replayed to it byte for byte. */
export interface Reply<View = unknown> {
  readonly status: number;
  /** JSON. */
  readonly body: string;
  /** It was given before, to the same idempotency key. */
  readonly replayed?: true;
  /** For the compiler alone, and never set: what the body shows. */
  readonly shows?: View;
}

/** What a request comes to: a success as it is sent, or a refusal, which is rendered where it leaves. */
export type Answer<View = unknown, Code extends ErrorCode = ErrorCode> = Result<
  Reply<View>,
  PaymentError<Code> | PaymentError<'internal'>
>;

/** An idempotency key, taken by a request. */
export interface Claim {
  readonly id: ClaimId;
  readonly key: string;
  /** Method and actual path. */
  readonly operation: string;
  /** Of the canonical body: the same key with another body is refused. */
  readonly requestHash: string;
  /** What the release after this one may make of the same request, and store while both serve. */
  readonly laterHash?: () => string;
}

export interface Customer {
  readonly merchant: MerchantId;
  readonly id: CustomerId;
  readonly name: string | null;
  readonly email: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Who it is was forgotten then: his wallet and what he paid stay. */
  readonly erasedAt: Micros | null;
  readonly createdAt: Micros;
}

/** Something that is sold. */
export interface Item {
  readonly merchant: MerchantId;
  readonly id: ItemId;
  readonly name: string;
  /** A decimal, in minor units. */
  readonly unitPrice: string;
  readonly currency: Currency;
}

/** What happened, for the merchant to hear of. */
export interface Event {
  readonly merchant: MerchantId;
  readonly id: EventId;
  readonly type: EventType;
  /** The id of what it happened to. */
  readonly subject: string;
  /** JSON, as the API shows the subject. */
  readonly data: string;
}

/**
 * A guarded step of a payment's life. `payment` is the payment as its caller read it: what never changes of it (whose it
 * is, its amount and currency) is relied on, and the rest is read again under lock.
 */
export type PaymentStep =
  /** It comes to be, perhaps with its first attempt under way. */
  | { readonly kind: 'create'; readonly payment: Payment; readonly attempt: NewConfirm | null }
  /**
   * It is to be confirmed, captured or canceled at Stripe; refused if another attempt came in between. A confirmation
   * may name another way back for its customer.
   */
  | {
      readonly kind: 'begin';
      readonly payment: Payment;
      readonly attempt: PaymentAttempt;
      readonly seen: AttemptId | null;
    }
  /** What an attempt came to: it is closed, if nobody has closed it, and what Stripe has is posted in any case. */
  | { readonly kind: 'settle'; readonly payment: Payment; readonly attempt: AttemptId; readonly settlement: Settlement }
  /** What it says is changed, and of what is not yet charged the amount. */
  | { readonly kind: 'update'; readonly payment: Payment; readonly wanted: PaymentUpdate }
  /** What Stripe has now. */
  | { readonly kind: 'observe'; readonly payment: Payment; readonly found: IntentFact }
  /** It is canceled before Stripe was ever asked. */
  | { readonly kind: 'cancel'; readonly payment: Payment }
  /** Money is to go back to the card. */
  | { readonly kind: 'refund'; readonly payment: Payment; readonly refund: Refund; readonly attempt: RefundAttempt }
  /** What became of a refund, asked for here or not; `attempt` is the one that is thereby settled. */
  | {
      readonly kind: 'settle refund';
      readonly payment: Payment;
      readonly refund: RefundId;
      readonly attempt: AttemptId | null;
      readonly settlement: RefundSettlement;
    }
  /** The bank has returned a debit. It goes with the line of Stripe's balance that tells it, and is posted once with that. */
  | { readonly kind: 'return'; readonly payment: Payment; readonly found: ReturnFact }
  /** What the cardholder's bank has taken, given back and decided. */
  | { readonly kind: 'dispute'; readonly payment: Payment; readonly dispute: DisputeId; readonly found: DisputeFact };

/** What a change did, for its reply and its events. */
export interface Effect {
  readonly payment: Payment | null;
  /** One that began with it. */
  readonly attempt: Attempt | null;
  readonly refund: Refund | null;
  readonly dispute: Dispute | null;
  readonly second: SecondCharge | null;
  readonly holder: Holder | null;
  readonly method: SavedMethod | null;
  readonly setup: Setup | null;
  /** Whether there is something to tell the merchant: what was known before is not told again. */
  readonly isNews: boolean;
  readonly transfers: readonly PostedTransfer[];
  /** One for each transfer of an `independent` bulk, in order. */
  readonly results: readonly Result<PostedTransfer, PaymentError>[];
}

/** `View` is what its answer shows, and `Code` what it may be refused for. */
export interface Change<View = unknown, Code extends ErrorCode = ErrorCode> {
  readonly merchant: MerchantId;
  /** Taken by this change: inserted, or found to be someone's. */
  readonly claim?: Claim;
  /** Taken by an earlier change, and answered by this one. */
  readonly answers?: ClaimId;
  readonly customer?: Customer;
  readonly item?: Item;
  readonly payment?: PaymentStep;
  /** What a customer has saved. */
  readonly saved?: SavedStep;
  readonly setup?: SetupStep;
  /** What Stripe's balance tells; posted once, whoever learns of it. */
  readonly balance?: BalanceTransaction;
  readonly payout?: PayoutShare;
  readonly transfers?: readonly Transfer[];
  /** Of a bulk: whether all of its transfers are moved or none (`atomic`), or each is decided by itself. */
  readonly bulk?: 'atomic' | 'independent';
  /** All that it, or its answer, may be refused for: any other refusal is a fault of ours, and told as one. */
  readonly refusals?: readonly Code[];
  /** Of the request that has the claim: stands in the errors that are kept under it. */
  readonly requestId?: string;
  /**
   * What the claim is answered once the change is made: a decline is an error, though a commit tells of it. Without an
   * answer the claim stays open, for a later change. A refusal of the change itself is kept as it is.
   */
  readonly answer?: (effect: Effect) => Answer<View> | null;
  readonly events?: (effect: Effect, now: Micros) => readonly Event[];
}

/** What `commit` answers: what was done now, or what was answered when it was done. */
export type Applied<View = unknown, Code extends ErrorCode = ErrorCode> =
  | { readonly kind: 'done'; readonly effect: Effect; readonly answer: Answer<View, Code> | null }
  | { readonly kind: 'replayed'; readonly answer: Answer<View, Code> };

/** The one door to what is written: each change gets the answer that it made, or that was made under its claim before. */
export interface Commit {
  /** Of a change that says what it may be refused for. */
  <View, Code extends ErrorCode>(
    change: Change<View, Code> & { readonly refusals: readonly Code[] },
  ): ResultAsync<Applied<View, Code>, PaymentError<Code> | PaymentError<CommitCode>>;
  (change: Change): ResultAsync<Applied, PaymentError>;
}

/** A refusal that a change lists, as it is; any other is a fault of ours. */
export const expected = <Known extends PaymentError>(
  { refusals }: Change,
  error: Known,
): Known | PaymentError<'internal'> =>
  refusals === undefined || error.code === 'internal' || error.code === 'contention' || refusals.includes(error.code)
    ? error
    : paymentError('internal', { cause: new Error(`a change does not list that it may be refused for ${error.code}`) });

/** What a change that has an answer was answered. Errors: those of that answer; `internal` where it has none. */
export const answerOf = <View, Code extends ErrorCode>({ answer }: Applied<View, Code>): Answer<View, Code> =>
  answer ?? err(paymentError('internal', { cause: new Error('a change has no answer') }));

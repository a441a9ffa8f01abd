/** Written by `npm run docs:contract` from the table of routes: what each takes, what it answers, how it can fail. */
import type { ResultAsync } from 'neverthrow';
import type { Call, Failure, List, Options, Page } from './call.ts';

/** Every code that this version of the service can answer. */
export const ERROR_CODES = [
  'invalid_request',
  'card_number_refused',
  'idempotency_key_required',
  'idempotency_key_reused',
  'unauthenticated',
  'forbidden',
  'webhook_signature_invalid',
  'route_not_found',
  'customer_not_found',
  'payment_not_found',
  'refund_not_found',
  'setup_not_found',
  'payment_method_not_found',
  'account_not_found',
  'transfer_not_found',
  'dispute_not_found',
  'payout_not_found',
  'item_not_found',
  'event_not_found',
  'contradiction_not_found',
  'webhook_endpoint_not_found',
  'body_too_large',
  'card_declined',
  'authentication_required',
  'expired_card',
  'incorrect_cvc',
  'processing_error',
  'insufficient_funds',
  'currency_mismatch',
  'transfer_not_allowed',
  'transfer_not_reversible',
  'reversal_exceeds_transfer',
  'balance_limit_exceeded',
  'item_exists',
  'webhook_endpoint_limit',
  'webhook_endpoint_disabled',
  'webhook_secret_limit',
  'payment_not_confirmable',
  'setup_not_confirmable',
  'payment_not_capturable',
  'payment_not_updatable',
  'payment_not_cancelable',
  'payment_not_refundable',
  'capture_exceeds_payment',
  'refund_exceeds_payment',
  'payment_method_required',
  'payment_method_not_usable',
  'provider_refused',
  'idempotency_key_in_use',
  'provider_unavailable',
  'database_unavailable',
  'contention',
  'rate_limited',
  'too_many_attempts',
  'overloaded',
  'internal',
] as const;
export type ErrorCode = (typeof ERROR_CODES)[number];

export type ErrorReply = {
  readonly type: 'api_error' | 'card_error' | 'idempotency_error' | 'invalid_request_error';
  readonly code: ErrorCode;
  /** The card issuer's reason, in Stripe's words. */ readonly decline_code?: string;
  /** What a person may be told. */ readonly message: string;
  /** The field at fault. */ readonly param: string | null;
  readonly payment?: string;
  readonly setup?: string;
  /** Where the customer does what his bank asks him for: a path, behind the address by which customers reach this service. */ readonly url?: string;
  /** What happened to the money. */ readonly outcome: 'none' | 'applied' | 'unknown';
  /** What to do next. */ readonly retry: 'same_key' | 'new_key' | 'after_reconcile' | 'never';
  readonly doc_url: string;
  readonly request_id: string;
};

export type Customer = {
  readonly id: string;
  readonly object: 'customer';
  readonly name: string | null;
  readonly email: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** Who it is was erased: the wallet and the payments stay. */ readonly deleted?: true;
  readonly created_at: string;
};

export type Payment = {
  readonly id: string;
  readonly object: 'payment';
  readonly status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'requires_capture'
    | 'succeeded'
    | 'canceled';
  /** In minor units: cents of a dollar. */ readonly amount: number;
  /** In minor units: cents of a dollar. */ readonly amount_captured: number;
  /** In minor units: cents of a dollar. */ readonly amount_refunded: number;
  /** What the bank has taken back of a debit that had succeeded: the payment stays `succeeded`, and `last_error` says why. */ readonly amount_returned: number;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  /** Null for a publishable key, which is shown no description, reference and metadata either. */ readonly customer:
    string | null;
  readonly payment_method: string | null;
  readonly capture_method: 'automatic' | 'manual';
  readonly description: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The merchant's own name for what it is for, such as an order. */ readonly reference: string | null;
  /** For the browser that pays. Secret keys alone see it. */ readonly client_secret?: string;
  /** What the customer must do before the payment goes on. */ readonly next_action:
    | {
        readonly type: 'redirect_to_url';
        readonly redirect_to_url: { readonly url: string; readonly return_url: string | null };
      }
    | {
        readonly type: 'use_stripe_js';
        /** For `handleNextAction` of Stripe.js, in the page that pays. Finance keys and events don't see it. */ readonly stripe_client_secret?: string;
      }
    | null;
  /** Why the last attempt failed. */ readonly last_error: {
    readonly code: ErrorCode;
    readonly decline_code: string | null;
    readonly message: string;
  } | null;
  readonly created_at: string;
};

export type PaymentMethod = {
  /** Stripe's id. */ readonly id: string;
  readonly object: 'payment_method';
  readonly customer: string;
  /** Stripe's type: `card`. */ readonly type: string;
  readonly card: {
    readonly brand: string;
    readonly last4: string;
    readonly exp_month: number;
    readonly exp_year: number;
    readonly country: string | null;
    readonly funding: string;
  } | null;
  /** It is charged where none is named. */ readonly default: boolean;
  readonly created_at: string;
};

export type DetachedPaymentMethod = { readonly id: string; readonly object: 'payment_method'; readonly deleted: true };

export type Setup = {
  readonly id: string;
  readonly object: 'setup';
  readonly status:
    'requires_payment_method' | 'requires_confirmation' | 'requires_action' | 'processing' | 'succeeded' | 'canceled';
  /** Null for a publishable key. */ readonly customer: string | null;
  /** What is kept, or is to be. */ readonly payment_method: string | null;
  /** For the browser that confirms it. Secret keys alone see it. */ readonly client_secret?: string;
  /** What the customer must do before it is kept. */ readonly next_action:
    | {
        readonly type: 'redirect_to_url';
        readonly redirect_to_url: { readonly url: string; readonly return_url: string | null };
      }
    | {
        readonly type: 'use_stripe_js';
        /** For `handleNextAction` of Stripe.js, in the page that pays. Finance keys and events don't see it. */ readonly stripe_client_secret?: string;
      }
    | null;
  /** Why it was not kept. */ readonly last_error: {
    readonly code: ErrorCode;
    readonly decline_code: string | null;
    readonly message: string;
  } | null;
  readonly created_at: string;
};

export type Refund = {
  readonly id: string;
  readonly object: 'refund';
  readonly payment: string;
  /** In minor units: cents of a dollar. */ readonly amount: number;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly reason: string | null;
  readonly failure_reason: string | null;
  readonly created_at: string;
};

export type Dispute = {
  readonly id: string;
  readonly object: 'dispute';
  readonly payment: string;
  /** In minor units: cents of a dollar. */ readonly amount: number;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  readonly status: 'open' | 'won' | 'lost';
  readonly reason: string | null;
  readonly created_at: string;
};

export type Timeline = {
  readonly object: 'timeline';
  readonly payment: string;
  readonly status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'requires_capture'
    | 'succeeded'
    | 'canceled';
  readonly data: readonly {
    readonly at: string;
    readonly what: string;
    readonly details: Readonly<Record<string, string | number | boolean | null>>;
  }[];
};

export type Item = {
  readonly id: string;
  readonly object: 'item';
  readonly name: string;
  /** A decimal, in minor units. */ readonly unit_price: string;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
};

export type Transfer = {
  readonly id: string;
  readonly object: 'transfer';
  readonly kind:
    | 'debit'
    | 'transfer'
    | 'usage'
    | 'reversal'
    | 'payment'
    | 'refund'
    | 'refund_reversed'
    | 'payment_returned'
    | 'dispute_opened'
    | 'dispute_reinstated'
    | 'dispute_lost'
    | 'dispute_loss_returned'
    | 'second_charge'
    | 'second_charge_returned'
    | 'second_charge_disputed'
    | 'second_charge_dispute_returned'
    | 'fee'
    | 'fee_returned'
    | 'converted_out'
    | 'converted_in'
    | 'payout'
    | 'payout_reversed';
  readonly from: string;
  readonly to: string;
  /** In minor units: cents of a dollar. */ readonly amount: number;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  readonly description: string | null;
  /** The merchant's own id of what it is for. */ readonly reference: string | null;
  readonly metadata: Readonly<Record<string, string>>;
  /** The transfer that it takes back, in part or in whole. */ readonly reverses?: string;
  /** Why it was taken back. */ readonly reason?: string;
  /** The business day that a reversal belongs to. No balance heeds it. */ readonly effective_date?: string | null;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly from_balance_after: string;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly to_balance_after: string;
  readonly created_at: string;
};

export type BulkTransfer = {
  readonly object: 'bulk_transfer';
  readonly mode: 'atomic' | 'independent';
  /** In the order asked. With `independent`, those that were refused stand as errors. */ readonly data: readonly (
    Transfer | { readonly object: 'error'; readonly error: ErrorReply }
  )[];
};

export type Quote = {
  readonly object: 'quote';
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  readonly lines: number;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly total: string;
};

export type Balance = {
  readonly object: 'balance';
  readonly account: string;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  /** How many digits of a minor unit stand behind the point. */ readonly exponent: number;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly posted: string;
  /** What was held for refunds; null where that is not recorded of a time that is past. */ readonly pending:
    string | null;
  readonly available: string | null;
  /** `posted` in major units. */ readonly decimal: string;
  /** How many transfers it has had. */ readonly sequence: string;
  /** What was posted until then, and then, is in it. */ readonly as_of: string;
  /** The zone, by IANA's name, in which days are meant. */ readonly tz?: string;
  /** It will never change: nothing that is under way can still post so early. */ readonly final: boolean;
};

export type Balances = {
  readonly object: 'balances';
  /** What was posted until then, and then, is in it. */ readonly as_of: string;
  /** The zone, by IANA's name, in which days are meant. */ readonly tz?: string;
  /** It will never change: nothing that is under way can still post so early. */ readonly final: boolean;
  readonly data: readonly Balance[];
};

export type Account = {
  readonly id: string;
  readonly object: 'account';
  readonly kind:
    'wallet' | 'stripe_clearing' | 'revenue' | 'stripe_fees' | 'disputes' | 'bank' | 'exchange' | 'to_return';
  readonly customer: string | null;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  /** How many digits of a minor unit stand behind the point. */ readonly exponent: number;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly posted: string;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly pending: string;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly available: string;
  /** `posted` in major units. */ readonly decimal: string;
  /** How many transfers it has had. */ readonly sequence: string;
};

export type TrialBalance = {
  readonly object: 'trial_balance';
  /** Since when the movement is told; null: from the beginning. */ readonly from: string | null;
  /** What was posted until then, and then, is in it. */ readonly as_of: string;
  /** The zone, by IANA's name, in which days are meant. */ readonly tz: string;
  /** It will never change: nothing that is under way can still post so early. */ readonly final: boolean;
  readonly balanced: boolean;
  readonly currencies: readonly {
    /** A lower-case ISO 4217 code. */ readonly currency: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly opening: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly debits: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly credits: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly closing: string;
    readonly balanced: boolean;
    readonly accounts: readonly {
      readonly kind:
        'wallet' | 'stripe_clearing' | 'revenue' | 'stripe_fees' | 'disputes' | 'bank' | 'exchange' | 'to_return';
      readonly account: string | null;
      readonly accounts: number;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly opening: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly debits: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly credits: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly closing: string;
      /** The same as closing. */ readonly balance: string;
    }[];
  }[];
};

export type WebhookEndpoint = {
  readonly id: string;
  readonly object: 'webhook_endpoint';
  readonly url: string;
  readonly description: string | null;
  readonly enabled_events: readonly string[];
  readonly status: 'enabled' | 'disabled';
  readonly failing_since: string | null;
  /** It has asked (Retry-After, 429, 502, 504) to be left alone until then. */ readonly paused_until: string | null;
  readonly created_at: string;
};

export type WebhookEndpointWithSecret = {
  readonly id: string;
  readonly object: 'webhook_endpoint';
  readonly url: string;
  readonly description: string | null;
  readonly enabled_events: readonly string[];
  readonly status: 'enabled' | 'disabled';
  readonly failing_since: string | null;
  /** It has asked (Retry-After, 429, 502, 504) to be left alone until then. */ readonly paused_until: string | null;
  readonly created_at: string;
  /** What signs its events: shown now, and never again. */ readonly secret: string;
};

export type DeletedWebhookEndpoint = {
  readonly id: string;
  readonly object: 'webhook_endpoint';
  readonly deleted: true;
};

export type Event = {
  readonly id: string;
  readonly object: 'event';
  readonly type: string;
  readonly created_at: string;
  /** The same as created_at, under the name of Standard Webhooks. */ readonly timestamp: string;
  readonly data: {
    /** What it happened to, as it was then. */ readonly object:
      Payment | Refund | Dispute | Setup | PaymentMethod | WebhookEndpoint;
  };
};

export type Delivery = {
  readonly object: 'delivery';
  readonly event: string;
  readonly webhook_endpoint: string;
  readonly url: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly next_try_at: string | null;
  readonly tries: readonly {
    readonly number: number;
    readonly started_at: string;
    readonly latency_ms: number;
    readonly status_code: number | null;
    readonly error: string | null;
  }[];
};

export type Contradiction = {
  readonly id: string;
  readonly object: 'contradiction';
  /** What differs. */ readonly kind:
    | 'paid_after_refusal'
    | 'paid_after_cancel'
    | 'second_charge'
    | 'second_intent'
    | 'over_captured'
    | 'intent_differs'
    | 'intent_reused'
    | 'orphan_intent'
    | 'refund_after_failure'
    | 'dispute_turned'
    | 'second_refund'
    | 'payout_differs'
    | 'line_not_posted'
    | 'event_not_applied'
    | 'outcome_undecided';
  readonly status: 'open' | 'resolved';
  readonly payment: string | null;
  /** What it is about: Stripe's id, or an attempt's. */ readonly subject: string;
  readonly amount: number | null;
  readonly currency: string | null;
  /** What its kind means. */ readonly message: string;
  readonly detail: string;
  /** What came of it, or what a person did about it. */ readonly resolution: string | null;
  readonly created_at: string;
  readonly resolved_at: string | null;
};

export type ListCustomersReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Customer[];
};

export type ListPaymentMethodsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly PaymentMethod[];
};

export type ListPaymentsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Payment[];
};

export type ListRefundsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Refund[];
};

export type ListContradictionsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Contradiction[];
};

export type ListTransfersReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Transfer[];
};

export type ListAccountsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Account[];
};

export type ListEntriesReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly {
    readonly object: 'entry';
    readonly id: string;
    /** Which it is of its account, from 1, without a gap. */ readonly sequence: string;
    readonly posted_at: string;
    /** The business day of a reversal. */ readonly effective_date: string | null;
    /** Whether the account gave or received. */ readonly direction: 'debit' | 'credit';
    /** In the words of Stripe's reports, where it is something at Stripe. */ readonly category:
      | 'charge'
      | 'charge_failure'
      | 'refund'
      | 'refund_failure'
      | 'dispute'
      | 'dispute_reversal'
      | 'fee'
      | 'network_cost'
      | 'payout'
      | 'payout_reversal'
      | 'partial_capture_reversal'
      | 'other_adjustment'
      | 'currency_conversion'
      | 'debit'
      | 'usage'
      | 'transfer'
      | 'reversal'
      | 'other';
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly amount: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly balance_after: string;
    /** A lower-case ISO 4217 code. */ readonly currency: string;
    readonly counter_account: string;
    readonly payment: string | null;
    readonly refund: string | null;
    readonly dispute: string | null;
    /** Stripe's id of the payout. */ readonly payout: string | null;
    /** Stripe's id of what it is of. */ readonly stripe_id: string | null;
    readonly description: string | null;
    readonly reference: string | null;
    /** The `reference` of its payment: the merchant's own id of an order, say. */ readonly payment_reference:
      string | null;
  }[];
};

export type ReadStatementReply = {
  readonly object: 'statement';
  readonly account: string;
  readonly kind:
    'wallet' | 'stripe_clearing' | 'revenue' | 'stripe_fees' | 'disputes' | 'bank' | 'exchange' | 'to_return';
  readonly customer: string | null;
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  /** How many digits of a minor unit stand behind the point. */ readonly exponent: number;
  /** It is in it; null: from the beginning. */ readonly from: string | null;
  /** It is not in it. */ readonly to: string;
  /** The zone, by IANA's name, in which days are meant. */ readonly tz: string;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly opening: string;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly debits: string;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly credits: string;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly closing: string;
  readonly count: number;
  /** The next statement begins where this one ends: with last_sequence + 1. */ readonly first_sequence: string | null;
  readonly last_sequence: string | null;
  /** It will never change: nothing that is under way can still post so early. */ readonly final: boolean;
};

export type ReadActivityReply = {
  readonly object: 'activity';
  readonly from: string | null;
  /** It is not in it. */ readonly to: string;
  /** The zone, by IANA's name, in which days are meant. */ readonly tz: string;
  /** It will never change: nothing that is under way can still post so early. */ readonly final: boolean;
  readonly currencies: readonly {
    /** A lower-case ISO 4217 code. */ readonly currency: string;
    /** What Stripe owed at the beginning. */ readonly opening: string;
    /** The opening, and the net of each category. */ readonly closing: string;
    readonly categories: readonly {
      /** In the words of Stripe's reports, where it is something at Stripe. */ readonly category:
        | 'charge'
        | 'charge_failure'
        | 'refund'
        | 'refund_failure'
        | 'dispute'
        | 'dispute_reversal'
        | 'fee'
        | 'network_cost'
        | 'payout'
        | 'payout_reversal'
        | 'partial_capture_reversal'
        | 'other_adjustment'
        | 'currency_conversion'
        | 'debit'
        | 'usage'
        | 'transfer'
        | 'reversal'
        | 'other';
      readonly count: number;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly gross: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly fee: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly net: string;
    }[];
  }[];
};

export type ListDisputesReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Dispute[];
};

export type ReadPayoutReply = {
  /** Stripe's. */ readonly id: string;
  readonly object: 'payout';
  /** A lower-case ISO 4217 code. */ readonly currency: string;
  /** The merchant's share; below zero where it was taken from the bank. */ readonly amount: string;
  readonly status: 'paid' | 'failed';
  /** How many balance transactions it is made of. */ readonly transactions: number;
  /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly transactions_net: string;
  /** What its transactions do not explain. */ readonly remainder: string;
  readonly created_at: string;
};

export type ListPayoutsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly ReadPayoutReply[];
};

export type ListPayoutTransactionsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly {
    /** Stripe's. */ readonly id: string;
    readonly object: 'balance_transaction';
    /** Stripe's. */ readonly type: string;
    /** In the words of Stripe's reports, where it is something at Stripe. */ readonly category:
      | 'charge'
      | 'charge_failure'
      | 'refund'
      | 'refund_failure'
      | 'dispute'
      | 'dispute_reversal'
      | 'fee'
      | 'network_cost'
      | 'payout'
      | 'payout_reversal'
      | 'partial_capture_reversal'
      | 'other_adjustment'
      | 'currency_conversion'
      | 'debit'
      | 'usage'
      | 'transfer'
      | 'reversal'
      | 'other';
    /** Stripe's id of what it is of. */ readonly source: string;
    readonly payment: string;
    /** Stripe's id of the payout that paid it out. */ readonly payout: string | null;
    /** In which Stripe settles. */ readonly currency: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly gross: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly fee: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly net: string;
    /** The gross in the payment's own currency. */ readonly charged: string;
    /** A lower-case ISO 4217 code. */ readonly charged_currency: string;
    readonly created_at: string;
  }[];
};

export type ListBalanceTransactionsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly {
    /** Stripe's. */ readonly id: string;
    readonly object: 'balance_transaction';
    /** Stripe's. */ readonly type: string;
    /** In the words of Stripe's reports, where it is something at Stripe. */ readonly category:
      | 'charge'
      | 'charge_failure'
      | 'refund'
      | 'refund_failure'
      | 'dispute'
      | 'dispute_reversal'
      | 'fee'
      | 'network_cost'
      | 'payout'
      | 'payout_reversal'
      | 'partial_capture_reversal'
      | 'other_adjustment'
      | 'currency_conversion'
      | 'debit'
      | 'usage'
      | 'transfer'
      | 'reversal'
      | 'other';
    /** Stripe's id of what it is of. */ readonly source: string;
    readonly payment: string;
    /** Stripe's id of the payout that paid it out. */ readonly payout: string | null;
    /** In which Stripe settles. */ readonly currency: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly gross: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly fee: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly net: string;
    /** The gross in the payment's own currency. */ readonly charged: string;
    /** A lower-case ISO 4217 code. */ readonly charged_currency: string;
    readonly created_at: string;
  }[];
};

export type ReadProofReply = {
  readonly object: 'proof';
  /** Null before the first proof. */ readonly holds: boolean | null;
  /** Of all of the books. */ readonly whole: {
    readonly proved_at: string;
    readonly proved_to: string;
    readonly checks: readonly {
      readonly check: string;
      readonly promise: string;
      readonly counted: number;
      readonly holds: boolean;
      readonly findings: readonly {
        readonly check: string;
        readonly account: string | null;
        readonly transfer: string | null;
        readonly subject: string;
        readonly detail: string;
      }[];
    }[];
  } | null;
  /** Of what was posted since an earlier proof. */ readonly since: {
    readonly proved_at: string;
    readonly proved_to: string;
    readonly checks: readonly {
      readonly check: string;
      readonly promise: string;
      readonly counted: number;
      readonly holds: boolean;
      readonly findings: readonly {
        readonly check: string;
        readonly account: string | null;
        readonly transfer: string | null;
        readonly subject: string;
        readonly detail: string;
      }[];
    }[];
  } | null;
  /** How many transfers are sealed, in the order of their time, and the hash over them. */ readonly sealed: {
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly sequence: string;
    readonly hash: string;
    readonly to: string;
  } | null;
};

export type ListPeriodsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  /** What files are signed with: Ed25519, SPKI in DER, in base64. */ readonly public_key: string;
  readonly data: readonly ClosePeriodReply[];
};

export type ClosePeriodReply = {
  readonly object: 'period';
  readonly number: number;
  readonly state: 'open' | 'closing' | 'closed';
  readonly begins: string | null;
  readonly ends: string | null;
  readonly last_day: string | null;
  readonly tz: string | null;
  /** Once it is closed: keep it, and check it with `npm run verify -- --file`. */ readonly file: {
    readonly object: 'period';
    readonly version: 1;
    readonly merchant: string;
    readonly number: number;
    readonly begins: string | null;
    readonly ends: string;
    readonly last_day: string;
    readonly tz: string;
    /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly sequence: string;
    readonly previous_hash: string;
    readonly hash: string;
    readonly trial_balance: readonly {
      readonly account: string | null;
      readonly kind:
        'wallet' | 'stripe_clearing' | 'revenue' | 'stripe_fees' | 'disputes' | 'bank' | 'exchange' | 'to_return';
      /** A lower-case ISO 4217 code. */ readonly currency: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly opening: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly debits: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly credits: string;
      /** In minor units, as text: a sum may be larger than a number holds exactly. */ readonly closing: string;
    }[];
    readonly findings: number;
    readonly reconciliation: 'not_run';
    readonly content_hash: string;
    readonly public_key: string;
    readonly signature: string;
  } | null;
};

export type ReadVolumeReply = {
  readonly object: 'volume';
  readonly from: string;
  readonly to: string;
  readonly tz: string;
  readonly currencies: readonly {
    /** A lower-case ISO 4217 code. */ readonly currency: string;
    /** Those that were made then. */ readonly payments: number;
    /** Of them, those that are paid. */ readonly succeeded: number;
    /** What was captured of them, refunded since or not. */ readonly captured: string;
    /** Those with a payment. */ readonly days: readonly {
      readonly day: string;
      /** Those that were made then. */ readonly payments: number;
      /** Of them, those that are paid. */ readonly succeeded: number;
      /** What was captured of them, refunded since or not. */ readonly captured: string;
    }[];
  }[];
  /** Payments whose last card was declined and that wait for another: most frequent first. */ readonly declines: readonly {
    readonly code: string;
    readonly decline_code: string | null;
    readonly payments: number;
  }[];
};

export type ListWebhookEndpointsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly WebhookEndpoint[];
};

export type ListEventsReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Event[];
};

export type ListDeliveriesReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Delivery[];
};

export type RedeliverEventReply = {
  readonly object: 'list';
  readonly url: string;
  readonly has_more: boolean;
  readonly data: readonly Delivery[];
};

export type CreateCustomerBody = {
  readonly name?: string | null;
  readonly email?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
};

export type UpdateCustomerBody = {
  readonly name?: string | null;
  readonly email?: string | null;
  readonly metadata?: Readonly<Record<string, string | null>> | null;
  /** What a new payment charges where it names none; one that was tried keeps its own. */ readonly default_payment_method?: string;
};

export type AttachPaymentMethodBody = { readonly payment_method: string; readonly default?: boolean };

export type CreateSetupBody = {
  readonly customer: string;
  readonly payment_method?: string | null;
  /** Of Stripe.js, in the place of `payment_method`. */ readonly confirmation_token?: string | null;
  /** Where the bank sends the customer back to. */ readonly return_url?: string | null;
  /** The page meets a challenge by itself, with `handleNextAction` of Stripe.js, and sends nobody elsewhere. */ readonly next_action?: 'stripe_js';
  readonly confirm?: boolean;
};

export type ConfirmSetupBody = {
  readonly payment_method?: string | null;
  /** Of Stripe.js, in the place of `payment_method`. */ readonly confirmation_token?: string | null;
  /** Where the bank sends the customer back to. */ readonly return_url?: string | null;
  /** The page meets a challenge by itself, with `handleNextAction` of Stripe.js, and sends nobody elsewhere. */ readonly next_action?: 'stripe_js';
  readonly client_secret?: string | null;
};

export type CreatePaymentBody = {
  readonly customer: string;
  /** In minor units: 19.99 usd is 1999. */ readonly amount: number | string;
  /** An ISO 4217 code in lower case. */ readonly currency: string;
  /** Of Stripe.js, or one that is saved; with `confirm`, the customer's default where none is named. */ readonly payment_method?:
    string | null;
  /** Of Stripe.js, in the place of `payment_method`. */ readonly confirmation_token?: string | null;
  /** Where the bank sends the customer back to. */ readonly return_url?: string | null;
  /** The page meets a challenge by itself, with `handleNextAction` of Stripe.js, and sends nobody elsewhere. */ readonly next_action?: 'stripe_js';
  /** Charges it at once. */ readonly confirm?: boolean;
  /** Keeps the one that pays: it may then be charged while its owner is away. */ readonly save_payment_method?: boolean;
  /** The customer is away: his bank cannot ask him anything. */ readonly off_session?: boolean;
  /** `manual` holds the amount on the card until it is captured. */ readonly capture_method?: 'automatic' | 'manual';
  readonly description?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
  /** Your own name for what it is for, such as an order. Several may have it: it keeps nobody from being charged twice. */ readonly reference?:
    string | null;
};

export type ConfirmPaymentBody = {
  /** What this payment was last tried with where none is named; never the customer's default. */ readonly payment_method?:
    string | null;
  /** Of Stripe.js, in the place of `payment_method`. */ readonly confirmation_token?: string | null;
  /** Where the bank sends the customer back to. */ readonly return_url?: string | null;
  /** The page meets a challenge by itself, with `handleNextAction` of Stripe.js, and sends nobody elsewhere. */ readonly next_action?: 'stripe_js';
  readonly client_secret?: string | null;
  /** Keeps the one that pays: it may then be charged while its owner is away. */ readonly save_payment_method?: boolean;
};

export type UpdatePaymentBody = {
  /** In minor units: 19.99 usd is 1999. */ readonly amount?: number | string;
  readonly description?: string | null;
  readonly metadata?: Readonly<Record<string, string | null>> | null;
  readonly reference?: string | null;
};

export type CapturePaymentBody = { readonly amount?: number | string | null };

export type CancelPaymentBody = Readonly<Record<string, never>>;

export type CreateRefundBody = {
  readonly payment: string;
  readonly amount?: number | string | null;
  readonly reason?: 'duplicate' | 'fraudulent' | 'requested_by_customer' | null;
};

export type ResolveContradictionBody = { readonly reason: string };

export type CreateDebitBody = {
  readonly customer: string;
  /** In minor units: 19.99 usd is 1999. */ readonly amount: number | string;
  /** An ISO 4217 code in lower case. */ readonly currency: string;
  readonly description?: string | null;
  /** The merchant's own id of what it is for; it may stand for several. */ readonly reference?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
};

export type CreateTransferBody = {
  readonly from: string;
  readonly to: string;
  /** In minor units: 19.99 usd is 1999. */ readonly amount: number | string;
  /** An ISO 4217 code in lower case. */ readonly currency: string;
  readonly description?: string | null;
  /** The merchant's own id of what it is for; it may stand for several. */ readonly reference?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
};

export type CreateBulkTransferBody = {
  readonly mode: 'atomic' | 'independent';
  readonly transfers: readonly {
    readonly from: string;
    readonly to: string;
    /** In minor units: 19.99 usd is 1999. */ readonly amount: number | string;
    /** An ISO 4217 code in lower case. */ readonly currency: string;
    readonly description?: string | null;
    /** The merchant's own id of what it is for; it may stand for several. */ readonly reference?: string | null;
    readonly metadata?: Readonly<Record<string, string>>;
  }[];
};

export type ReverseTransferBody = {
  readonly amount?: number | string | null;
  readonly reason: string;
  /** The business day that it belongs to, where that is another. No balance heeds it. */ readonly effective_date?:
    string | null;
};

export type QuoteUsageBody = {
  /** An ISO 4217 code in lower case. */ readonly currency: string;
  readonly items: readonly { readonly quantity: string | number; readonly unit_price: string }[];
};

export type SpendUsageBody = {
  readonly customer: string;
  /** An ISO 4217 code in lower case. */ readonly currency: string;
  readonly items: readonly { readonly quantity: string | number; readonly unit_price: string }[];
  readonly description?: string | null;
  /** The merchant's own id of what it is for; it may stand for several. */ readonly reference?: string | null;
  readonly metadata?: Readonly<Record<string, string>>;
};

export type CreateItemBody = {
  readonly id?: string | null;
  readonly name: string;
  readonly unit_price: string;
  /** An ISO 4217 code in lower case. */ readonly currency: string;
};

export type QueryBalancesBody = {
  readonly accounts: readonly string[];
  /** An RFC 3339 instant, which is included; or a day: everything before the start of the next day in tz. */ readonly as_of?: string;
  /** An IANA name, such as Europe/Berlin; UTC where none is given. */ readonly tz?: string;
};

export type ClosePeriodBody = {
  /** Its last day, which must be over. */ readonly ends: string;
  /** An IANA name, such as Europe/Berlin; UTC where none is given. */ readonly tz?: string;
};

export type CreateWebhookEndpointBody = {
  /** `https`, on a public address; on the demo any. */ readonly url: string;
  readonly description?: string | null;
  /** `*` is every type, also those to come; else the types that the guide lists. */ readonly enabled_events:
    '*' | readonly unknown[] | readonly string[];
};

export type UpdateWebhookEndpointBody = {
  /** `https`, on a public address; on the demo any. */ readonly url?: string;
  readonly description?: string | null;
  /** `*` is every type, also those to come; else the types that the guide lists. */ readonly enabled_events?:
    '*' | readonly unknown[] | readonly string[];
  readonly disabled?: boolean;
};

export type RedeliverEventBody = { readonly webhook_endpoint?: string | null };

/** What each route answers where all went well, by its method and path. */
export interface Replies {
  readonly 'POST /v1/customers': Customer;
  readonly 'GET /v1/customers/:id': Customer;
  readonly 'GET /v1/customers': ListCustomersReply;
  readonly 'POST /v1/customers/:id': Customer;
  readonly 'DELETE /v1/customers/:id': Customer;
  readonly 'GET /v1/customers/:id/balance': Balance;
  readonly 'GET /v1/customers/:id/payment_methods': ListPaymentMethodsReply;
  readonly 'POST /v1/customers/:id/payment_methods': PaymentMethod;
  readonly 'DELETE /v1/payment_methods/:id': DetachedPaymentMethod;
  readonly 'POST /v1/setups': Setup;
  readonly 'POST /v1/setups/:id/confirm': Setup;
  readonly 'GET /v1/setups/:id': Setup;
  readonly 'POST /v1/payments': Payment;
  readonly 'POST /v1/payments/:id/confirm': Payment;
  readonly 'GET /v1/payments/:id': Payment;
  readonly 'GET /v1/payments': ListPaymentsReply;
  readonly 'POST /v1/payments/:id': Payment;
  readonly 'POST /v1/payments/:id/capture': Payment;
  readonly 'POST /v1/payments/:id/cancel': Payment;
  readonly 'GET /v1/payments/:id/timeline': Timeline;
  readonly 'POST /v1/refunds': Refund;
  readonly 'GET /v1/refunds/:id': Refund;
  readonly 'GET /v1/refunds': ListRefundsReply;
  readonly 'GET /v1/contradictions': ListContradictionsReply;
  readonly 'POST /v1/contradictions/:id/resolve': Contradiction;
  readonly 'POST /v1/debits': Transfer;
  readonly 'POST /v1/transfers': Transfer;
  readonly 'POST /v1/transfers/bulk': BulkTransfer;
  readonly 'GET /v1/transfers/:id': Transfer;
  readonly 'GET /v1/transfers': ListTransfersReply;
  readonly 'POST /v1/transfers/:id/reverse': Transfer;
  readonly 'POST /v1/usage/quote': Quote;
  readonly 'POST /v1/usage': Transfer;
  readonly 'POST /v1/items': Item;
  readonly 'GET /v1/items/:id': Item;
  readonly 'GET /v1/accounts': ListAccountsReply;
  readonly 'GET /v1/accounts/:id': Account;
  readonly 'GET /v1/accounts/:id/balance': Balance;
  readonly 'GET /v1/accounts/:id/entries': ListEntriesReply;
  readonly 'GET /v1/accounts/:id/statement': ReadStatementReply;
  readonly 'POST /v1/balances/query': Balances;
  readonly 'GET /v1/trial_balance': TrialBalance;
  readonly 'GET /v1/activity': ReadActivityReply;
  readonly 'GET /v1/disputes/:id': Dispute;
  readonly 'GET /v1/disputes': ListDisputesReply;
  readonly 'GET /v1/payouts/:id': ReadPayoutReply;
  readonly 'GET /v1/payouts': ListPayoutsReply;
  readonly 'GET /v1/payouts/:id/balance_transactions': ListPayoutTransactionsReply;
  readonly 'GET /v1/balance_transactions': ListBalanceTransactionsReply;
  readonly 'GET /v1/ledger/proof': ReadProofReply;
  readonly 'GET /v1/ledger/periods': ListPeriodsReply;
  readonly 'POST /v1/ledger/periods': ClosePeriodReply;
  readonly 'GET /v1/volume': ReadVolumeReply;
  readonly 'POST /v1/webhook_endpoints': WebhookEndpointWithSecret;
  readonly 'GET /v1/webhook_endpoints': ListWebhookEndpointsReply;
  readonly 'GET /v1/webhook_endpoints/:id': WebhookEndpoint;
  readonly 'POST /v1/webhook_endpoints/:id': WebhookEndpoint;
  readonly 'DELETE /v1/webhook_endpoints/:id': DeletedWebhookEndpoint;
  readonly 'POST /v1/webhook_endpoints/:id/rotate_secret': WebhookEndpointWithSecret;
  readonly 'GET /v1/events': ListEventsReply;
  readonly 'GET /v1/events/:id': Event;
  readonly 'GET /v1/events/:id/deliveries': ListDeliveriesReply;
  readonly 'POST /v1/events/:id/redeliver': RedeliverEventReply;
}

/** A method a route. */
export interface Client {
  /** Make a customer. `POST /v1/customers`, with a key of the role secret. */
  readonly createCustomer: (
    input?: CreateCustomerBody,
    options?: Options,
  ) => ResultAsync<
    Customer,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_reused'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read a customer. `GET /v1/customers/:id`, with a key of the role secret or finance. */
  readonly readCustomer: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Customer,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List customers, newest first, or find one by e-mail. `GET /v1/customers`, with a key of the role secret or finance. */
  readonly listCustomers: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
      readonly email?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListCustomersReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Change who a customer is. `POST /v1/customers/:id`, with a key of the role secret. */
  readonly updateCustomer: (
    input: { readonly id: string } & UpdateCustomerBody,
    options?: Options,
  ) => ResultAsync<
    Customer,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_found'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Erase who a customer is; the money stays as it is. `DELETE /v1/customers/:id`, with a key of the role secret. */
  readonly deleteCustomer: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Customer,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read a customer's wallet, now or at a time. `GET /v1/customers/:id/balance`, with a key of the role secret or finance. */
  readonly readCustomerBalance: (
    input: { readonly id: string; readonly currency: string; readonly as_of?: string; readonly tz?: string },
    options?: Options,
  ) => ResultAsync<
    Balance,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List what a customer has saved, newest first. `GET /v1/customers/:id/payment_methods`, with a key of the role secret or finance. */
  readonly listPaymentMethods: (
    input: {
      readonly id: string;
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListPaymentMethodsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Save a payment method of a customer who is not there. `POST /v1/customers/:id/payment_methods`, with a key of the role secret. */
  readonly attachPaymentMethod: (
    input: { readonly id: string } & AttachPaymentMethodBody,
    options?: Options,
  ) => ResultAsync<
    PaymentMethod,
    Failure<
      | 'body_too_large'
      | 'card_declined'
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'expired_card'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_reused'
      | 'incorrect_cvc'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_usable'
      | 'processing_error'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Forget a saved payment method, for good. `DELETE /v1/payment_methods/:id`, with a key of the role secret. */
  readonly detachPaymentMethod: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    DetachedPaymentMethod,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_found'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Keep a card without a charge. `POST /v1/setups`, with a key of the role secret. */
  readonly createSetup: (
    input: CreateSetupBody,
    options?: Options,
  ) => ResultAsync<
    Setup,
    Failure<
      | 'body_too_large'
      | 'card_declined'
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'expired_card'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'incorrect_cvc'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_usable'
      | 'payment_method_required'
      | 'processing_error'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Ask the card whether it may be kept. `POST /v1/setups/:id/confirm`, with a key of the role secret or publishable. */
  readonly confirmSetup: (
    input: { readonly id: string } & ConfirmSetupBody,
    options?: Options,
  ) => ResultAsync<
    Setup,
    Failure<
      | 'body_too_large'
      | 'card_declined'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'expired_card'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'incorrect_cvc'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_usable'
      | 'payment_method_required'
      | 'processing_error'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'setup_not_confirmable'
      | 'setup_not_found'
      | 'too_many_attempts'
      | 'unauthenticated'
    >
  >;
  /** Read a setup. `GET /v1/setups/:id`, with a key of the role secret or finance or publishable. */
  readonly readSetup: (
    input: { readonly id: string; readonly client_secret?: string | null },
    options?: Options,
  ) => ResultAsync<
    Setup,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'setup_not_found'
      | 'unauthenticated'
    >
  >;
  /** Make a payment, and charge it with `confirm`. `POST /v1/payments`, with a key of the role secret. */
  readonly createPayment: (
    input: CreatePaymentBody,
    options?: Options,
  ) => ResultAsync<
    Payment,
    Failure<
      | 'authentication_required'
      | 'body_too_large'
      | 'card_declined'
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'expired_card'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'incorrect_cvc'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_usable'
      | 'payment_method_required'
      | 'payment_not_confirmable'
      | 'processing_error'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Charge a payment. `POST /v1/payments/:id/confirm`, with a key of the role secret or publishable. */
  readonly confirmPayment: (
    input: { readonly id: string } & ConfirmPaymentBody,
    options?: Options,
  ) => ResultAsync<
    Payment,
    Failure<
      | 'authentication_required'
      | 'body_too_large'
      | 'card_declined'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'expired_card'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'incorrect_cvc'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_usable'
      | 'payment_method_required'
      | 'payment_not_confirmable'
      | 'payment_not_found'
      | 'processing_error'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'too_many_attempts'
      | 'unauthenticated'
    >
  >;
  /** Read a payment. `GET /v1/payments/:id`, with a key of the role secret or finance or publishable. */
  readonly readPayment: (
    input: { readonly id: string; readonly client_secret?: string | null },
    options?: Options,
  ) => ResultAsync<
    Payment,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_not_found'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List payments, newest first. `GET /v1/payments`, with a key of the role secret or finance. */
  readonly listPayments: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
      readonly amount?: string;
      readonly 'amount[gte]'?: string;
      readonly 'amount[gt]'?: string;
      readonly 'amount[lte]'?: string;
      readonly 'amount[lt]'?: string;
      readonly customer?: string;
      readonly status?: string;
      readonly currency?: string;
      readonly reference?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListPaymentsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Change what a payment says, and its amount until it is first confirmed. `POST /v1/payments/:id`, with a key of the role secret. */
  readonly updatePayment: (
    input: { readonly id: string } & UpdatePaymentBody,
    options?: Options,
  ) => ResultAsync<
    Payment,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_reused'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_not_found'
      | 'payment_not_updatable'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Take what the card holds, or a part of it. `POST /v1/payments/:id/capture`, with a key of the role secret. */
  readonly capturePayment: (
    input: { readonly id: string } & CapturePaymentBody,
    options?: Options,
  ) => ResultAsync<
    Payment,
    Failure<
      | 'authentication_required'
      | 'body_too_large'
      | 'capture_exceeds_payment'
      | 'card_declined'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'expired_card'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'incorrect_cvc'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_usable'
      | 'payment_not_capturable'
      | 'payment_not_found'
      | 'processing_error'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Call off a payment that is not paid. `POST /v1/payments/:id/cancel`, with a key of the role secret. */
  readonly cancelPayment: (
    input: { readonly id: string } & CancelPaymentBody,
    options?: Options,
  ) => ResultAsync<
    Payment,
    Failure<
      | 'authentication_required'
      | 'body_too_large'
      | 'card_declined'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'expired_card'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'incorrect_cvc'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_method_not_usable'
      | 'payment_not_cancelable'
      | 'payment_not_found'
      | 'processing_error'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Everything that happened to a payment, in order. `GET /v1/payments/:id/timeline`, with a key of the role secret or finance. */
  readonly readPaymentTimeline: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Timeline,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_not_found'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Send money back to the card. `POST /v1/refunds`, with a key of the role secret. */
  readonly createRefund: (
    input: CreateRefundBody,
    options?: Options,
  ) => ResultAsync<
    Refund,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'insufficient_funds'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payment_not_found'
      | 'payment_not_refundable'
      | 'provider_refused'
      | 'provider_unavailable'
      | 'rate_limited'
      | 'refund_exceeds_payment'
      | 'unauthenticated'
    >
  >;
  /** Read a refund. `GET /v1/refunds/:id`, with a key of the role secret or finance. */
  readonly readRefund: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Refund,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'refund_not_found'
      | 'unauthenticated'
    >
  >;
  /** List refunds, newest first. `GET /v1/refunds`, with a key of the role secret or finance. */
  readonly listRefunds: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
      readonly payment?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListRefundsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List what Stripe and the books say differently, newest first. `GET /v1/contradictions`, with a key of the role secret or finance. */
  readonly listContradictions: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
      readonly status?: 'open' | 'resolved';
    },
    options?: Options,
  ) => ResultAsync<
    ListContradictionsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Say what was done about one: it moves no money. `POST /v1/contradictions/:id/resolve`, with a key of the role secret or finance. */
  readonly resolveContradiction: (
    input: { readonly id: string } & ResolveContradictionBody,
    options?: Options,
  ) => ResultAsync<
    Contradiction,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'contradiction_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Spend from a customer's wallet. `POST /v1/debits`, with a key of the role secret. */
  readonly createDebit: (
    input: CreateDebitBody,
    options?: Options,
  ) => ResultAsync<
    Transfer,
    Failure<
      | 'balance_limit_exceeded'
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'insufficient_funds'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Move money between two wallets. `POST /v1/transfers`, with a key of the role secret. */
  readonly createTransfer: (
    input: CreateTransferBody,
    options?: Options,
  ) => ResultAsync<
    Transfer,
    Failure<
      | 'account_not_found'
      | 'balance_limit_exceeded'
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'currency_mismatch'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'insufficient_funds'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'transfer_not_allowed'
      | 'unauthenticated'
    >
  >;
  /** Up to 1000 transfers at once. `POST /v1/transfers/bulk`, with a key of the role secret. */
  readonly createBulkTransfer: (
    input: CreateBulkTransferBody,
    options?: Options,
  ) => ResultAsync<
    BulkTransfer,
    Failure<
      | 'account_not_found'
      | 'balance_limit_exceeded'
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'currency_mismatch'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'insufficient_funds'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'transfer_not_allowed'
      | 'unauthenticated'
    >
  >;
  /** Read a transfer. `GET /v1/transfers/:id`, with a key of the role secret or finance. */
  readonly readTransfer: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Transfer,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'transfer_not_found'
      | 'unauthenticated'
    >
  >;
  /** List transfers, newest first. `GET /v1/transfers`, with a key of the role secret or finance. */
  readonly listTransfers: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly account?: string;
      readonly reference?: string;
      readonly kind?:
        | 'debit'
        | 'transfer'
        | 'usage'
        | 'reversal'
        | 'payment'
        | 'refund'
        | 'refund_reversed'
        | 'payment_returned'
        | 'dispute_opened'
        | 'dispute_reinstated'
        | 'dispute_lost'
        | 'dispute_loss_returned'
        | 'second_charge'
        | 'second_charge_returned'
        | 'second_charge_disputed'
        | 'second_charge_dispute_returned'
        | 'fee'
        | 'fee_returned'
        | 'converted_out'
        | 'converted_in'
        | 'payout'
        | 'payout_reversed';
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListTransfersReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Take back a debit, usage or a transfer between wallets. `POST /v1/transfers/:id/reverse`, with a key of the role secret. */
  readonly reverseTransfer: (
    input: { readonly id: string } & ReverseTransferBody,
    options?: Options,
  ) => ResultAsync<
    Transfer,
    Failure<
      | 'balance_limit_exceeded'
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'insufficient_funds'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'reversal_exceeds_transfer'
      | 'transfer_not_found'
      | 'transfer_not_reversible'
      | 'unauthenticated'
    >
  >;
  /** Price usage. `POST /v1/usage/quote`, with a key of the role secret. */
  readonly quoteUsage: (
    input: QuoteUsageBody,
    options?: Options,
  ) => ResultAsync<
    Quote,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Price usage, and spend it from a customer's wallet. `POST /v1/usage`, with a key of the role secret. */
  readonly spendUsage: (
    input: SpendUsageBody,
    options?: Options,
  ) => ResultAsync<
    Transfer,
    Failure<
      | 'balance_limit_exceeded'
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_required'
      | 'idempotency_key_reused'
      | 'insufficient_funds'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Make an item. `POST /v1/items`, with a key of the role secret. */
  readonly createItem: (
    input: CreateItemBody,
    options?: Options,
  ) => ResultAsync<
    Item,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'idempotency_key_in_use'
      | 'idempotency_key_reused'
      | 'internal'
      | 'invalid_request'
      | 'item_exists'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read an item. `GET /v1/items/:id`, with a key of the role secret or publishable or finance. */
  readonly readItem: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Item,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'item_not_found'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List accounts. `GET /v1/accounts`, with a key of the role secret or finance. */
  readonly listAccounts: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly customer?: string;
      readonly currency?: string;
      readonly kind?:
        'wallet' | 'stripe_clearing' | 'revenue' | 'stripe_fees' | 'disputes' | 'bank' | 'exchange' | 'to_return';
    },
    options?: Options,
  ) => ResultAsync<
    ListAccountsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read an account. `GET /v1/accounts/:id`, with a key of the role secret or finance. */
  readonly readAccount: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Account,
    Failure<
      | 'account_not_found'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read what an account holds, now or at a time. `GET /v1/accounts/:id/balance`, with a key of the role secret or finance. */
  readonly readAccountBalance: (
    input: { readonly id: string; readonly as_of?: string; readonly tz?: string },
    options?: Options,
  ) => ResultAsync<
    Balance,
    Failure<
      | 'account_not_found'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List the entries of an account with the balance after each, newest first. `GET /v1/accounts/:id/entries`, with a key of the role secret or finance. */
  readonly listEntries: (
    input: {
      readonly id: string;
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly from?: string;
      readonly to?: string;
      readonly tz?: string;
      readonly order?: 'asc' | 'desc';
      readonly direction?: 'debit' | 'credit';
      readonly category?:
        | 'charge'
        | 'charge_failure'
        | 'refund'
        | 'refund_failure'
        | 'dispute'
        | 'dispute_reversal'
        | 'fee'
        | 'network_cost'
        | 'payout'
        | 'payout_reversal'
        | 'partial_capture_reversal'
        | 'other_adjustment'
        | 'currency_conversion'
        | 'debit'
        | 'usage'
        | 'transfer'
        | 'reversal'
        | 'other';
      readonly payment?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListEntriesReply,
    Failure<
      | 'account_not_found'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Opening and closing balance of a span of time, and what lies between; its entries as CSV, or a journal for hledger. `GET /v1/accounts/:id/statement`, with a key of the role secret or finance. */
  readonly readStatement: (
    input: {
      readonly id: string;
      readonly from?: string;
      readonly to?: string;
      readonly tz?: string;
      readonly format?: 'json' | 'csv' | 'hledger';
    },
    options?: Options,
  ) => ResultAsync<
    ReadStatementReply,
    Failure<
      | 'account_not_found'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Balances of up to 1000 accounts in one snapshot. `POST /v1/balances/query`, with a key of the role secret or finance. */
  readonly queryBalances: (
    input: QueryBalancesBody,
    options?: Options,
  ) => ResultAsync<
    Balances,
    Failure<
      | 'account_not_found'
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Opening, debits, credits and closing by currency and account, now or at a time. `GET /v1/trial_balance`, with a key of the role secret or finance. */
  readonly readTrialBalance: (
    input?: { readonly as_of?: string; readonly tz?: string; readonly from?: string; readonly format?: 'json' | 'csv' },
    options?: Options,
  ) => ResultAsync<
    TrialBalance,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** What moved the balance at Stripe, by the categories of Stripe's reports. `GET /v1/activity`, with a key of the role secret or finance. */
  readonly readActivity: (
    input?: { readonly from?: string; readonly to?: string; readonly tz?: string; readonly format?: 'json' | 'csv' },
    options?: Options,
  ) => ResultAsync<
    ReadActivityReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read a dispute. `GET /v1/disputes/:id`, with a key of the role secret or finance. */
  readonly readDispute: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Dispute,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'dispute_not_found'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List disputes, newest first. `GET /v1/disputes`, with a key of the role secret or finance. */
  readonly listDisputes: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly payment?: string;
      readonly status?: 'open' | 'won' | 'lost';
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListDisputesReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read a payout, and what its transactions do not explain. `GET /v1/payouts/:id`, with a key of the role secret or finance. */
  readonly readPayout: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    ReadPayoutReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payout_not_found'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List payouts, newest first. `GET /v1/payouts`, with a key of the role secret or finance. */
  readonly listPayouts: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly currency?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListPayoutsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** What a payout is made of. `GET /v1/payouts/:id/balance_transactions`, with a key of the role secret or finance. */
  readonly listPayoutTransactions: (
    input: {
      readonly id: string;
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly currency?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListPayoutTransactionsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payout_not_found'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List what changed the balance at Stripe, newest first. `GET /v1/balance_transactions`, with a key of the role secret or finance. */
  readonly listBalanceTransactions: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly currency?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
      readonly payout?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListBalanceTransactionsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** What the books prove of themselves. `GET /v1/ledger/proof`, with a key of the role secret or finance. */
  readonly readProof: (
    input?: Record<string, never>,
    options?: Options,
  ) => ResultAsync<
    ReadProofReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** List periods, newest first, with the file of each that is closed. `GET /v1/ledger/periods`, with a key of the role secret or finance. */
  readonly listPeriods: (
    input?: Record<string, never>,
    options?: Options,
  ) => ResultAsync<
    ListPeriodsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Close the open period with a day. `POST /v1/ledger/periods`, with a key of the role secret or finance. */
  readonly closePeriod: (
    input: ClosePeriodBody,
    options?: Options,
  ) => ResultAsync<
    ClosePeriodReply,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** What was charged, day by day, and why the rest was declined. `GET /v1/volume`, with a key of the role secret or finance. */
  readonly readVolume: (
    input?: { readonly from?: string; readonly to?: string; readonly tz?: string },
    options?: Options,
  ) => ResultAsync<
    ReadVolumeReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Have events told to a URL. `POST /v1/webhook_endpoints`, with a key of the role secret. */
  readonly createWebhookEndpoint: (
    input: CreateWebhookEndpointBody,
    options?: Options,
  ) => ResultAsync<
    WebhookEndpointWithSecret,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
      | 'webhook_endpoint_limit'
    >
  >;
  /** List webhook endpoints, newest first. `GET /v1/webhook_endpoints`, with a key of the role secret. */
  readonly listWebhookEndpoints: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListWebhookEndpointsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read a webhook endpoint. `GET /v1/webhook_endpoints/:id`, with a key of the role secret. */
  readonly readWebhookEndpoint: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    WebhookEndpoint,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
      | 'webhook_endpoint_not_found'
    >
  >;
  /** Change a webhook endpoint, disable it, or enable it again. `POST /v1/webhook_endpoints/:id`, with a key of the role secret. */
  readonly updateWebhookEndpoint: (
    input: { readonly id: string } & UpdateWebhookEndpointBody,
    options?: Options,
  ) => ResultAsync<
    WebhookEndpoint,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
      | 'webhook_endpoint_not_found'
    >
  >;
  /** Delete a webhook endpoint. `DELETE /v1/webhook_endpoints/:id`, with a key of the role secret. */
  readonly deleteWebhookEndpoint: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    DeletedWebhookEndpoint,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
      | 'webhook_endpoint_not_found'
    >
  >;
  /** Give it a new secret; the old one signs beside it for 24 hours. `POST /v1/webhook_endpoints/:id/rotate_secret`, with a key of the role secret. */
  readonly rotateWebhookSecret: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    WebhookEndpointWithSecret,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
      | 'webhook_endpoint_not_found'
      | 'webhook_secret_limit'
    >
  >;
  /** List events, newest first. `GET /v1/events`, with a key of the role secret or finance. */
  readonly listEvents: (
    input?: {
      readonly limit?: number;
      readonly starting_after?: string;
      readonly ending_before?: string;
      readonly 'created[gte]'?: string;
      readonly 'created[gt]'?: string;
      readonly 'created[lte]'?: string;
      readonly 'created[lt]'?: string;
      readonly subject?: string;
    },
    options?: Options,
  ) => ResultAsync<
    ListEventsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Read an event. `GET /v1/events/:id`, with a key of the role secret or finance. */
  readonly readEvent: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    Event,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'event_not_found'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Whether endpoints have heard of an event, and each try. `GET /v1/events/:id/deliveries`, with a key of the role secret or finance. */
  readonly listDeliveries: (
    input: { readonly id: string },
    options?: Options,
  ) => ResultAsync<
    ListDeliveriesReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'event_not_found'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  /** Tell of an event again, now. `POST /v1/events/:id/redeliver`, with a key of the role secret. */
  readonly redeliverEvent: (
    input: { readonly id: string } & RedeliverEventBody,
    options?: Options,
  ) => ResultAsync<
    RedeliverEventReply,
    Failure<
      | 'body_too_large'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'event_not_found'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
      | 'webhook_endpoint_disabled'
      | 'webhook_endpoint_not_found'
    >
  >;
}

/** Of one list each: all of its items, page after page. */
export interface Lists {
  readonly listCustomers: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
        readonly email?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListCustomersReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listPaymentMethods: (
    input?: Omit<
      {
        readonly id: string;
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListPaymentMethodsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'customer_not_found'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listPayments: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
        readonly amount?: string;
        readonly 'amount[gte]'?: string;
        readonly 'amount[gt]'?: string;
        readonly 'amount[lte]'?: string;
        readonly 'amount[lt]'?: string;
        readonly customer?: string;
        readonly status?: string;
        readonly currency?: string;
        readonly reference?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListPaymentsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listRefunds: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
        readonly payment?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListRefundsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listContradictions: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
        readonly status?: 'open' | 'resolved';
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListContradictionsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listTransfers: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly account?: string;
        readonly reference?: string;
        readonly kind?:
          | 'debit'
          | 'transfer'
          | 'usage'
          | 'reversal'
          | 'payment'
          | 'refund'
          | 'refund_reversed'
          | 'payment_returned'
          | 'dispute_opened'
          | 'dispute_reinstated'
          | 'dispute_lost'
          | 'dispute_loss_returned'
          | 'second_charge'
          | 'second_charge_returned'
          | 'second_charge_disputed'
          | 'second_charge_dispute_returned'
          | 'fee'
          | 'fee_returned'
          | 'converted_out'
          | 'converted_in'
          | 'payout'
          | 'payout_reversed';
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListTransfersReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listAccounts: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly customer?: string;
        readonly currency?: string;
        readonly kind?:
          'wallet' | 'stripe_clearing' | 'revenue' | 'stripe_fees' | 'disputes' | 'bank' | 'exchange' | 'to_return';
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListAccountsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listEntries: (
    input?: Omit<
      {
        readonly id: string;
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly from?: string;
        readonly to?: string;
        readonly tz?: string;
        readonly order?: 'asc' | 'desc';
        readonly direction?: 'debit' | 'credit';
        readonly category?:
          | 'charge'
          | 'charge_failure'
          | 'refund'
          | 'refund_failure'
          | 'dispute'
          | 'dispute_reversal'
          | 'fee'
          | 'network_cost'
          | 'payout'
          | 'payout_reversal'
          | 'partial_capture_reversal'
          | 'other_adjustment'
          | 'currency_conversion'
          | 'debit'
          | 'usage'
          | 'transfer'
          | 'reversal'
          | 'other';
        readonly payment?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListEntriesReply,
    Failure<
      | 'account_not_found'
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listDisputes: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly payment?: string;
        readonly status?: 'open' | 'won' | 'lost';
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListDisputesReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listPayouts: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly currency?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListPayoutsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listPayoutTransactions: (
    input?: Omit<
      {
        readonly id: string;
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly currency?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListPayoutTransactionsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'payout_not_found'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listBalanceTransactions: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly currency?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
        readonly payout?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListBalanceTransactionsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listWebhookEndpoints: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListWebhookEndpointsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
  readonly listEvents: (
    input?: Omit<
      {
        readonly limit?: number;
        readonly starting_after?: string;
        readonly ending_before?: string;
        readonly 'created[gte]'?: string;
        readonly 'created[gt]'?: string;
        readonly 'created[lte]'?: string;
        readonly 'created[lt]'?: string;
        readonly subject?: string;
      },
      'starting_after' | 'ending_before'
    >,
    options?: Options,
  ) => Page<
    ListEventsReply,
    Failure<
      | 'card_number_refused'
      | 'contention'
      | 'database_unavailable'
      | 'forbidden'
      | 'internal'
      | 'invalid_request'
      | 'overloaded'
      | 'rate_limited'
      | 'unauthenticated'
    >
  >;
}

export const createMethods = (call: Call): Client => ({
  createCustomer: (input, options) => call('POST', '/v1/customers', true, input, options),
  readCustomer: (input, options) => call('GET', '/v1/customers/:id', false, input, options),
  listCustomers: (input, options) => call('GET', '/v1/customers', false, input, options),
  updateCustomer: (input, options) => call('POST', '/v1/customers/:id', false, input, options),
  deleteCustomer: (input, options) => call('DELETE', '/v1/customers/:id', false, input, options),
  readCustomerBalance: (input, options) => call('GET', '/v1/customers/:id/balance', false, input, options),
  listPaymentMethods: (input, options) => call('GET', '/v1/customers/:id/payment_methods', false, input, options),
  attachPaymentMethod: (input, options) => call('POST', '/v1/customers/:id/payment_methods', true, input, options),
  detachPaymentMethod: (input, options) => call('DELETE', '/v1/payment_methods/:id', false, input, options),
  createSetup: (input, options) => call('POST', '/v1/setups', true, input, options),
  confirmSetup: (input, options) => call('POST', '/v1/setups/:id/confirm', true, input, options),
  readSetup: (input, options) => call('GET', '/v1/setups/:id', false, input, options),
  createPayment: (input, options) => call('POST', '/v1/payments', true, input, options),
  confirmPayment: (input, options) => call('POST', '/v1/payments/:id/confirm', true, input, options),
  readPayment: (input, options) => call('GET', '/v1/payments/:id', false, input, options),
  listPayments: (input, options) => call('GET', '/v1/payments', false, input, options),
  updatePayment: (input, options) => call('POST', '/v1/payments/:id', true, input, options),
  capturePayment: (input, options) => call('POST', '/v1/payments/:id/capture', true, input, options),
  cancelPayment: (input, options) => call('POST', '/v1/payments/:id/cancel', true, input, options),
  readPaymentTimeline: (input, options) => call('GET', '/v1/payments/:id/timeline', false, input, options),
  createRefund: (input, options) => call('POST', '/v1/refunds', true, input, options),
  readRefund: (input, options) => call('GET', '/v1/refunds/:id', false, input, options),
  listRefunds: (input, options) => call('GET', '/v1/refunds', false, input, options),
  listContradictions: (input, options) => call('GET', '/v1/contradictions', false, input, options),
  resolveContradiction: (input, options) => call('POST', '/v1/contradictions/:id/resolve', false, input, options),
  createDebit: (input, options) => call('POST', '/v1/debits', true, input, options),
  createTransfer: (input, options) => call('POST', '/v1/transfers', true, input, options),
  createBulkTransfer: (input, options) => call('POST', '/v1/transfers/bulk', true, input, options),
  readTransfer: (input, options) => call('GET', '/v1/transfers/:id', false, input, options),
  listTransfers: (input, options) => call('GET', '/v1/transfers', false, input, options),
  reverseTransfer: (input, options) => call('POST', '/v1/transfers/:id/reverse', true, input, options),
  quoteUsage: (input, options) => call('POST', '/v1/usage/quote', false, input, options),
  spendUsage: (input, options) => call('POST', '/v1/usage', true, input, options),
  createItem: (input, options) => call('POST', '/v1/items', true, input, options),
  readItem: (input, options) => call('GET', '/v1/items/:id', false, input, options),
  listAccounts: (input, options) => call('GET', '/v1/accounts', false, input, options),
  readAccount: (input, options) => call('GET', '/v1/accounts/:id', false, input, options),
  readAccountBalance: (input, options) => call('GET', '/v1/accounts/:id/balance', false, input, options),
  listEntries: (input, options) => call('GET', '/v1/accounts/:id/entries', false, input, options),
  readStatement: (input, options) => call('GET', '/v1/accounts/:id/statement', false, input, options),
  queryBalances: (input, options) => call('POST', '/v1/balances/query', false, input, options),
  readTrialBalance: (input, options) => call('GET', '/v1/trial_balance', false, input, options),
  readActivity: (input, options) => call('GET', '/v1/activity', false, input, options),
  readDispute: (input, options) => call('GET', '/v1/disputes/:id', false, input, options),
  listDisputes: (input, options) => call('GET', '/v1/disputes', false, input, options),
  readPayout: (input, options) => call('GET', '/v1/payouts/:id', false, input, options),
  listPayouts: (input, options) => call('GET', '/v1/payouts', false, input, options),
  listPayoutTransactions: (input, options) =>
    call('GET', '/v1/payouts/:id/balance_transactions', false, input, options),
  listBalanceTransactions: (input, options) => call('GET', '/v1/balance_transactions', false, input, options),
  readProof: (input, options) => call('GET', '/v1/ledger/proof', false, input, options),
  listPeriods: (input, options) => call('GET', '/v1/ledger/periods', false, input, options),
  closePeriod: (input, options) => call('POST', '/v1/ledger/periods', false, input, options),
  readVolume: (input, options) => call('GET', '/v1/volume', false, input, options),
  createWebhookEndpoint: (input, options) => call('POST', '/v1/webhook_endpoints', false, input, options),
  listWebhookEndpoints: (input, options) => call('GET', '/v1/webhook_endpoints', false, input, options),
  readWebhookEndpoint: (input, options) => call('GET', '/v1/webhook_endpoints/:id', false, input, options),
  updateWebhookEndpoint: (input, options) => call('POST', '/v1/webhook_endpoints/:id', false, input, options),
  deleteWebhookEndpoint: (input, options) => call('DELETE', '/v1/webhook_endpoints/:id', false, input, options),
  rotateWebhookSecret: (input, options) =>
    call('POST', '/v1/webhook_endpoints/:id/rotate_secret', false, input, options),
  listEvents: (input, options) => call('GET', '/v1/events', false, input, options),
  readEvent: (input, options) => call('GET', '/v1/events/:id', false, input, options),
  listDeliveries: (input, options) => call('GET', '/v1/events/:id/deliveries', false, input, options),
  redeliverEvent: (input, options) => call('POST', '/v1/events/:id/redeliver', false, input, options),
});

export const createLists = (list: List): Lists => ({
  listCustomers: (input, options) => list('/v1/customers', input, options),
  listPaymentMethods: (input, options) => list('/v1/customers/:id/payment_methods', input, options),
  listPayments: (input, options) => list('/v1/payments', input, options),
  listRefunds: (input, options) => list('/v1/refunds', input, options),
  listContradictions: (input, options) => list('/v1/contradictions', input, options),
  listTransfers: (input, options) => list('/v1/transfers', input, options),
  listAccounts: (input, options) => list('/v1/accounts', input, options),
  listEntries: (input, options) => list('/v1/accounts/:id/entries', input, options),
  listDisputes: (input, options) => list('/v1/disputes', input, options),
  listPayouts: (input, options) => list('/v1/payouts', input, options),
  listPayoutTransactions: (input, options) => list('/v1/payouts/:id/balance_transactions', input, options),
  listBalanceTransactions: (input, options) => list('/v1/balance_transactions', input, options),
  listWebhookEndpoints: (input, options) => list('/v1/webhook_endpoints', input, options),
  listEvents: (input, options) => list('/v1/events', input, options),
});

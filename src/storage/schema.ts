/**
 * Written by "npm run db:schema", never by hand. A timestamp is read as microseconds since 1970.
 */
import type { Generated } from 'kysely';

export interface DB {
  accounts: {
    merchant_id: string;
    id: string;
    kind: string;
    customer_id: string | null;
    currency: string;
    debits: Generated<bigint>;
    credits: Generated<bigint>;
    pending: Generated<bigint>;
    sequence: Generated<bigint>;
    posted_at: bigint;
    created_at: Generated<bigint>;
  };

  api_keys: {
    merchant_id: string;
    id: string;
    role: string;
    prefix: string;
    hash: Buffer;
    created_at: Generated<bigint>;
    revoked_at: bigint | null;
  };

  attempts: {
    merchant_id: string;
    id: string;
    payment_id: string;
    kind: string;
    payment_method: string | null;
    amount: bigint | null;
    refund_id: string | null;
    claim_id: string | null;
    request_id: string;
    reply_status: number;
    shows_secret: boolean;
    owned_until: bigint;
    fence: number;
    started_at: bigint;
    outcome: string | null;
    stripe_request_id: string | null;
    settled_at: bigint | null;
    seen_to: string | null;
    trouble: string | null;
    reason: string | null;
    stripe_key: string | null;
    leased_until: bigint | null;
    in_page: Generated<boolean>;
    stripe_customer: string | null;
    used_for: string | null;
  };

  balance_transactions: {
    merchant_id: string;
    id: string;
    payment_id: string;
    kind: string;
    source: string;
    gross: bigint;
    fee: bigint;
    currency: string;
    charged: bigint;
    charged_currency: string;
    payout: string | null;
    created_at: bigint;
    posted_at: bigint;
  };

  balance_windows: {
    created_from: bigint;
    created_to: bigint;
    after: string | null;
    reads: Generated<number>;
    due_at: bigint | null;
  };

  batches: { id: string; created_at: Generated<bigint>; is_fence: Generated<boolean> };

  claims: {
    merchant_id: string;
    id: string;
    key: string;
    operation: string;
    request_hash: string;
    status: number | null;
    body: string | null;
    created_at: bigint;
  };

  console_sessions: { merchant_id: string; hash: Buffer; key_id: string; expires_at: bigint };

  contradictions: {
    id: string;
    merchant_id: string | null;
    kind: string;
    payment_id: string | null;
    subject: string;
    amount: bigint | null;
    currency: string | null;
    detail: string;
    seen_at: bigint;
    resolved_at: bigint | null;
    resolution: string | null;
  };

  customers: {
    merchant_id: string;
    id: string;
    name: string | null;
    email: string | null;
    metadata: unknown;
    created_at: bigint;
    erased_at: bigint | null;
  };

  deliveries: {
    merchant_id: string;
    event_id: string;
    endpoint_id: string;
    status: Generated<string>;
    tries: Generated<number>;
    step: Generated<number>;
    next_try_at: bigint | null;
  };

  delivery_tries: {
    merchant_id: string;
    event_id: string;
    endpoint_id: string;
    number: number;
    started_at: bigint;
    latency_ms: number;
    status_code: number | null;
    error: string | null;
  };

  disputes: {
    merchant_id: string;
    id: string;
    payment_id: string;
    amount: bigint;
    currency: string;
    status: string;
    reason: string | null;
    stripe_id: string;
    created_at: bigint;
    withdrawn: Generated<bigint>;
    reinstated: Generated<bigint>;
    lines: Generated<string[]>;
    lost: Generated<bigint>;
    turns: Generated<number>;
  };

  erasures: { merchant_id: string; customer_id: string; requested_at: bigint; done_at: bigint | null };

  event_windows: {
    created_from: bigint;
    created_to: bigint;
    after: string | null;
    reads: Generated<number>;
    due_at: bigint | null;
  };

  events: {
    merchant_id: string;
    id: string;
    type: string;
    subject: string;
    data: unknown;
    created_at: bigint;
    fanned_out: Generated<boolean>;
  };

  intent_windows: {
    created_from: bigint;
    created_to: bigint;
    after: string | null;
    reads: Generated<number>;
    due_at: bigint | null;
  };

  intents: { id: string; merchant_id: string; payment_id: string };

  items: {
    merchant_id: string;
    id: string;
    name: string;
    unit_price: string;
    currency: string;
    created_at: Generated<bigint>;
  };

  merchants: { id: string; name: string; created_at: Generated<bigint> };

  payment_methods: {
    merchant_id: string;
    id: string;
    customer_id: string;
    type: string;
    card: unknown;
    created_at: bigint;
    detached: Generated<boolean>;
  };

  payments: {
    merchant_id: string;
    id: string;
    customer_id: string;
    amount: bigint;
    amount_captured: Generated<bigint>;
    amount_refunded: Generated<bigint>;
    currency: string;
    status: string;
    payment_method: string | null;
    capture_method: string;
    return_url: string | null;
    description: string | null;
    metadata: unknown;
    client_secret: string;
    next_action: unknown;
    last_error: unknown;
    intent: string | null;
    attempt: string | null;
    refunds_pending: Generated<bigint>;
    created_at: bigint;
    ended_attempt: string | null;
    may_exist: Generated<boolean>;
    reference: string | null;
    unpaid_status: string | null;
    amount_returned: Generated<bigint>;
  };

  payouts: {
    merchant_id: string;
    id: string;
    currency: string;
    amount: bigint;
    status: string;
    returned_in: string | null;
    created_at: bigint;
  };

  periods: {
    merchant_id: string;
    number: number;
    state: string;
    ends: bigint;
    asked: string;
    tz: string;
    sequence: bigint | null;
    hash: Buffer | null;
    file: string | null;
    created_at: bigint;
    closed_at: bigint | null;
  };

  proof_requests: { merchant_id: string; asked_at: bigint };

  proofs: { merchant_id: string; whole: boolean; proved_at: bigint; proved_to: bigint; checks: unknown };

  refunds: {
    merchant_id: string;
    id: string;
    payment_id: string;
    amount: bigint;
    currency: string;
    status: string;
    reason: string | null;
    failure_reason: string | null;
    stripe_id: string | null;
    created_at: bigint;
    posted: Generated<boolean>;
    reversed: Generated<boolean>;
    held_at: bigint | null;
    freed_at: bigint | null;
  };

  seals: {
    merchant_id: string;
    number: bigint;
    posted_from: bigint;
    posted_to: bigint;
    sequence: bigint;
    hash: Buffer;
    digests: Buffer;
    sealed_at: bigint;
  };

  second_charges: {
    merchant_id: string;
    id: string;
    payment_id: string;
    currency: string;
    received: bigint;
    returned: Generated<bigint>;
  };

  setups: {
    merchant_id: string;
    id: string;
    customer_id: string;
    status: string;
    payment_method: string | null;
    return_url: string | null;
    client_secret: string;
    next_action: unknown;
    last_error: unknown;
    intent: string;
    created_at: bigint;
    tries: Generated<number>;
    tried_since: bigint | null;
  };

  signing_keys: { id: string; public_key: string; private_key: string; created_at: bigint };

  stripe_customers: {
    merchant_id: string;
    id: string;
    stripe_id: string | null;
    default_method: string | null;
    tries: number;
    asked_at: bigint;
  };

  stripe_events: {
    id: string;
    type: string;
    payload: unknown;
    payment_id: string | null;
    received_at: bigint;
    applied_at: bigint | null;
    outcome: string | null;
    owned_until: bigint;
    tries: Generated<number>;
  };

  stripe_payouts: {
    id: string;
    told: Generated<number>;
    tries: Generated<number>;
    after: string | null;
    listed: Generated<boolean>;
    outcome: string | null;
    due_at: bigint | null;
  };

  transfers: {
    merchant_id: string;
    id: string;
    kind: string;
    debit: string;
    credit: string;
    amount: bigint;
    currency: string;
    description: string | null;
    payment_id: string | null;
    posted_at: bigint;
    debit_sequence: bigint;
    credit_sequence: bigint;
    debit_balance_after: bigint;
    credit_balance_after: bigint;
    reference: string | null;
    metadata: unknown;
    reverses: string | null;
    reason: string | null;
    effective_date: string | null;
  };

  unknown_balance_transactions: {
    id: string;
    kind: string;
    source: string | null;
    gross: bigint;
    fee: bigint;
    currency: string;
    payout: string | null;
    created_at: bigint;
    seen_at: bigint;
  };

  webhook_endpoints: {
    merchant_id: string;
    id: string;
    url: string;
    description: string | null;
    enabled_events: string[];
    status: string;
    secret: string;
    previous_secret: string | null;
    previous_secret_until: bigint | null;
    failing_since: bigint | null;
    created_at: bigint;
    paused_until: bigint | null;
  };

  webhook_retired_secrets: { merchant_id: string; endpoint_id: string; secret: string; signs_until: bigint };
}

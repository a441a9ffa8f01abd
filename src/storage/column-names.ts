/** Written by "npm run db:schema", never by hand: the columns of each table. */
import type { DB } from './schema.ts';

export const COLUMN_NAMES: Readonly<Record<keyof DB, string>> = {
  accounts: 'merchant_id id kind customer_id currency debits credits pending sequence posted_at created_at',
  api_keys: 'merchant_id id role prefix hash created_at revoked_at',
  attempts:
    'merchant_id id payment_id kind payment_method amount refund_id claim_id request_id reply_status shows_secret owned_until fence started_at outcome stripe_request_id settled_at seen_to trouble reason stripe_key leased_until in_page stripe_customer used_for',
  balance_transactions:
    'merchant_id id payment_id kind source gross fee currency charged charged_currency payout created_at posted_at',
  balance_windows: 'created_from created_to after reads due_at',
  batches: 'id created_at is_fence',
  claims: 'merchant_id id key operation request_hash status body created_at',
  console_sessions: 'merchant_id hash key_id expires_at',
  contradictions: 'id merchant_id kind payment_id subject amount currency detail seen_at resolved_at resolution',
  customers: 'merchant_id id name email metadata created_at erased_at',
  deliveries: 'merchant_id event_id endpoint_id status tries step next_try_at',
  delivery_tries: 'merchant_id event_id endpoint_id number started_at latency_ms status_code error',
  disputes:
    'merchant_id id payment_id amount currency status reason stripe_id created_at withdrawn reinstated lines lost turns',
  erasures: 'merchant_id customer_id requested_at done_at',
  event_windows: 'created_from created_to after reads due_at',
  events: 'merchant_id id type subject data created_at fanned_out',
  intent_windows: 'created_from created_to after reads due_at',
  intents: 'id merchant_id payment_id',
  items: 'merchant_id id name unit_price currency created_at',
  merchants: 'id name created_at',
  payment_methods: 'merchant_id id customer_id type card created_at detached',
  payments:
    'merchant_id id customer_id amount amount_captured amount_refunded currency status payment_method capture_method return_url description metadata client_secret next_action last_error intent attempt refunds_pending created_at ended_attempt may_exist reference unpaid_status amount_returned',
  payouts: 'merchant_id id currency amount status returned_in created_at',
  periods: 'merchant_id number state ends asked tz sequence hash file created_at closed_at',
  proof_requests: 'merchant_id asked_at',
  proofs: 'merchant_id whole proved_at proved_to checks',
  refunds:
    'merchant_id id payment_id amount currency status reason failure_reason stripe_id created_at posted reversed held_at freed_at',
  seals: 'merchant_id number posted_from posted_to sequence hash digests sealed_at',
  second_charges: 'merchant_id id payment_id currency received returned',
  setups:
    'merchant_id id customer_id status payment_method return_url client_secret next_action last_error intent created_at tries tried_since',
  signing_keys: 'id public_key private_key created_at',
  stripe_customers: 'merchant_id id stripe_id default_method tries asked_at',
  stripe_events: 'id type payload payment_id received_at applied_at outcome owned_until tries',
  stripe_payouts: 'id told tries after listed outcome due_at',
  transfers:
    'merchant_id id kind debit credit amount currency description payment_id posted_at debit_sequence credit_sequence debit_balance_after credit_balance_after reference metadata reverses reason effective_date',
  unknown_balance_transactions: 'id kind source gross fee currency payout created_at seen_at',
  webhook_endpoints:
    'merchant_id id url description enabled_events status secret previous_secret previous_secret_until failing_since created_at paused_until',
  webhook_retired_secrets: 'merchant_id endpoint_id secret signs_until',
};

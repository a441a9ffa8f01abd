/**
 * What Stripe has and the sandbox has not. It answers with the name, so that nobody looks for a mistake of their own:
 * `param` names a parameter, and the code is `sandbox_leaves_out`, which Stripe never sends.
 */

/** The first part of the path of Stripe's other resources, each with what it belongs to. */
const RESOURCES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    Connect: [
      'account',
      'accounts',
      'account_links',
      'account_sessions',
      'application_fees',
      'external_accounts',
      'country_specs',
      'transfers',
    ],
    Billing: [
      ...['billing', 'billing_portal', 'credit_notes', 'coupons', 'invoices', 'invoiceitems', 'invoice_payments'],
      ...['invoice_rendering_templates', 'plans', 'promotion_codes', 'quotes', 'subscriptions', 'subscription_items'],
      ...['subscription_schedules', 'entitlements'],
    ],
    'products and prices': ['products', 'prices', 'shipping_rates', 'tax_codes', 'tax_rates', 'tax_ids', 'tax'],
    Checkout: [
      'checkout',
      'payment_links',
      'payment_method_configurations',
      'payment_method_domains',
      'payment_records',
      'payment_attempt_records',
      'customer_sessions',
    ],
    'other products': [
      ...['apps', 'apple_pay', 'climate', 'crypto', 'ephemeral_keys', 'exchange_rates', 'file_links', 'files'],
      ...['financial_connections', 'forwarding', 'identity', 'issuing', 'link_account_sessions', 'linked_accounts'],
      ...[
        'mandates',
        'reporting',
        'reviews',
        'sigma',
        'sources',
        'terminal',
        'topups',
        'treasury',
        'radar',
        'balance_settings',
      ],
    ],
  }).flatMap(([product, names]) => names.map((name) => [name, product] as const)),
);

/** All of them, for a person to read. */
export const PRODUCTS_LEFT_OUT: readonly string[] = ['version 2 of the API', ...new Set(RESOURCES.values())];

/** Parts of the resources that the sandbox has, by the shape of their paths. */
const PARTS: readonly (readonly [RegExp, string])[] = [
  [/^\/v2\//, 'version 2 of the API'],
  [/^\/v1\/charges$/, 'charges without a payment intent'],
  [/^\/v1\/charges\/[^/]+\/(capture|dispute|refund|refunds)/, 'charges without a payment intent'],
  [/^\/v1\/payment_intents\/[^/]+\/increment_authorization$/, 'incremental authorizations'],
  [/^\/v1\/(payment|setup)_intents\/[^/]+\/verify_microdeposits$/, 'bank debits'],
  [
    /^\/v1\/payment_intents\/[^/]+\/(apply_customer_balance|amount_details_line_items)$/,
    'customer balances and line items',
  ],
  [
    /^\/v1\/customers\/[^/]+\/(balance_transactions|cash_balance|cash_balance_transactions|funding_instructions)/,
    'customer balances',
  ],
  [
    /^\/v1\/customers\/[^/]+\/(bank_accounts|cards|sources|subscriptions|tax_ids|discount)/,
    'what customers had before payment methods',
  ],
  [/^\/v1\/payouts\/[^/]+\/reverse$/, 'reversals of payouts'],
  [/^\/v1\/test_helpers\//, 'this test helper'],
];

/** What the resource of a path belongs to, where it is one that the sandbox leaves out. */
export const productLeftOut = (path: string): string | undefined =>
  PARTS.find(([shape]) => shape.test(path))?.[1] ?? RESOURCES.get(path.split('/')[2] ?? '');

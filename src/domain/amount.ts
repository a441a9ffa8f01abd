/** The largest amount of one request, in minor units: twelve digits, which is Stripe's own limit. */
export const AMOUNT_MAX = 999_999_999_999n;

/**
 * Cards that may be tried on one payment, or one setup, in an hour: more than any customer has. Who tests stolen cards tries
 * hundreds. https://docs.stripe.com/disputes/prevention/card-testing
 */
export const TRIES_MAX = 10;
export const TRIES_WITHIN_MS = 3_600_000;

/** The names of the tags by which objects at Stripe are known as ours. */
export const PAYMENT_TAG = 'quittance_payment';
export const MERCHANT_TAG = 'quittance_merchant';
export const REFUND_TAG = 'quittance_refund';

/** Whether a tag is one of ours, and not one that says who somebody is. */
export const isOurTag = (name: string): boolean => name.startsWith('quittance_');

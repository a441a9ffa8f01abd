/** The promises that the judge asks after. */

/** A promise that was broken: which, by what, and how. */
export interface Violation {
  readonly rule: Rule;
  readonly subject: string;
  readonly detail: string;
}

export const RULES = {
  charge_without_payment: 'Whatever Stripe has charged is a succeeded payment here, of the same amount.',
  payment_without_charge: 'Whatever is a succeeded payment here, Stripe has charged.',
  charged_twice: 'The service has made no payment two successful charges, or two PaymentIntents.',
  amounts_differ: 'A payment, its charge and its posting are the same amount.',
  posted_once: 'A succeeded payment has exactly one posting, and no other payment has any.',
  refunds_differ: 'What was refunded is the same at Stripe, in the payment, in its refunds and in the ledger.',
  intent_differs: 'A payment names a PaymentIntent of its own, and is held, canceled or processing as it is.',
  wallet_differs: 'What a payment has left in its wallet is what Stripe has of it, less what went back.',
  disputes_differ:
    'What a dispute took, gave back and kept is here to the cent, and no more is left among the disputes.',
  second_charges_differ: 'What a second charge took, and gave back, is what is to be returned.',
  holds: 'A wallet holds back what its refunds under way will take, and nothing else.',
  told_once: 'A succeeded payment has exactly one event that tells of it.',
  balance_differs: "What Stripe's balance says of a payment is here to the cent, and its fee is posted once.",
  clearing_differs:
    'What Stripe owes a merchant, in each currency, is what stripe_clearing says, once all of it was read.',
  payouts_differ:
    'A payout is split by its balance transactions: the shares, and what was posted of them, are their sums.',
  saved_differs:
    'What customers have saved is here as it is at Stripe: each has one customer there, with what is attached to him.',
  sum_zero: 'The sum over all accounts of a merchant and a currency is zero.',
  account_sums: "An account's debits, credits and sequence are the sums of its transfers.",
  running_balance: "Each transfer's balances and sequence follow from the one before; posting times only grow.",
  returns_differ: 'What a bank has returned of a debit that was paid is here to the cent, and posted once.',
  wallet_negative:
    'No wallet is, or was, further below zero than Stripe alone took it: by disputes lost, debits returned, and refunds made there.',
  reply_lost: 'Every final reply that a client saw is stored under its key, byte for byte, but for who was erased.',
  reply_untrue: 'Every success that a client was told of is in the tables.',
  stuck: 'No claim, attempt or payment still waits, 30 seconds after Stripe knew the outcome.',
} as const;
export type Rule = keyof typeof RULES;

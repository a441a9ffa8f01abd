/** What each route takes: from what a caller sends to what an operation is given. */
import * as details from './payment-details.ts';
import * as s from './schemas.ts';
import { z } from 'zod';
import type {
  AccountId,
  ContradictionId,
  CustomerId,
  DisputeId,
  ItemId,
  PaymentId,
  RefundId,
  SetupId,
  TransferId,
} from '../domain/ids.ts';
import type { NewCustomer } from '../ledger/customer.ts';
import type { ConfirmPayment } from '../payments/confirm.ts';
import type { CreatePayment } from '../payments/create.ts';
import type { CreateRefund } from '../payments/refund.ts';
import type { AttachMethod } from '../payments/saved.ts';
import type { ConfirmSetup, CreateSetup } from '../payments/setup.ts';
import type { ContradictionFilter } from '../storage/contradictions.ts';
import type { Page } from '../storage/pages.ts';
import type { PaymentFilter } from '../storage/payment-list.ts';
import type { CustomerFilter, CustomerUpdate } from '../storage/people.ts';
import type { RefundFilter } from '../storage/reads.ts';
import type { PaymentUpdate } from '../domain/update.ts';

export const customer: z.ZodType<NewCustomer> = z.strictObject({
  name: s.optional(s.text(200)),
  email: s.optional(s.text(320)),
  metadata: s.metadata.default({}),
});

export const customerUpdate: z.ZodType<CustomerUpdate & { readonly default_payment_method?: string }> = z.strictObject({
  name: s.text(200).nullable().exactOptional(),
  email: s.text(320).nullable().exactOptional(),
  metadata: s.metadataUpdate.exactOptional(),
  default_payment_method: s.paymentMethod
    .describe('What a new payment charges where it names none; one that was tried keeps its own.')
    .exactOptional(),
});

export const customers: z.ZodType<CustomerFilter> = z
  .strictObject({
    ...s.page('cus'),
    ...s.created,
    email: s.text(320).optional().describe('All of it, in the letters in which it was given: Ada@ is not ada@.'),
  })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ email, ...rest }) => ({ ...s.toPage(rest), email }));

/** With what a payment is paid, and how its customer would meet a challenge of his bank. */
const paying = {
  payment_method: s.optional(s.paymentMethod),
  confirmation_token: s.optional(s.confirmationToken).describe('Of Stripe.js, in the place of `payment_method`.'),
  return_url: s.optional(s.returnUrl).describe('Where the bank sends the customer back to.'),
  next_action: z
    .literal('stripe_js')
    .optional()
    .describe(
      'The page meets a challenge by itself, with `handleNextAction` of Stripe.js, and sends nobody elsewhere.',
    ),
};

const SAVE = z
  .boolean()
  .default(false)
  .describe('Keeps the one that pays: it may then be charged while its owner is away.');

interface Paying {
  readonly payment_method: string | null;
  readonly confirmation_token: string | null;
  readonly return_url: string | null;
  readonly next_action?: 'stripe_js' | undefined;
}

const isOneMethod = ({ payment_method, confirmation_token }: Paying): boolean =>
  payment_method === null || confirmation_token === null;
const ONE_METHOD = s.rule('confirmation_token', 'It stands in the place of payment_method, not beside it.');

const payingOf = ({
  payment_method,
  confirmation_token,
  return_url,
  next_action,
}: Paying): Pick<CreatePayment, 'paymentMethod' | 'returnUrl' | 'inPage'> => ({
  paymentMethod: payment_method ?? confirmation_token,
  returnUrl: return_url,
  // Absent where it is not asked for: what the release before has kept a hash of is understood as it was then.
  ...(next_action === undefined ? {} : { inPage: true }),
});

export const payment: z.ZodType<CreatePayment> = z
  .strictObject({
    customer: s.id('cus'),
    amount: s.amount,
    currency: s.currency,
    ...paying,
    payment_method: paying.payment_method.describe(
      "Of Stripe.js, or one that is saved; with `confirm`, the customer's default where none is named.",
    ),
    confirm: z.boolean().default(false).describe('Charges it at once.'),
    save_payment_method: SAVE,
    off_session: z.boolean().default(false).describe('The customer is away: his bank cannot ask him anything.'),
    capture_method: z
      .enum(['automatic', 'manual'])
      .default('automatic')
      .describe('`manual` holds the amount on the card until it is captured.'),
    ...details.given,
  })
  .refine(
    s.isChargeable,
    s.rule(
      'amount',
      'Cards are not charged this amount: a fraction that the currency has not, or more than Stripe takes.',
    ),
  )
  .refine(isOneMethod, ONE_METHOD)
  .refine(
    ({ confirm, next_action }) => confirm || next_action === undefined,
    s.rule('next_action', 'It says how a challenge is met, and stands beside confirm.'),
  )
  .refine(
    ({ confirm, save_payment_method }) => confirm || !save_payment_method,
    s.rule('save_payment_method', 'It stands beside confirm: what pays is kept.'),
  )
  .refine(
    ({ confirm, off_session }) => confirm || !off_session,
    s.rule('off_session', 'It says who is there when it is charged, and stands beside confirm.'),
  )
  .refine(
    ({ off_session, save_payment_method, next_action }) =>
      !off_session || (!save_payment_method && next_action === undefined),
    s.rule('off_session', 'The customer is away: leave out save_payment_method and next_action, which need him.'),
  )
  .transform(({ capture_method, payment_method, confirmation_token, return_url, next_action, ...rest }) => {
    const { customer, amount, currency, confirm, save_payment_method, off_session, ...said } = rest;
    return {
      ...{ customer, amount, currency, confirm },
      ...details.toDetails(said),
      ...payingOf({ payment_method, confirmation_token, return_url, next_action }),
      ...usedFor(save_payment_method ? 'save' : off_session ? 'off_session' : undefined),
      captureMethod: capture_method,
    };
  });

/** Absent where it is not asked for: what the release before has kept a hash of is understood as it was then. */
const usedFor = <Use extends 'save' | 'off_session'>(use: Use | undefined): { readonly usedFor?: Use } =>
  use === undefined ? {} : { usedFor: use };

type Confirmation = Omit<ConfirmPayment, 'payment' | 'access'> & { readonly clientSecret: string | null };

export const confirmation: z.ZodType<Confirmation> = z
  .strictObject({
    ...paying,
    payment_method: paying.payment_method.describe(
      "What this payment was last tried with where none is named; never the customer's default.",
    ),
    client_secret: s.optional(s.text(200)),
    save_payment_method: SAVE,
  })
  .refine(isOneMethod, ONE_METHOD)
  .transform(({ client_secret, save_payment_method, ...how }) => ({
    ...payingOf(how),
    ...usedFor(save_payment_method ? 'save' : undefined),
    clientSecret: client_secret,
  }));

export const attachment: z.ZodType<Omit<AttachMethod, 'customer'>> = z
  .strictObject({ payment_method: s.paymentMethod, default: z.boolean().default(false) })
  .transform(({ payment_method, default: isDefault }) => ({ paymentMethod: payment_method, isDefault }));

/** Stripe's ids are those of payment methods alone. */
export const methods: z.ZodType<Page<string>> = z
  .strictObject({
    limit: s.page('pm').limit,
    starting_after: s.paymentMethod.optional(),
    ending_before: s.paymentMethod.optional(),
  })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ limit, starting_after, ending_before }) => s.toPage({ limit, starting_after, ending_before }));

export const setup: z.ZodType<CreateSetup> = z
  .strictObject({ customer: s.id('cus'), ...paying, confirm: z.boolean().default(false) })
  .refine(isOneMethod, ONE_METHOD)
  .refine(
    ({ confirm, next_action }) => confirm || next_action === undefined,
    s.rule('next_action', 'It says how a challenge is met, and stands beside confirm.'),
  )
  .refine(
    ({ confirm, confirmation_token }) => confirm || confirmation_token === null,
    s.rule('confirmation_token', 'It is for a confirmation, and stands beside confirm.'),
  )
  .transform(({ customer: of, confirm, ...how }) => ({ ...payingOf(how), customer: of, confirm }));

type SetupConfirmation = Omit<ConfirmSetup, 'setup' | 'access'> & { readonly clientSecret: string | null };

export const setupConfirmation: z.ZodType<SetupConfirmation> = z
  .strictObject({ ...paying, client_secret: s.optional(s.text(200)) })
  .refine(isOneMethod, ONE_METHOD)
  .transform(({ client_secret, ...how }) => ({ ...payingOf(how), clientSecret: client_secret }));

export const paymentUpdate: z.ZodType<PaymentUpdate> = z.strictObject({
  amount: s.amount.exactOptional(),
  ...details.changed,
});

export const capture: z.ZodType<{ amount: bigint | null }> = z.strictObject({ amount: s.optional(s.amount) });
export const empty: z.ZodType<Record<string, never>> = z.strictObject({});

export const refund: z.ZodType<CreateRefund> = z.strictObject({
  payment: s.id('pay'),
  amount: s.optional(s.amount),
  reason: s.optional(z.enum(['duplicate', 'fraudulent', 'requested_by_customer'])),
});

export const refunds: z.ZodType<RefundFilter> = z
  .strictObject({ ...s.page('re'), ...s.created, payment: s.id('pay').optional() })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ payment: of, ...rest }) => ({ ...s.toPage(rest), payment: of }));

export const contradictions: z.ZodType<ContradictionFilter> = z
  .strictObject({ ...s.page('ctr'), ...s.created, status: z.enum(['open', 'resolved']).optional() })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ status, ...rest }) => ({ ...s.toPage(rest), status }));

/** What was done about it, for whoever asks later. */
export const resolution: z.ZodType<{ reason: string }> = z.strictObject({ reason: s.text(1000) });

export const payments: z.ZodType<PaymentFilter> = z
  .strictObject({
    ...s.page('pay'),
    ...s.created,
    ...s.amounts,
    customer: s.id('cus').optional(),
    status: s.paymentStatuses.optional(),
    currency: s.currency.optional(),
    reference: s.reference.optional(),
  })
  .refine(s.isOneDirection, s.ONE_DIRECTION)
  .transform(({ customer: of, status, currency, reference, ...rest }) => ({
    ...s.toPage(rest),
    ...{ customer: of, statuses: status, currency, reference },
    amount: s.toRange(rest),
  }));

export const ofCustomer: z.ZodType<{ id: CustomerId }> = z.strictObject({ id: s.id('cus') });
export const ofPayment: z.ZodType<{ id: PaymentId }> = z.strictObject({ id: s.id('pay') });
export const ofSetup: z.ZodType<{ id: SetupId }> = z.strictObject({ id: s.id('set') });
export const ofMethod: z.ZodType<{ id: string }> = z.strictObject({ id: s.paymentMethod });
export const ofRefund: z.ZodType<{ id: RefundId }> = z.strictObject({ id: s.id('re') });
export const ofTransfer: z.ZodType<{ id: TransferId }> = z.strictObject({ id: s.id('tr') });
export const ofDispute: z.ZodType<{ id: DisputeId }> = z.strictObject({ id: s.id('dp') });
export const ofPayout: z.ZodType<{ id: string }> = z.strictObject({ id: s.stripeId('po') });
export const ofContradiction: z.ZodType<{ id: ContradictionId }> = z.strictObject({ id: s.id('ctr') });
export const ofAccount: z.ZodType<{ id: AccountId }> = z.strictObject({ id: s.id('acct') });
export const ofItem: z.ZodType<{ id: ItemId }> = z.strictObject({ id: s.itemId });
export const withSecret: z.ZodType<{ clientSecret: string | null }> = z
  .strictObject({ client_secret: s.optional(s.text(200)) })
  .transform(({ client_secret }) => ({ clientSecret: client_secret }));

export * from './ledger-requests.ts';

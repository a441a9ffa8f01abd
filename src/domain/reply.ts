/**
 * What the API shows: resources and errors as JSON. Pure, and here rather than in `http/`, because a reply is stored in
 * the commit that it tells of, and a sweeper may write the reply of a request that has long hung up.
 */
import { err, ok } from 'neverthrow';
import { ERRORS, paymentError, statusOf, withDetail, type ErrorCode, type PaymentError } from '../error.ts';
import { available, posted, type Account, type PastBalance } from './account.ts';
import type { Answer, Customer, Item, Reply } from './change.ts';
import { categoryOf } from './category.ts';
import { asOfText, instantText, type Cut } from './cut.ts';
import { exponentOf, toDecimal, type Currency } from './currency.ts';
import type { AccountId } from './ids.ts';
import type { Dispute, LastError, NextAction, Payment, Refund } from './payment.ts';
import { detailsView, NOTHING_SAID } from './payment-details.ts';
import type { Holder, SavedMethod } from './saved.ts';
import type { Setup } from './setup.ts';
import type { Entry, Statement } from './entry.ts';
import { toIso, toIsoMicros, type Micros } from './time.ts';
import type { PostedTransfer } from './transfer.ts';
import type { AccountView, BalanceFields, BalanceView, EntryView, StatementView } from './ledger-views.ts';
import type {
  CustomerView,
  DisputeView,
  ErrorView,
  ItemView,
  ListView,
  NextActionView,
  PaymentMethodView,
  PaymentView,
  RefundView,
  SetupView,
  TransferView,
} from './views.ts';

/** A reply of any resource. */
export const jsonReply = <View extends object>(status: number, resource: View): Reply<View> => ({
  status,
  body: JSON.stringify(resource),
});

/** A page of a list, as Stripe shows it. */
export const listView = <Item>(url: string, data: readonly Item[], hasMore: boolean): ListView<Item> => ({
  object: 'list',
  url,
  has_more: hasMore,
  data,
});

/** A page that was read, as a list of what `view` shows of each. */
export const pageView =
  <Row, Item>(url: string, view: (row: Row) => Item) =>
  ({ data, hasMore }: { readonly data: readonly Row[]; readonly hasMore: boolean }): ListView<Item> =>
    listView(url, data.map(view), hasMore);

export const errorView = (error: PaymentError, requestId: string): ErrorView => ({
  type: ERRORS[error.code].type,
  code: error.code,
  ...(error.declineCode === undefined ? {} : { decline_code: error.declineCode }),
  message: error.message,
  param: error.param ?? null,
  ...(error.payment === undefined ? {} : { payment: error.payment }),
  ...(error.setup === undefined ? {} : { setup: error.setup }),
  ...(error.url === undefined ? {} : { url: error.url }),
  outcome: error.outcome,
  retry: error.retry,
  doc_url: `/docs/errors#${error.code}`,
  request_id: requestId,
});

/** An error as it leaves: as it was first told, where it is kept under a key. */
export const errorReply = (error: PaymentError, requestId: string): Reply =>
  error.kept ?? jsonReply(statusOf(error), { error: errorView(error, requestId) });

/** What a kept reply answers, again: the success, or the error that it tells of. */
export const answerOfReply = <Code extends ErrorCode>(
  reply: Reply<never>,
  codes: readonly Code[],
): Answer<never, Code> =>
  reply.status < 400 ? ok(reply) : err(withDetail(errorOfBody(reply.body, codes), { kept: reply }));

/** For the log and the metrics: what leaves are the bytes. A code that is no longer answered there is `internal`. */
const errorOfBody = <Code extends ErrorCode>(
  body: string,
  codes: readonly Code[],
): PaymentError<Code> | PaymentError<'internal'> => {
  const { error } = JSON.parse(body) as { error: Partial<ErrorView> };
  const detail = error.payment === undefined ? {} : { payment: error.payment };
  const code = codes.find((known) => known === error.code);
  return code === undefined ? paymentError('internal', detail) : paymentError(code, detail);
};

/** The same error, with the bytes in which it is told from now on. */
export const keptError = (
  error: PaymentError,
  requestId: string,
): PaymentError & Required<Pick<PaymentError, 'kept'>> => ({
  ...error,
  kept: errorReply(error, requestId),
});

/** Who is shown a payment: the merchant's servers; finance, and endpoints; or a page, whose key anyone can read. */
export type Audience = 'servers' | 'finance' | 'page';

/** Amounts of requests are at most 12 digits, so a number holds them exactly; sums are shown as text. */
export const paymentView = (payment: Payment, audience: Audience): PaymentView => ({
  id: payment.id,
  object: 'payment',
  status: payment.status,
  amount: Number(payment.amount),
  amount_captured: Number(payment.amountCaptured),
  amount_refunded: Number(payment.amountRefunded),
  amount_returned: Number(payment.amountReturned),
  currency: payment.currency,
  customer: audience === 'page' ? null : payment.customer,
  payment_method: payment.paymentMethod,
  capture_method: payment.captureMethod,
  ...detailsView(audience === 'page' ? NOTHING_SAID : payment),
  ...(audience === 'servers' ? { client_secret: payment.clientSecret } : {}),
  next_action: payment.nextAction && nextActionView(payment.nextAction, audience),
  last_error: payment.lastError && lastErrorView(payment.lastError),
  created_at: toIso(payment.createdAt),
});

/** Who only reads is not shown what confirms at Stripe. */
const nextActionView = (action: NextAction, audience: Audience): NextActionView =>
  action.type === 'redirect_to_url'
    ? { type: action.type, redirect_to_url: { url: action.url, return_url: action.returnUrl } }
    : { type: action.type, ...(audience === 'finance' ? {} : { stripe_client_secret: action.clientSecret }) };

/** A payment method that a customer has saved. */
export const methodView = (method: SavedMethod, holder: Pick<Holder, 'defaultMethod'> | null): PaymentMethodView => ({
  id: method.id,
  object: 'payment_method',
  customer: method.customer,
  type: method.type,
  card: method.card && {
    brand: method.card.brand,
    last4: method.card.last4,
    exp_month: method.card.expMonth,
    exp_year: method.card.expYear,
    country: method.card.country,
    funding: method.card.funding,
  },
  default: holder?.defaultMethod === method.id,
  created_at: toIso(method.createdAt),
});

export const setupView = (setup: Setup, audience: Audience): SetupView => ({
  id: setup.id,
  object: 'setup',
  status: setup.status,
  customer: audience === 'page' ? null : setup.customer,
  payment_method: setup.paymentMethod,
  ...(audience === 'servers' ? { client_secret: setup.clientSecret } : {}),
  next_action: setup.nextAction && nextActionView(setup.nextAction, audience),
  last_error: setup.lastError && lastErrorView(setup.lastError),
  created_at: toIso(setup.createdAt),
});

const lastErrorView = ({ code, declineCode, message }: LastError): PaymentView['last_error'] => ({
  code,
  decline_code: declineCode ?? null,
  message,
});

export const refundView = (refund: Refund): RefundView => ({
  id: refund.id,
  object: 'refund',
  payment: refund.payment,
  amount: Number(refund.amount),
  currency: refund.currency,
  status: refund.status,
  reason: refund.reason,
  failure_reason: refund.failureReason,
  created_at: toIso(refund.createdAt),
});

export const disputeView = (dispute: Dispute): DisputeView => ({
  id: dispute.id,
  object: 'dispute',
  payment: dispute.payment,
  amount: Number(dispute.amount),
  currency: dispute.currency,
  status: dispute.status,
  reason: dispute.reason,
  created_at: toIso(dispute.createdAt),
});

export const customerView = (customer: Customer): CustomerView => ({
  id: customer.id,
  object: 'customer',
  name: customer.name,
  email: customer.email,
  metadata: customer.metadata,
  ...(customer.erasedAt === null ? {} : { deleted: true as const }),
  created_at: toIso(customer.createdAt),
});

export const itemView = (item: Item): ItemView => ({
  id: item.id,
  object: 'item',
  name: item.name,
  unit_price: item.unitPrice,
  currency: item.currency,
});

export const transferView = (transfer: PostedTransfer): TransferView => ({
  id: transfer.id,
  object: 'transfer',
  kind: transfer.kind,
  from: transfer.debit,
  to: transfer.credit,
  amount: Number(transfer.amount),
  currency: transfer.currency,
  description: transfer.description,
  reference: transfer.reference ?? null,
  metadata: transfer.metadata ?? {},
  ...(transfer.reverses
    ? {
        reverses: transfer.reverses.transfer,
        reason: transfer.reverses.reason,
        effective_date: transfer.reverses.effectiveDate,
      }
    : {}),
  from_balance_after: transfer.debitBalanceAfter.toString(),
  to_balance_after: transfer.creditBalanceAfter.toString(),
  created_at: toIso(transfer.postedAt),
});

interface Balance {
  readonly currency: Currency;
  readonly posted: bigint;
  readonly pending: bigint;
  readonly available: bigint;
  readonly sequence: bigint;
}

const balanceFields = ({ currency, posted: sum, pending, available: free, sequence }: Balance): BalanceFields => ({
  currency,
  exponent: exponentOf(currency),
  posted: sum.toString(),
  pending: pending.toString(),
  available: free.toString(),
  decimal: toDecimal(sum, currency),
  sequence: sequence.toString(),
});

const balanceOf = (account: Account): Balance => ({
  currency: account.currency,
  posted: posted(account),
  pending: account.pending,
  available: available(account),
  sequence: account.sequence,
});

/** What an account holds now: exact as of its `sequence`. */
export const balanceView = (account: Account, now: Micros): BalanceView => ({
  object: 'balance',
  account: account.id,
  ...balanceFields(balanceOf(account)),
  as_of: toIso(now),
  final: false,
});

/** The balance of a wallet that was never used. */
export const zeroBalanceView = (account: AccountId, currency: Currency, now: Micros): BalanceView => ({
  object: 'balance',
  account,
  ...balanceFields({ currency, posted: 0n, pending: 0n, available: 0n, sequence: 0n }),
  as_of: toIso(now),
  final: false,
});

/** What an account held at a cut. */
export const pastBalanceView = (past: PastBalance, cut: Cut, isFinal: boolean): BalanceView => {
  const { account, currency, posted: sum, pending, sequence } = past;
  return {
    object: 'balance',
    account,
    ...balanceFields({ currency, posted: sum, pending: 0n, available: 0n, sequence }),
    pending: pending?.toString() ?? null,
    available: pending === null ? null : (sum - pending).toString(),
    as_of: asOfText(cut),
    tz: cut.tz,
    final: isFinal,
  };
};

export const entryView = (entry: Entry): EntryView => ({
  object: 'entry',
  id: entry.id,
  sequence: entry.sequence.toString(),
  posted_at: toIsoMicros(entry.postedAt),
  effective_date: entry.effectiveDate,
  direction: entry.direction,
  category: categoryOf(entry.kind),
  amount: entry.amount.toString(),
  balance_after: entry.balanceAfter.toString(),
  currency: entry.currency,
  counter_account: entry.counter,
  payment: entry.payment,
  refund: entry.refund,
  dispute: entry.dispute,
  payout: entry.payout,
  stripe_id: entry.stripeId,
  description: entry.description,
  reference: entry.reference,
  payment_reference: entry.paymentReference,
});

export const statementView = (statement: Statement): StatementView => {
  const { account, span, sequenceBefore, sequence } = statement;
  const isEmpty = sequence === sequenceBefore;
  return {
    object: 'statement',
    account: account.id,
    kind: account.kind,
    customer: account.customer,
    currency: account.currency,
    exponent: exponentOf(account.currency),
    from: span.from === null ? null : instantText(span.from),
    to: instantText(span.before),
    tz: span.tz,
    opening: statement.opening.toString(),
    debits: statement.debits.toString(),
    credits: statement.credits.toString(),
    closing: statement.closing.toString(),
    count: Number(sequence - sequenceBefore),
    first_sequence: isEmpty ? null : (sequenceBefore + 1n).toString(),
    last_sequence: isEmpty ? null : sequence.toString(),
    final: statement.isFinal,
  };
};

export const accountView = (account: Account): AccountView => ({
  id: account.id,
  object: 'account',
  kind: account.kind,
  customer: account.customer,
  ...balanceFields(balanceOf(account)),
});

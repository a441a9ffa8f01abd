/** The address where a customer approves a payment that was charged while he was away. */
import { parseId, type MerchantId, type PaymentId } from '../domain/ids.ts';
import type { Payment } from '../domain/payment.ts';

export const APPROVE_PATH = '/approve';

/** Where its customer approves a payment: a path of this service, which whoever has it may open. */
export const approvalOf = ({ merchant, clientSecret }: Pick<Payment, 'merchant' | 'clientSecret'>): string =>
  `${APPROVE_PATH}?${new URLSearchParams({ merchant, client_secret: clientSecret }).toString()}`;

/** What that address names. */
export interface Approval {
  readonly merchant: MerchantId;
  readonly payment: PaymentId;
  readonly clientSecret: string;
}

export const parseApproval = (query: URLSearchParams): Approval | undefined => {
  const clientSecret = query.get('client_secret') ?? '';
  const merchant = parseId('mer', query.get('merchant') ?? '');
  const payment = parseId('pay', clientSecret.split('_secret_')[0] ?? '');
  return merchant && payment ? { merchant, payment, clientSecret } : undefined;
};

/** What is known of a request while it runs: one line of the log when it ends, and ids only. */
import type { PaymentError } from '../error.ts';
import type { MerchantId } from '../domain/ids.ts';

export interface RequestRecord {
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  /** The template of the route, never the path itself. */
  route: string;
  merchant?: MerchantId;
  error?: PaymentError;
}

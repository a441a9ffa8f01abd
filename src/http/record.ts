/** What is known of a request while it runs: one line of the log when it ends, and ids only. */
import { randomBytes } from 'node:crypto';
import type { PaymentError } from '../error.ts';
import type { MerchantId } from '../domain/ids.ts';
import { SECURITY_HEADERS, type HeaderList } from './headers.ts';

declare module 'node:http' {
  interface IncomingMessage {
    /** Set by the door, the first thing that a request meets. */
    record: RequestRecord;
  }
}

export interface RequestRecord {
  readonly requestId: string;
  readonly startedAt: number;
  readonly method: string;
  /** The template of the route, never the path itself. */
  route: string;
  merchant: MerchantId | undefined;
  error: PaymentError | undefined;
  /** It was refused under load: thousands may be in a second, which are counted and not logged one by one. */
  isShed: boolean;
  /** What its reply has besides what is answered. */
  headers: HeaderList;
}

/** Eight random characters of this process, and a count: unique, and far cheaper than random bytes for each. */
const prefix = `req_${randomBytes(6).toString('base64url')}`;
let count = 0;

/** `unmatched` until a route is found: a path that is none could be anything, and is not logged. */
export const newRecord = (method: string): RequestRecord => ({
  requestId: `${prefix}${(++count).toString(36).padStart(7, '0')}`,
  startedAt: performance.now(),
  method,
  route: 'unmatched',
  merchant: undefined,
  error: undefined,
  isShed: false,
  headers: SECURITY_HEADERS,
});

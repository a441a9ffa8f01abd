/** One line for each request: ids, never a body. What failed on our side, or on Stripe's, stands out. */
import type { Logger } from 'pino';
import type { RequestRecord } from './record.ts';

export type LogRequest = (record: RequestRecord, status: number, durationMs: number) => void;

export const createRequestLog =
  (log: Logger): LogRequest =>
  (record, status, durationMs) => {
    log[status >= 500 ? 'warn' : 'info'](
      {
        'http.request.method': record.method,
        'http.route': record.route,
        'http.response.status_code': status,
        duration_ms: Math.round(durationMs * 100) / 100,
        'request.id': record.requestId,
        merchant: record.merchant,
        code: record.error?.code,
        payment: record.error?.payment,
        // Whether it may have been charged, a person has to be told.
        outcome: record.error?.outcome === 'unknown' ? 'unknown' : undefined,
      },
      'request',
    );
  };

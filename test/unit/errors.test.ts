import { describe, expect, it } from '@jest/globals';
import { errorReply, errorView } from '../../src/domain/reply.ts';
import { ERRORS, isStored, paymentError, statusOf, type ErrorCode, type PaymentError } from '../../src/error.ts';
import { errorsPage } from '../../src/http/errors-page.ts';

const CODES = Object.keys(ERRORS) as ErrorCode[];
const page = errorsPage();

describe.each(CODES)('the error %s', (code) => {
  const { status, type, outcome, retry, message, advice } = ERRORS[code];

  it('has a message, advice and a status that fits its type', () => {
    expect(message).toMatch(/^[A-Z].*\.$/);
    expect(advice).toMatch(/^[A-Z].*[.]$/s);
    if (type === 'api_error') expect(status).toBeGreaterThanOrEqual(500);
    else expect(String(status)).toMatch(/^4\d\d$/);
  });

  it('is on the page, at the anchor to which its doc_url leads, with what to do', () => {
    const anchor = errorView(paymentError(code), 'req_1').doc_url.split('#')[1];
    const section = page.split('<section ').find((one) => one.startsWith(`id="${String(anchor)}"`));
    expect(section).toContain(`<dd>${status}</dd>`);
    expect(section).toContain(`<dd>${outcome}</dd>`);
    expect(section).toContain(`<code>${retry}</code>`);
    expect(section).toContain(advice.split(/[`'"&<]/)[0]);
  });

  it('is rendered with every field that a client relies on, and never with its cause', () => {
    const reply = errorReply(paymentError(code, { cause: new Error('a secret of the log') }), 'req_1');
    expect(reply.status).toBe(statusOf(paymentError(code)));
    expect(JSON.parse(reply.body)).toEqual({
      error: { type, code, message, param: null, outcome, retry, doc_url: `/docs/errors#${code}`, request_id: 'req_1' },
    });
  });
});

describe('what is kept under an idempotency key', () => {
  it('is declines, and the 409 of a wrong state: never what may change when it is sent again', () => {
    for (const code of CODES) {
      const kept = isStored(paymentError(code));
      if (kept) expect([402, 409]).toContain(ERRORS[code].status);
      if ([400, 401, 403, 404, 413, 429, 500, 503].includes(ERRORS[code].status)) expect(kept).toBe(false);
      if (ERRORS[code].status === 402) expect(kept).toBe(true);
    }
    expect(isStored(paymentError('idempotency_key_in_use'))).toBe(false);
  });

  it('may be sent again under the same key only where it is not kept', () => {
    for (const code of CODES) if (ERRORS[code].retry === 'same_key') expect(isStored(paymentError(code))).toBe(false);
  });
});

describe('the union', () => {
  it('is told apart by its code, so that a match over the errors of a route forgets none', () => {
    const adviceFor = (error: PaymentError<'item_not_found' | 'rate_limited'>): string => {
      switch (error.code) {
        case 'item_not_found':
          return 'ask for another';
        case 'rate_limited':
          return `come again in ${String(error.retryAfterS)} s`;
      }
    };
    expect(adviceFor(paymentError('rate_limited', { retryAfterS: 2 }))).toBe('come again in 2 s');
  });

  it('has no stacks: an error costs no more than the object that it is', () => {
    expect(Object.getPrototypeOf(paymentError('card_declined'))).toBe(Object.prototype);
  });
});

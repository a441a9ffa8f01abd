/** What a person does from the sandbox's pages: the same operations as the API's, by a form, and back to a page. */
import { err, ok, type Result } from 'neverthrow';
import { z } from 'zod';
import { confirmIntent } from './attempt.ts';
import { cancelIntent, captureIntent } from './capture.ts';
import { updateDispute } from './disputes.ts';
import { badParam, type Failure, notFound } from './failure.ts';
import { amount, currency, readForm } from './params.ts';
import { createIntent } from './payment-intents.ts';
import { updateByNetwork } from './payment-methods.ts';
import { createAutomaticPayout } from './payouts.ts';
import { createRefund } from './refunds.ts';
import type { Sandbox } from './sandbox.ts';
import type { Scope } from './scope.ts';

/** Where the person goes from here. */
type Next = Result<string, Failure>;

const paymentPath = (id: string): string => `/_sandbox/payments/${id}`;

const pay = z.strictObject({
  amount,
  currency,
  payment_method: z.string(),
  capture_method: z.enum(['automatic', 'automatic_async', 'manual']),
});
const confirm = z.strictObject({ id: z.string(), payment_method: z.string() });
const one = z.strictObject({ id: z.string() });
const refund = z.strictObject({ id: z.string(), amount: amount.optional() });
const evidence = z.strictObject({ id: z.string(), dispute: z.string(), evidence: z.string() });
const payout = z.strictObject({ currency });
const sent = z.strictObject({ event: z.string() });
const number = z
  .string()
  .regex(/^\d{0,9}$/)
  .transform((text) => (text === '' ? undefined : Number(text)));
const fault = z.strictObject({ kind: z.string(), path: z.string(), size: number, count: number });

/** A way back there is none, since the page itself shows what to do. In euros a bank account may be debited too. */
const waysToPay = (currency: string, capture?: string): object =>
  currency === 'eur' && capture !== 'manual'
    ? {
        allowed_payment_method_types: ['card', 'sepa_debit'],
        mandate_data: { customer_acceptance: { type: 'offline' } },
      }
    : { allowed_payment_method_types: ['card'] };

type Act = (sandbox: Sandbox, scope: Scope, form: Record<string, unknown>) => Next;

const ACTS: Readonly<Record<string, Act>> = {
  pay: (_sandbox, scope, form) =>
    readForm(pay, form).andThen((input) =>
      orPage(createIntent(scope, { ...input, ...waysToPay(input.currency, input.capture_method), confirm: true })),
    ),
  confirm: (_sandbox, scope, form) =>
    readForm(confirm, form).andThen(({ id, payment_method }) =>
      orPage(confirmIntent(scope, id, { payment_method, ...waysToPay(currencyOf(scope, id)) })),
    ),
  capture: (_sandbox, scope, form) => readForm(one, form).andThen(({ id }) => orPage(captureIntent(scope, id, {}))),
  cancel: (_sandbox, scope, form) =>
    readForm(one, form).andThen(({ id }) => orPage(cancelIntent(scope, id, undefined))),
  refund: (_sandbox, scope, form) =>
    readForm(refund, form).andThen(({ id, amount: part }) =>
      createRefund(scope, { payment_intent: id, amount: part }).map(() => paymentPath(id)),
    ),
  evidence: (_sandbox, scope, form) =>
    readForm(evidence, form).andThen(({ id, dispute, evidence: text }) =>
      updateDispute(scope, dispute, { evidence: { uncategorized_text: text }, submit: true }).map(() =>
        paymentPath(id),
      ),
    ),
  renew: (_sandbox, scope, form) =>
    readForm(one, form).andThen(({ id }) => updateByNetwork(scope, id, {}).map(() => `/_sandbox/objects/${id}`)),
  payout: (_sandbox, scope, form) =>
    readForm(payout, form).andThen((input) =>
      createAutomaticPayout(scope, input).map(({ id }) => `/_sandbox/objects/${id}`),
    ),
  send: ({ store, webhooks }, _scope, form) =>
    readForm(sent, form).andThen(({ event }) => {
      if (store.getEvent(event) === undefined) return err(notFound(event));
      webhooks.resend(event);
      return ok(`/_sandbox/events/${event}`);
    }),
  fault: ({ faults }, _scope, form) =>
    readForm(fault, form).andThen(({ kind, path, size, count }) => {
      const more = { ...(path === '' ? {} : { path }), ...(count === undefined ? {} : { count }) };
      const measured = size === undefined ? {} : kind === 'truncate' ? { bytes: size } : { ms: size };
      return faults.add({ kind, ...more, ...measured }).map(() => '/');
    }),
  mend: ({ faults }) => {
    faults.remove();
    return ok('/');
  },
};

const currencyOf = ({ store }: Scope, intent: string): string => store.get('payment_intent', intent)?.currency ?? '';

/** A decline is no failure of the page: the payment's own says what happened. */
const orPage = (done: Result<{ readonly id: string }, Failure>): Next =>
  done
    .map(({ id }) => paymentPath(id))
    .orElse((failure) => {
      const { type, payment_intent: intent } = failure.error;
      return type === 'card_error' && intent !== undefined ? ok(paymentPath(intent.id)) : err(failure);
    });

/** Does what a form asks for, all of it or nothing. */
export const act = (sandbox: Sandbox, name: string, form: unknown): Next => {
  const doIt = Object.hasOwn(ACTS, name) ? ACTS[name] : undefined;
  if (doIt === undefined) return err(notFound(`/_sandbox/act/${name}`));
  const read = z.record(z.string(), z.unknown()).safeParse(form);
  if (!read.success) return err(badParam('It takes a form.'));
  return sandbox.store.transaction(() => doIt(sandbox, sandbox.scope(), read.data));
};

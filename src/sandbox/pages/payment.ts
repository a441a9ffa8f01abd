/** A payment's life on one page: what it is now, what may be done next, and all that happened. */
import type { Stripe } from 'stripe';
import { idOf } from '../ids.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Store } from '../store.ts';
import { challengeOf } from '../three-d-secure.ts';
import { cardOptions, life } from './home.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import { badge, button, document, instant, linkTo, money } from './layout.ts';

/** More than any payment has. */
const PARTS_MAX = 100;

interface Parts {
  readonly charges: Stripe.Charge[];
  readonly refunds: Stripe.Refund[];
  readonly disputes: Stripe.Dispute[];
  readonly warnings: Stripe.Radar.EarlyFraudWarning[];
  readonly lines: Stripe.BalanceTransaction[];
}

const partsOf = (store: Store, intent: string): Parts => {
  const where = [['payment_intent', '=', intent]] as const;
  const charges = store.list({ kind: 'charge', where, limit: PARTS_MAX });
  const refunds = store.list({ kind: 'refund', where, limit: PARTS_MAX });
  const disputes = store.list({ kind: 'dispute', where, limit: PARTS_MAX });
  const warnings = store.list({ kind: 'radar.early_fraud_warning', where, limit: PARTS_MAX });
  const lines = [...charges, ...refunds, ...disputes].flatMap(({ id }) =>
    store.list({ kind: 'balance_transaction', where: [['source', '=', id]], limit: PARTS_MAX }),
  );
  return { charges, refunds, disputes, warnings, lines: lines.toSorted((a, b) => a.created - b.created) };
};

export const paymentPage = ({ store, clock }: Sandbox, intent: Stripe.PaymentIntent): Page => {
  const parts = partsOf(store, intent.id);
  const { charges, refunds, disputes, warnings, lines } = parts;
  const all = [intent.id, ...[...charges, ...refunds, ...disputes, ...warnings].map(({ id }) => id)];
  return document(
    intent.id,
    html`<div class="split">
      <div class="stack">
        <section>
          <div class="title">
            <h1>${money(intent.amount, intent.currency)}</h1>
            ${badge(intent.status)}
          </div>
          <dl class="facts">
            <dt>Payment</dt>
            <dd><code>${intent.id}</code> · <a href="/_sandbox/objects/${intent.id}">as JSON</a></dd>
            <dt>Made</dt>
            <dd>${instant(intent.created)}</dd>
            ${fact('Customer', linkOf(intent.customer))} ${fact('Method', linkOf(intent.payment_method))}
            ${fact('Received', html`${money(intent.amount_received, intent.currency)}`)}
            ${intent.last_payment_error === null ? NOTHING : fact('Last error', errorOf(intent.last_payment_error))}
          </dl>
          ${actionsOf(intent, parts)}
        </section>
        <section class="scroll">
          <h2>Money</h2>
          ${
            lines.length === 0
              ? html`<p class="empty">None has moved.</p>`
              : html`<table>
                  <thead>
                    <tr>
                      <th>What</th>
                      <th>Amount</th>
                      <th>Fee</th>
                      <th>Net</th>
                      <th class="wide-only">Available</th>
                    </tr>
                  </thead>
                  ${lines.map(
                    (line) =>
                      html`<tr>
                        <td>
                          <a href="/_sandbox/objects/${line.id}">${line.reporting_category.replaceAll('_', ' ')}</a>
                        </td>
                        <td class="money">${money(line.amount, line.currency)}</td>
                        <td class="money">${money(line.fee, line.currency)}</td>
                        <td class="money">${money(line.net, line.currency)}</td>
                        <td class="wide-only">${instant(line.available_on).slice(0, 10)}</td>
                      </tr>`,
                  )}
                </table>`
          }
        </section>
        <section>
          <h2>Parts</h2>
          <table>
            ${[...charges, ...refunds, ...disputes].map(
              (part) =>
                html`<tr>
                  <td class="word">${part.object}</td>
                  <td class="money">${money(part.amount, part.currency)}</td>
                  <td>${badge(String(part.status))}</td>
                  <td>${linkTo(part.id)}</td>
                </tr>`,
            )}
            ${warnings.map(
              ({ id }) =>
                html`<tr>
                  <td colspan="3">early fraud warning</td>
                  <td>${linkTo(id)}</td>
                </tr>`,
            )}
          </table>
        </section>
      </div>
      <section>
        <h2>Its life</h2>
        ${life(store.eventsOf(all))}
      </section>
    </div>`,
    clock.nowMs(),
  );
};

const fact = (name: string, value: Page): Page =>
  value === NOTHING
    ? NOTHING
    : html`<dt>${name}</dt>
        <dd>${value}</dd>`;

const linkOf = (reference: string | { readonly id: string } | null): Page => {
  const id = idOf(reference);
  return id === null ? NOTHING : linkTo(id);
};

const errorOf = ({ code, decline_code: why, message }: Stripe.PaymentIntent.LastPaymentError): Page =>
  html`<span class="bad">${why ?? code ?? ''}</span> ${message ?? ''}`;

/** What may be done to it as it stands. */
const actionsOf = (intent: Stripe.PaymentIntent, { disputes }: Parts): Page => {
  const act = (name: string, label: string, fields: Readonly<Record<string, string>> = {}): Page =>
    button(`/_sandbox/act/${name}`, label, { id: intent.id, ...fields });
  const challenge = challengeOf(intent);
  const actions: Page[] = [];
  if (challenge !== undefined)
    actions.push(html`<a href="${challenge.url}"><button type="button">3-D Secure…</button></a>`);
  if (intent.status === 'requires_capture') actions.push(act('capture', 'Capture'));
  if (intent.status === 'succeeded') {
    actions.push(act('refund', 'Refund all'), act('refund', 'Refund 1.00', { amount: '100' }));
  } else if (intent.status !== 'canceled') actions.push(act('cancel', 'Cancel'));
  for (const { id, status } of disputes) {
    if (status !== 'needs_response' && status !== 'warning_needs_response') continue;
    for (const word of ['winning_evidence', 'losing_evidence', 'escalate_inquiry_evidence']) {
      if (word.startsWith('escalate') === (status === 'warning_needs_response')) {
        actions.push(act('evidence', `Send ${word.replaceAll('_', ' ')}`, { dispute: id, evidence: word }));
      }
    }
  }
  const confirmable = intent.status.startsWith('requires_') && intent.status !== 'requires_capture';
  return html`<div class="actions">${actions}</div>
    ${
      confirmable
        ? html`<form class="actions" method="post" action="/_sandbox/act/confirm">
            <input type="hidden" name="id" value="${intent.id}" />
            <select name="payment_method" aria-label="Card">
              ${cardOptions()}
            </select>
            <button>Confirm</button>
          </form>`
        : NOTHING
    }`;
};

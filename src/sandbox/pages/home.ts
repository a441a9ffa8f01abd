/** What the sandbox holds, the newest first, and what may be done to it by hand. */
import type { Stripe } from 'stripe';
import { whatItDoes } from '../cards.ts';
import { DEBITS } from '../debits.ts';
import { renderEvent } from '../events.ts';
import { faultKinds } from '../faults.ts';
import type { Sandbox } from '../sandbox.ts';
import type { Stored, StoredEvent } from '../store.ts';
import { CARD_GROUPS, type TestCard } from '../test-cards.ts';
import { html, NOTHING, type Page } from '../../pages/html.ts';
import { badge, button, document, instant, linkTo, money } from './layout.ts';

/** How many of each kind a page shows. */
const SHOWN = 25;
const EVENTS_SHOWN = 100;

/** All that pays, by the names of its payment methods: the test cards, and the bank accounts of SEPA debits. */
const GROUPS: readonly (readonly [string, readonly (readonly [string, TestCard])[]])[] = [
  ...CARD_GROUPS.map(
    ([group, cards]) => [group, cards.map(([name, card]) => [`card_${name}`, card] as const)] as const,
  ),
  ['SEPA Direct Debit, in eur', DEBITS],
];

/** All of them, to choose from. */
export const cardOptions = (): Page[] =>
  GROUPS.map(
    ([group, cards]) =>
      html`<optgroup label="${group}">
        ${cards.map(([name, card]) => html`<option value="pm_${name}">${name}: ${whatItDoes(card)}</option>`)}
      </optgroup>`,
  );

const payForm = (): Page =>
  html`<section>
    <h2>Pay with a test card</h2>
    <form class="fields" method="post" action="/_sandbox/act/pay">
      <label
        >Card
        <select name="payment_method">
          ${cardOptions()}
        </select></label
      >
      <div class="pair">
        <label>Amount, minor units <input name="amount" value="1250" inputmode="numeric" required /></label>
        <label>Currency <input name="currency" value="usd" size="4" required /></label>
      </div>
      <label
        >Capture
        <select name="capture_method">
          <option value="automatic_async">automatic_async</option>
          <option value="automatic">automatic</option>
          <option value="manual">manual: hold it first</option>
        </select></label
      >
      <button class="primary">Pay</button>
    </form>
  </section>`;

const clockForm = (nowMs: number): Page =>
  html`<section>
    <h2>Clock <small>${instant(nowMs / 1000)} UTC</small></h2>
    <form class="actions" method="post" action="/_sandbox/clock">
      <button name="advance_s" value="60">+1 min</button>
      <button name="advance_s" value="3600">+1 hour</button>
      <button name="advance_s" value="90000">+25 hours</button>
      <button name="advance_s" value="604800">+7 days</button>
    </form>
  </section>`;

const faultForm = (sandbox: Sandbox): Page => {
  const faults = sandbox.faults.list();
  return html`<section>
    <h2>Faults</h2>
    <form class="fields" method="post" action="/_sandbox/act/fault">
      <label
        >Kind
        <select name="kind">
          ${faultKinds.map((kind) => html`<option>${kind}</option>`)}
        </select></label
      >
      <label>Path <input name="path" placeholder="all, or /v1/payment_intents" /></label>
      <div class="pair">
        <label>Milliseconds or bytes <input name="size" inputmode="numeric" placeholder="0" /></label>
        <label>Times <input name="count" inputmode="numeric" placeholder="always" /></label>
      </div>
      <button>Set</button>
    </form>
    ${
      faults.length === 0
        ? NOTHING
        : html`<table>
              ${faults.map(
                (fault) =>
                  html`<tr>
                    <td><code>${JSON.stringify(fault)}</code></td>
                  </tr>`,
              )}
            </table>
            ${button('/_sandbox/act/mend', 'Remove all')}`
    }
  </section>`;
};

export const homePage = (sandbox: Sandbox): Page => {
  const { store, clock } = sandbox;
  const intents = store.list({ kind: 'payment_intent', where: [], limit: SHOWN });
  const setups = store.list({ kind: 'setup_intent', where: [], limit: SHOWN });
  const payouts = store.list({ kind: 'payout', where: [], limit: SHOWN });
  return document(
    'Payments',
    html`<div class="split">
      <div class="stack">
        <section>
          <h2>Payments <small>${store.countOf('payment_intent')} in all</small></h2>
          ${
            intents.length === 0
              ? html`<p class="empty">
                  None yet. Pay with a test card, or point a client of Stripe's at this address.
                </p>`
              : html`<table>
                  <thead>
                    <tr>
                      <th>Amount</th>
                      <th>Status</th>
                      <th>Payment</th>
                      <th class="wide-only">When</th>
                    </tr>
                  </thead>
                  ${intents.map(intentRow)}
                </table>`
          }
        </section>
        ${
          setups.length === 0
            ? NOTHING
            : html`<section>
                <h2>Setups</h2>
                <table>
                  ${setups.map(
                    (setup) =>
                      html`<tr>
                        <td>${badge(setup.status)}</td>
                        <td>${linkTo(setup.id)}</td>
                        <td>${typeof setup.customer === 'string' ? linkTo(setup.customer) : ''}</td>
                      </tr>`,
                  )}
                </table>
              </section>`
        }
        <section>
          <h2>Payouts</h2>
          ${
            payouts.length === 0
              ? html`<p class="empty">None yet.</p>`
              : html`<table>
                  ${payouts.map(
                    (payout) =>
                      html`<tr>
                        <td class="money">${money(payout.amount, payout.currency)}</td>
                        <td>${badge(payout.status)}</td>
                        <td>${linkTo(payout.id)}</td>
                      </tr>`,
                  )}
                </table>`
          }
          <form class="actions" method="post" action="/_sandbox/act/payout">
            <input name="currency" value="usd" size="4" aria-label="Currency" />
            <button>Pay out what is available</button>
          </form>
        </section>
        ${endpointTable(sandbox)}
      </div>
      <div class="stack">${payForm()}${clockForm(clock.nowMs())}${faultForm(sandbox)}</div>
    </div>`,
    clock.nowMs(),
  );
};

const endpointTable = ({ store }: Sandbox): Page => {
  const endpoints = store.list({ kind: 'webhook_endpoint', where: [], limit: SHOWN });
  return html`<section>
    <h2>Webhook endpoints <small>${store.pendingDeliveries()} deliveries to be made</small></h2>
    ${
      endpoints.length === 0
        ? html`<p class="empty">None. <code>POST /v1/webhook_endpoints</code> makes one.</p>`
        : html`<table>
            ${endpoints.map((endpoint) =>
              endpoint.deleted === true
                ? NOTHING
                : html`<tr>
                    <td>${badge(endpoint.status)}</td>
                    <td>${endpoint.url}</td>
                    <td class="wide-only">${endpoint.enabled_events.join(', ')}</td>
                  </tr>`,
            )}
          </table>`
    }
  </section>`;
};

const intentRow = (intent: Stripe.PaymentIntent): Page =>
  html`<tr>
    <td class="money">${money(intent.amount, intent.currency)}</td>
    <td>${badge(intent.status)}</td>
    <td>${linkTo(intent.id)}</td>
    <td class="wide-only">${instant(intent.created)}</td>
  </tr>`;

/** Events, the newest first, each to be sent once more. */
export const eventsPage = ({ store, clock }: Sandbox): Page => {
  const events = store.listEvents({ kind: 'event', where: [], limit: EVENTS_SHOWN });
  return document(
    'Events',
    html`<section>
      <h2>Events <small>the latest ${EVENTS_SHOWN}</small></h2>
      <table>
        <thead>
          <tr>
            <th>Type</th>
            <th>Of</th>
            <th class="wide-only">When</th>
            <th></th>
          </tr>
        </thead>
        ${events.map(
          ({ id, type, created, object }) =>
            html`<tr>
              <td><a href="/_sandbox/events/${id}">${type}</a></td>
              <td>${linkTo(object)}</td>
              <td class="wide-only">${instant(created)}</td>
              <td>${button(`/_sandbox/act/send`, 'Send', { event: id })}</td>
            </tr>`,
        )}
      </table>
    </section>`,
    clock.nowMs(),
  );
};

/** All test cards, with what each does. */
export const cardsPage = (): Page =>
  document(
    'Test cards',
    html`<section>
      <h2>Test cards</h2>
      <p>
        As payment methods: <code>pm_card_…</code>; as tokens: <code>tok_…</code>. The names are
        <a href="https://docs.stripe.com/testing">Stripe's</a>, and so are those of
        <a href="https://docs.stripe.com/payments/sepa-debit/accept-a-payment">the bank accounts</a>.
      </p>
      <table>
        ${GROUPS.map(
          ([group, cards]) =>
            html`<tr>
                <th colspan="3">${group}</th>
              </tr>
              ${cards.map(
                ([name, card]) =>
                  html`<tr>
                    <td><code>pm_${name}</code></td>
                    <td class="wide-only word">${card.brand} …${card.last4}, ${card.country}</td>
                    <td>${whatItDoes(card)}</td>
                  </tr>`,
              )}`,
        )}
      </table>
    </section>`,
  );

/** JSON in which each id of the sandbox's leads to its page. */
const linked = (value: unknown): Page => {
  const text = JSON.stringify(value, null, 2);
  return {
    html: html`${text}`.html.replace(
      /&#34;((?:pi|ch|py|re|du|po|txn|cus|pm|seti|setatt|ctoken|issfr)_[A-Za-z0-9]+)&#34;/g,
      (_, id: string) =>
        `&#34;<a href="/_sandbox/${id.startsWith('pi_') ? 'payments' : 'objects'}/${id}">${id}</a>&#34;`,
    ),
  };
};

/** Any object, as the API shows it, and what was told of it. */
export const objectPage = ({ store, clock }: Sandbox, object: Stored): Page => {
  const intent = 'payment_intent' in object && typeof object.payment_intent === 'string' ? object.payment_intent : null;
  return document(
    object.id,
    html`<section>
        <div class="title">
          <h1>${object.object.replaceAll('_', ' ')}</h1>
          ${'status' in object && typeof object.status === 'string' ? badge(object.status) : NOTHING}
        </div>
        <p><code>${object.id}</code>${intent === null ? NOTHING : html` of ${linkTo(intent)}`}</p>
        ${
          object.object === 'payment_method' && object.card !== undefined && object.customer !== null
            ? button('/_sandbox/act/renew', 'Have the bank send a new card', { id: object.id })
            : NOTHING
        }
        <pre>${linked(object)}</pre>
      </section>
      <section>
        <h2>What was told of it</h2>
        ${life(store.eventsOf([object.id]))}
      </section>`,
    clock.nowMs(),
  );
};

/** Events as a line through time, oldest first. */
export const life = (events: readonly StoredEvent[]): Page =>
  events.length === 0
    ? html`<p class="empty">Nothing.</p>`
    : html`<ol class="life">
        ${events.map((event) => {
          const { status } = JSON.parse(event.state) as { status?: string };
          return html`<li>
            <a href="/_sandbox/events/${event.id}">${event.type}</a> ${status === undefined ? NOTHING : badge(status)}
            <small>${instant(event.created)} · ${linkTo(event.object)}</small>
          </li>`;
        })}
      </ol>`;

export const eventPage = ({ store, clock }: Sandbox, event: StoredEvent): Page =>
  document(
    event.type,
    html`<section>
      <div class="title"><h1>${event.type}</h1></div>
      <p><code>${event.id}</code> of ${linkTo(event.object)}, ${instant(event.created)}</p>
      ${button('/_sandbox/act/send', 'Send to every endpoint', { event: event.id })}
      <pre>${linked(renderEvent(store, event))}</pre>
    </section>`,
    clock.nowMs(),
  );

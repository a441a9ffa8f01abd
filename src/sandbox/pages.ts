import type { Stripe } from 'stripe';
import { CARD_GROUPS } from './test-cards.ts';
import { routeNames } from './routes.ts';
import type { Sandbox } from './sandbox.ts';

/** HTML that was made here, every value in it escaped. */
export interface Page {
  readonly html: string;
}

/** How many of each kind the home page shows. */
const SHOWN = 25;

const escape = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);

type Value = string | number | Page | readonly Page[];

const render = (value: Value): string => {
  if (typeof value === 'string' || typeof value === 'number') return escape(String(value));
  return 'html' in value ? value.html : value.map((page) => page.html).join('');
};

/** A template whose values are escaped, unless they are pages themselves. */
const html = (strings: TemplateStringsArray, ...values: Value[]): Page => ({
  html: strings.reduce((text, part, place) => `${text}${render(values[place - 1] ?? '')}${part}`),
});

const document = (title: string, body: Page): Page =>
  html`<!doctype html>
    <html lang="en">
      <meta charset="utf-8" /><meta name="viewport" content="width=device-width" /><title>${title}</title>
      <style>
        :root {
          color-scheme: light dark;
        }
        body {
          font:
            16px/1.5 system-ui,
            sans-serif;
          max-width: 72rem;
          margin: 2rem auto;
          padding: 0 1rem;
        }
        table {
          border-collapse: collapse;
          width: 100%;
          margin: 0.5rem 0 2rem;
          font-size: 0.9rem;
        }
        th,
        td {
          text-align: left;
          padding: 0.25rem 0.5rem;
          border-bottom: 1px solid #8884;
        }
        code {
          font-size: 0.85em;
        }
        button {
          font: inherit;
          padding: 0.4rem 1rem;
          margin-right: 0.5rem;
        }
        form {
          display: inline;
        }
        .small button {
          padding: 0 0.5rem;
        }
      </style>
      <h1>${title}</h1>
      ${body}
    </html>`;

/** A page that says one thing. */
export const messagePage = (title: string, message: string): Page => document(title, html`<p>${message}</p>`);

/** The page of a bank that asks whether it was you. */
export const challengePage = (intent: Stripe.PaymentIntent | Stripe.SetupIntent): Page =>
  document(
    '3-D Secure: was it you?',
    html`<p>
        ${intent.object === 'payment_intent' ? html`A payment of <strong>${amountOf(intent)}</strong>` : 'Keeping your card'}
        wants your consent. No bank is behind this page: choose what it answers.
      </p>
      <form method="post">
        <button name="result" value="pass">Pass</button>
        <button name="result" value="fail">Fail</button>
      </form>`,
  );

/** What the sandbox holds, the newest first, and what may be done to it by hand. */
export const homePage = (sandbox: Sandbox): Page => {
  const { store, clock, faults } = sandbox;
  const intents = store.list({ kind: 'payment_intent', where: [], limit: SHOWN });
  const events = store.listEvents({ kind: 'event', where: [], limit: SHOWN });
  const endpoints = store.list({ kind: 'webhook_endpoint', where: [], limit: SHOWN });
  return document(
    'Stripe sandbox',
    html`<p>It is ${new Date(clock.nowMs()).toISOString()} here.
<form method="post" action="/_sandbox/clock"><button name="advance_s" value="3600">+1 hour</button><button
name="advance_s" value="90000">+25 hours</button><button name="advance_s" value="604800">+7 days</button></form></p>
<h2>Payment intents</h2>
<table><tr><th>Id<th>Status<th>Amount<th>Latest charge<th>Next</tr>${intents.map(intentRow)}</table>
<h2>Events</h2>
<table class="small"><tr><th>Id<th>Type<th>When<th></tr>${events.map(
      ({ id, type, created }) =>
        html`<tr>
          <td><code>${id}</code></td>
          <td>${type}</td>
          <td>${new Date(created * 1000).toISOString()}</td>
          <td>
            <form method="post" action="/_sandbox/events/${id}/send"><button>Send</button></form>
          </td>
        </tr>`,
    )}</table>
<h2>Webhook endpoints</h2>
<table><tr><th>Id<th>Address<th>Events</tr>${endpoints.map((endpoint) =>
      endpoint.deleted === true
        ? html``
        : html`<tr>
            <td><code>${endpoint.id}</code></td>
            <td>${endpoint.url}</td>
            <td>${endpoint.enabled_events.join(', ')}</td>
          </tr>`,
    )}</table>
<h2>Faults</h2>
<table>${faults.list().map(
      (fault) =>
        html`<tr>
          <td><code>${JSON.stringify(fault)}</code></td>
        </tr>`,
    )}</table>
<p>Set one for all requests with <code>POST /_sandbox/faults {"kind":"reset_after","path":"/v1/payment_intents","count":1}</code>,
for one request with the header <code>Sandbox-Fault: reset_after</code>.</p>
<h2>Test payment methods</h2><p>${CARD_GROUPS.flatMap(([, cards]) => cards).map(([name]) => html`<code>pm_card_${name}</code> `)}</p>
<h2>Routes</h2><p>${routeNames().map((name) => html`<code>${name}</code><br />`)}</p>`,
  );
};

const intentRow = (intent: Stripe.PaymentIntent): Page => {
  const next = intent.next_action?.redirect_to_url?.url ?? intent.next_action?.use_stripe_sdk?.['stripe_js'];
  return html`<tr>
    <td><code>${intent.id}</code></td>
    <td>${intent.status}</td>
    <td>${amountOf(intent)}</td>
    <td><code>${typeof intent.latest_charge === 'string' ? intent.latest_charge : ''}</code></td>
    <td>${typeof next === 'string' ? html`<a href="${next}">3-D Secure</a>` : ''}</td>
  </tr>`;
};

const amountOf = ({ amount, currency }: Stripe.PaymentIntent): string => {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currency.toUpperCase() });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** decimals);
};

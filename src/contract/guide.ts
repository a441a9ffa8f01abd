/** The guide of `/docs`: what a route by itself does not say. */
import { VARIABLES } from '../config.ts';
import { EVENT_TYPES } from '../domain/event-types.ts';
import { prose } from '../pages/html.ts';
import { WEBHOOK_EVENTS } from '../stripe/events.ts';

/** An id for links, a title, and HTML. */
type Part = readonly [id: string, title: string, text: string];

const code = (name: string): string => `<code>${name}</code>`;

/** What an installation that takes real money has to think of: the other settings can stay as they are. */
const LIVE = [
  ...['DATABASE_URL', 'MIGRATE', 'STRIPE_SECRET_KEY', 'STRIPE_WEBHOOK_SECRET', 'STRIPE_PUBLISHABLE_KEY'],
  ...['PAYMENT_METHOD_TYPES', 'HOST', 'CORS_ORIGINS', 'WORKERS'],
];

const settings = (): string =>
  LIVE.map((name) => `<tr><td>${code(name)}</td><td>${prose(VARIABLES.get(name)?.meaning ?? '')}</td></tr>`).join('\n');

export const GUIDE: readonly Part[] = [
  [
    'first_charge',
    'A first charge',
    `<p>Your server makes the payment with its secret key (<code>sk_…</code>) and hands <code>client_secret</code> to the page. The page confirms it
with the publishable key (<code>pk_…</code>), that secret, and a payment method that Stripe.js made: a card number never
comes here. Or your server does both at once with <code>confirm: true</code>.</p>`,
  ],
  [
    'selling',
    'You sell goods',
    `<p>A payment lands in the customer’s wallet and stays there: it is owed to him until a debit takes it. So a shop is paid in two steps,
and a refund goes back by the same two:</p>
<ol>
<li><code>POST /v1/payments</code>: from the card into the wallet.</li>
<li><code>POST /v1/debits</code>, of the same amount, when you deliver: from the wallet into your revenue.</li>
<li>To refund, first <code>POST /v1/transfers/:id/reverse</code> with the debit’s id and a <code>reason</code>, of all or of an
<code>amount</code>: from your revenue into the wallet.</li>
<li>Then <code>POST /v1/refunds</code>: from the wallet back to the card.</li>
</ol>
<p>A refund while the debit stands is <a href="/docs/errors#insufficient_funds">insufficient_funds</a>: the wallet is empty.</p>`,
  ],
  [
    'checkout',
    'The page that pays',
    `<p>The client has a store of where the payment stands, which you draw: it charges once, whatever is clicked, reloaded, opened
twice or cut off. <a href="/checkout/demo">The checkout to try</a> is made of it, and nothing else.</p>
<pre tabindex="0">import { createClient } from 'quittance-client';
import { createCheckout } from 'quittance-client/checkout';

const quittance = createClient({ key: 'pk_…', baseUrl: 'https://pay.example' });
const checkout = createCheckout({ quittance, clientSecret, returnUrl: location.href });
checkout.subscribe((state) =&gt; {
  button.disabled = !state.offers.includes('pay');
  status.textContent = state.name; // idle, confirming, needs_action, processing, succeeded, declined, unknown, …
});
await checkout.load(); // also where the customer comes back to: it reads how the payment stands
button.onclick = () =&gt; checkout.pay({ payment_method: 'pm_card_visa' }); // a test card; else of Stripe.js</pre>
<p>Say <code>unknown</code> as what it is: “we are finding out, don’t pay again”.
<code>tell(state, '$12.50')</code>, of <code>quittance-client/checkout</code> too, has such words for a person, of each state. Without a bundler the page needs an import map, for
<code>neverthrow</code> too:</p>
<pre tabindex="0">&lt;script type="importmap"&gt;{ "imports": {
  "neverthrow": "/neverthrow/dist/index.es.js",
  "quittance-client": "/quittance-client/dist/index.js",
  "quittance-client/checkout": "/quittance-client/dist/checkout.js"
} }&lt;/script&gt;</pre>`,
  ],
  [
    'stripe_js',
    'With Stripe.js',
    `<p>A card number goes from Stripe’s form to Stripe. The form makes a <code>confirmation_token</code>, which stands wherever
<code>payment_method</code> does:</p>
<pre tabindex="0">const stripe = Stripe('pk_…'); // Stripe’s publishable key; its script is https://js.stripe.com/v3/
const checkout = createCheckout({
  quittance, clientSecret, returnUrl: location.href,
  handleNextAction: (secret) =&gt; stripe.handleNextAction({ clientSecret: secret }), // 3-D Secure in the page
});
const loaded = await checkout.load();
if (loaded.isErr() || !loaded.value.payment) throw new Error('The payment could not be read');
const { amount, currency } = loaded.value.payment;
const elements = stripe.elements({ mode: 'payment', amount, currency, paymentMethodTypes: ['card'] });
elements.create('payment').mount('#card');
form.onsubmit = async (event) =&gt; {
  event.preventDefault();
  if ((await elements.submit()).error) return; // the form says what is missing
  const { error, confirmationToken } = await stripe.createConfirmationToken({ elements });
  if (error) status.textContent = error.message;
  else await checkout.pay({ confirmation_token: confirmationToken.id });
};</pre>`,
  ],
  [
    'three_d_secure',
    '3-D Secure',
    `<p>Send <code>return_url</code> with the confirmation. Where the bank asks for the customer the payment is <code>requires_action</code>: send him to
<code>next_action.redirect_to_url.url</code>. When he comes back, read the payment with its <code>client_secret</code>, which asks Stripe at once, and
believe no parameter of the address. Or ask him in the page: confirm with <code>"next_action": "stripe_js"</code>, give
<code>next_action.stripe_client_secret</code> to <code>handleNextAction</code> of Stripe.js, and read the payment then
(<code>createCheckout</code> does it all where it is given <code>handleNextAction</code>). With neither,
such a card is <a href="/docs/errors#authentication_required">authentication_required</a>, and no decline: confirm again with one of them.</p>`,
  ],
  [
    'takes_days',
    'A payment that takes days',
    `<p>Where the installation takes SEPA debits (<code>PAYMENT_METHOD_TYPES</code>), a payment in <code>eur</code> may be <code>processing</code>
for up to 14 business days. Tell the customer so, offer no second try, and deliver on <code>payment.succeeded</code>; on
<code>payment.failed</code> it may be confirmed again, by card too. A bank may return a debit after that: <code>payment.returned</code>, or
<code>dispute.lost</code>. The payment stays <code>succeeded</code>, <code>amount_returned</code> says what is gone, and the wallet has lost it.
A debit is not kept, not captured later and not made off session.</p>`,
  ],
  [
    'kept_cards',
    'A card that is kept',
    `<p>Add <code>save_payment_method: true</code> to a confirmation
(<code>checkout.pay({ payment_method, save_payment_method: true })</code> in the page), or keep a card without a charge by a setup
(<code>POST /v1/setups</code>, confirmed by the page as a payment is). From then on <code>POST /v1/payments</code> with
<code>confirm: true</code> and no <code>payment_method</code> charges the customer's default card; say <code>off_session: true</code> where
he is not there. If his bank wants to see him all the same, the answer is
<a href="/docs/errors#authentication_required">authentication_required</a>, with the <code>url</code> of a page of this service,
a path that stands in this answer alone: send him there, behind the address by which he reaches this service, and he finishes that
payment. Never make a second one for it.</p>`,
  ],
  [
    'declined',
    'A card that was declined',
    `<p>The payment is <code>requires_payment_method</code>, and the error names it as <code>payment</code>. Nothing was charged. Confirm that
payment, and make no second one: <code>POST /v1/payments/:id/confirm</code>, each try under a new <code>Idempotency-Key</code>.</p>
<ul>
<li>He is there: ask for another card, and confirm with its <code>payment_method</code> (<code>checkout.pay</code> once more).</li>
<li>He was away: send him to your page with the payment’s <code>client_secret</code>, to pay with another card; or let him keep another by
<code>POST /v1/setups</code>, and confirm with its <code>payment_method</code>. It is not his default thereby, where he has one: say so by
<code>POST /v1/customers/:id</code> with <code>default_payment_method</code>.</li>
<li>Without <code>payment_method</code> the confirmation charges what this payment was made or last tried with, and never the customer’s
default, though that was changed since. Where it was neither, that is <code>payment_method_required</code>.</li>
<li>A confirmation takes no <code>off_session</code>. To charge the new default while he is away, cancel this payment
(<code>POST /v1/payments/:id/cancel</code>) and make another with <code>off_session: true</code>.</li>
</ul>
<p>The <code>url</code> of <code>authentication_required</code> is for that answer alone: after a decline it says that there is nothing to
approve.</p>`,
  ],
  [
    'people',
    'Customers, and their data',
    `<p>Find a customer with <code>GET /v1/customers?email=</code> (in the letters in which it was given: Ada@ is not ada@), change him with <code>POST /v1/customers/:id</code>, and erase him with
<code>DELETE</code>: name, e-mail, metadata and cards go, here and at Stripe, also from stored replies and events. His payments and
his balance stay, for the ledger needs them. Keep nothing personal in <code>reference</code>, nor in what a debit, a usage or a
transfer says: those are lines of the ledger, which is sealed, and no line of it is ever changed.</p>`,
  ],
  [
    'retries',
    'Keys and retries',
    `<p>Each request that moves money takes an <code>Idempotency-Key</code>: a UUID of yours, kept until the answer is final. The same
request under it is done once. <code>retry</code> says what to do: <code>same_key</code>, the same again after <code>Retry-After</code>;
<code>new_key</code>, another card under a new key; <code>never</code>, mend the request. After <code>outcome: unknown</code> never charge anew:
send the same again, or read the payment.</p>
<p>What keeps an order from being charged twice is its key: take the order’s id as the key of <code>POST /v1/payments</code>.
<code>reference</code> does not: any number of payments may have the same. A route that says that it heeds no key does what it is sent
as often as it is sent: two <code>POST /v1/webhook_endpoints</code> make two endpoints.</p>`,
  ],
  [
    'webhooks',
    'Webhooks',
    `<p>Make an endpoint with <code>POST /v1/webhook_endpoints</code>, and keep the <code>secret</code> that it answers. Its <code>url</code> is
<code>https</code>, of a public address, without user and password; the demo alone takes others. What comes there is signed by
<a href="https://www.standardwebhooks.com">Standard Webhooks</a> (<code>webhook-id</code>, <code>webhook-timestamp</code>,
<code>webhook-signature</code>), and the client verifies it:</p>
<pre tabindex="0">import express from 'express';
import { verifyWebhook } from 'quittance-client';

// The body as it came: parsed and written again it would be another.
express().post('/hooks', express.text({ type: '*/*' }), async (request, response) =&gt; {
  const told = await verifyWebhook(request.body, request.headers, process.env.WEBHOOK_SECRET); // whsec_…
  if (told.isErr()) return response.status(400).send(told.error.code);
  const { id, type, data } = told.value; // 'evt_…', 'payment.succeeded', { object: the payment as GET shows it }
  await yourQueue.addOnce(id, { type, object: data.object }); // an event may come twice, and late: its id tells
  response.sendStatus(204); // within 10 s; else it is tried again, for 75 hours
}).listen(8080);</pre>
<p><code>enabled_events</code> is <code>"*"</code> or a list of these: ${EVENT_TYPES.map(code).join(', ')}.</p>`,
  ],
  [
    'refunding',
    'Refunds',
    `<p><code>POST /v1/refunds</code> sends back a part or all. The money is held in the customer's wallet at once, and leaves it when Stripe
has sent it.</p>`,
  ],
  [
    'amounts',
    'Amounts',
    `<p>All are in minor units. An amount that a card is charged is a number, of at most 12 digits. A balance is a sum without such
a limit, and a JSON number is exact only up to 2<sup>53</sup>: so it is text.</p>`,
  ],
  [
    'going_live',
    'Going live',
    `<p>Set these; all others are in <code>.env.example</code> beside the README, and <code>npm start -- --help</code> tells them. Then
<code>npm run migrate</code>, <code>npm start</code> and <code>npm run keys</code>: the demo keys open nothing here. Something in front ends TLS; what
it must and must not do is in the README, “In front of it”.</p>
<table><thead><tr><th scope="col">Setting</th><th scope="col">What it is</th></tr></thead><tbody>
${settings()}
</tbody></table>
<p>Stripe’s keys and those of this service look alike. One of Stripe’s that is sent here is a plain 401.</p>
<table><thead><tr><th scope="col">Key</th><th scope="col">Is of</th><th scope="col">Goes</th></tr></thead><tbody>
<tr><td><code>sk_…</code>, <code>rk_…</code></td><td>Stripe</td><td>into <code>STRIPE_SECRET_KEY</code>, and nowhere else</td></tr>
<tr><td><code>pk_…</code></td><td>Stripe</td><td>into your page: <code>Stripe('pk_…')</code></td></tr>
<tr><td><code>whsec_…</code></td><td>Stripe’s webhook</td><td>into <code>STRIPE_WEBHOOK_SECRET</code></td></tr>
<tr><td><code>sk_…</code></td><td>here: <code>npm run keys -- create --merchant "My shop" --role secret</code></td><td>into your server: <code>Authorization: Bearer sk_…</code></td></tr>
<tr><td><code>pk_…</code></td><td>here: <code>--role publishable</code></td><td>into your page: <code>createClient({ key: 'pk_…' })</code></td></tr>
<tr><td><code>whsec_…</code></td><td>here: <code>POST /v1/webhook_endpoints</code></td><td>into your receiver: <code>verifyWebhook</code></td></tr>
</tbody></table>
<p>In Stripe’s dashboard, make a webhook to <code>https://your.host/webhooks/stripe</code> that sends these, or all events:
${WEBHOOK_EVENTS.map(code).join(', ')}.</p>`,
  ],
];

/** The guide of `/docs`: what a route by itself does not say. */

/** An id for links, a title, and HTML. */
type Part = readonly [id: string, title: string, text: string];

export const GUIDE: readonly Part[] = [
  [
    'first_charge',
    'A first charge',
    `<p>Your server makes the payment with its secret key (<code>sk_…</code>) and hands <code>client_secret</code> to the page. The page confirms it
with the publishable key (<code>pk_…</code>), that secret, and a payment method that Stripe.js made: a card number never
comes here. Or your server does both at once with <code>confirm: true</code>.</p>`,
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
<p>With Stripe.js, <code>createConfirmationToken</code> makes a <code>confirmation_token</code>, which stands wherever
<code>payment_method</code> does. Say <code>unknown</code> as what it is: “we are finding out, don’t pay again”.
<code>tell(state, '$12.50')</code>, of <code>quittance-client/checkout</code> too, has such words for a person, of each state.</p>`,
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
<a href="/docs/errors#authentication_required">authentication_required</a>, with the <code>url</code> of a page of this service: send
him there, and he finishes that payment. Never make a second one for it.</p>`,
  ],
  [
    'people',
    'Customers, and their data',
    `<p>Find a customer with <code>GET /v1/customers?email=</code>, change him with <code>POST /v1/customers/:id</code>, and erase him with
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
send the same again, or read the payment.</p>`,
  ],
  [
    'webhooks',
    'Webhooks',
    `<p>Make an endpoint at <code>/v1/webhook_endpoints</code>, and verify what it is sent with its secret, by
<a href="https://www.standardwebhooks.com">Standard Webhooks</a>. An event may come twice: its id tells.</p>`,
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
    `<p>Set <code>DATABASE_URL</code>, <code>STRIPE_SECRET_KEY</code> and <code>STRIPE_WEBHOOK_SECRET</code>, make keys with <code>npm run keys</code>, and send Stripe's
webhooks to <code>/webhooks/stripe</code>. The demo keys open nothing there.</p>`,
  ],
];

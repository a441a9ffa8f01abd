/** `/` and `/docs`: for people, and made from the same table as everything else. */
import { ERRORS } from '../error.ts';
import type { Route } from '../http/route.ts';
import { escape, page, prose } from '../pages/html.ts';
import type { Example, Examples } from './examples.ts';

/** Where everything is. */
export const homePage = (): string =>
  page(
    'A payment service that never guesses about money',
    `<section><h2>Who builds a checkout</h2><p>Start with <a href="/docs#guide">the guide</a>: a first charge, 3-D Secure, retries. Every
<a href="/docs/errors">error</a> says what happened to the money, and what to do. Pay with test cards in
<a href="/checkout/demo">the checkout to try</a>.</p></section>
<section><h2>Who looks after money</h2><p><a href="/console">The console</a> shows payments, balances and what needs a person, with a
finance or a secret key. For programs there are <a href="/docs#accounts">accounts and balances</a>, and the
<a href="/docs#trial_balance">trial balance</a>. A finance key (<code>fk_…</code>) reads everything, and moves nothing.</p></section>
<section><h2>Who is on call</h2><p>The live page, <code>/livez</code>, <code>/readyz</code>, <code>/metrics</code> and <code>/stalls</code> are on
the ops port, which is one above this one unless it was set.</p></section>
<section><h2>Programs</h2><p><a href="/openapi.json">OpenAPI 3.1</a>; a typed client is in <code>src/client</code>.</p></section>`,
  );

const GUIDE = `<section id="guide"><h2>Guide</h2>
<h3>A first charge</h3>
<p>Your server makes the payment with its secret key (<code>sk_…</code>) and hands <code>client_secret</code> to the page. The page confirms it
with the publishable key (<code>pk_…</code>), that secret, and a payment method that Stripe.js made: a card number never
comes here. Or your server does both at once with <code>confirm: true</code>.</p>
<h3>The page that pays</h3>
<p>The client has a store of where the payment stands, which you draw: it charges once, whatever is clicked, reloaded, opened
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
<code>tell(state, '$12.50')</code>, of <code>quittance-client/checkout</code> too, has such words for a person, of each state.</p>
<h3>3-D Secure</h3>
<p>Send <code>return_url</code> with the confirmation. Where the bank asks for the customer the payment is <code>requires_action</code>: send him to
<code>next_action.redirect_to_url.url</code>. When he comes back, read the payment with its <code>client_secret</code>, which asks Stripe at once, and
believe no parameter of the address. Or ask him in the page: confirm with <code>"next_action": "stripe_js"</code>, give
<code>next_action.stripe_client_secret</code> to <code>handleNextAction</code> of Stripe.js, and read the payment then
(<code>createCheckout</code> does it all where it is given <code>handleNextAction</code>). With neither,
such a card is <a href="/docs/errors#authentication_required">authentication_required</a>, and no decline: confirm again with one of them.</p>
<h3>A payment that takes days</h3>
<p>Where the installation takes SEPA debits (<code>PAYMENT_METHOD_TYPES</code>), a payment in <code>eur</code> may be <code>processing</code>
for up to 14 business days. Tell the customer so, offer no second try, and deliver on <code>payment.succeeded</code>; on
<code>payment.failed</code> it may be confirmed again, by card too. A bank may return a debit after that: <code>payment.returned</code>, or
<code>dispute.lost</code>. The payment stays <code>succeeded</code>, <code>amount_returned</code> says what is gone, and the wallet has lost it.
A debit is not kept, not captured later and not made off session.</p>
<h3>A card that is kept</h3>
<p>Add <code>save_payment_method: true</code> to a confirmation
(<code>checkout.pay({ payment_method, save_payment_method: true })</code> in the page), or keep a card without a charge by a setup
(<code>POST /v1/setups</code>, confirmed by the page as a payment is). From then on <code>POST /v1/payments</code> with
<code>confirm: true</code> and no <code>payment_method</code> charges the customer's default card; say <code>off_session: true</code> where
he is not there. If his bank wants to see him all the same, the answer is
<a href="/docs/errors#authentication_required">authentication_required</a>, with the <code>url</code> of a page of this service: send
him there, and he finishes that payment. Never make a second one for it.</p>
<h3>Customers, and their data</h3>
<p>Find a customer with <code>GET /v1/customers?email=</code>, change him with <code>POST /v1/customers/:id</code>, and erase him with
<code>DELETE</code>: name, e-mail, metadata and cards go, here and at Stripe, also from stored replies and events. His payments and
his balance stay, for the ledger needs them. Keep nothing personal in <code>reference</code>, nor in what a debit, a usage or a
transfer says: those are lines of the ledger, which is sealed, and no line of it is ever changed.</p>
<h3>Keys and retries</h3>
<p>Each request that moves money takes an <code>Idempotency-Key</code>: a UUID of yours, kept until the answer is final. The same
request under it is done once. <code>retry</code> says what to do: <code>same_key</code>, the same again after <code>Retry-After</code>;
<code>new_key</code>, another card under a new key; <code>never</code>, mend the request. After <code>outcome: unknown</code> never charge anew:
send the same again, or read the payment.</p>
<h3>Webhooks</h3>
<p>Make an endpoint at <code>/v1/webhook_endpoints</code>, and verify what it is sent with its secret, by
<a href="https://www.standardwebhooks.com">Standard Webhooks</a>. An event may come twice: its id tells.</p>
<h3>Refunds</h3>
<p><code>POST /v1/refunds</code> sends back a part or all. The money is held in the customer's wallet at once, and leaves it when Stripe
has sent it.</p>
<h3>Amounts</h3>
<p>All are in minor units. An amount that a card is charged is a number, of at most 12 digits. A balance is a sum without such
a limit, and a JSON number is exact only up to 2<sup>53</sup>: so it is text.</p>
<h3>Going live</h3>
<p>Set <code>DATABASE_URL</code>, <code>STRIPE_SECRET_KEY</code> and <code>STRIPE_WEBHOOK_SECRET</code>, make keys with <code>npm run keys</code>, and send Stripe's
webhooks to <code>/webhooks/stripe</code>. The demo keys open nothing there.</p></section>`;

/** Every route, with its errors and a curl that works in the demo. */
export const docsPage = (routes: readonly Route[], examples: Examples): string => {
  const groups = [...Map.groupBy(routes, ({ path }) => path.split('/')[2] ?? '')];
  return page(
    'Docs',
    `<p><label>Find <input type="search" id="find" placeholder="refund, 409, card_declined…"></label></p>
${GUIDE}
${groups.map(([name, own]) => `<h2 id="${name}">${escape(name.replaceAll('_', ' '))}</h2>\n${own.map((route) => section(route, examples[route.name])).join('\n')}`).join('\n')}
<script src="/docs/find.js"></script>`,
  );
};

const section = (route: Route, example: Example | undefined): string => `<section id="${route.name}" class="find">
<h3><code>${route.method} ${escape(route.path)}</code></h3>
<p>${prose(route.summary)}. Keys: ${route.roles.join(', ')}.${route.key === 'required' ? ' Takes an <code>Idempotency-Key</code>.' : ''}</p>
${example ? `<pre tabindex="0">${escape(curlOf(route, example))}</pre><details><summary>What it answers</summary><pre tabindex="0">${escape(JSON.stringify(example.reply, null, 2))}</pre></details>` : ''}
<details><summary>Errors</summary><ul>${route.errors.map((code) => `<li><a href="/docs/errors#${code}">${code}</a> ${ERRORS[code].status}</li>`).join('')}</ul></details>
</section>`;

const curlOf = ({ method, key }: Route, { path, body }: Example): string =>
  [
    `curl ${method === 'GET' || (method === 'POST' && body !== undefined) ? '' : `-X ${method} `}'http://127.0.0.1:3000${path}' -H 'Authorization: Bearer sk_test_demo'`,
    ...(key === 'required' ? [`  -H "Idempotency-Key: $(uuidgen)"`] : []),
    ...(body === undefined ? [] : [`  -H 'Content-Type: application/json'`, `  -d '${JSON.stringify(body)}'`]),
  ].join(' \\\n');

/** Hides what does not hold the words that are looked for. */
export const FIND_SCRIPT = `const input = document.getElementById('find');
input.addEventListener('input', () => {
  const words = input.value.toLowerCase().split(/\\s+/);
  for (const section of document.querySelectorAll('section.find'))
    section.hidden = !words.every((word) => section.textContent.toLowerCase().includes(word));
});
`;

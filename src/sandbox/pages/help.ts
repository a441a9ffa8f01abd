/** What the sandbox is, what it covers and what it does not, with an example in each of Stripe's libraries. */
import { API_VERSION } from '../events.ts';
import { faultFields, faultKinds } from '../faults.ts';
import { PRODUCTS_LEFT_OUT } from '../left-out.ts';
import { ROUTES } from '../routes.ts';
import { LEFT_OUT } from '../stripe-names.ts';
import { html, type Page } from '../../pages/html.ts';
import { document } from './layout.ts';

/** Where it answers otherwise than Stripe, and means to. */
const DIFFERENCES: readonly string[] = [
  'One account, in the United States, with bank accounts in usd, eur and gbp; every sk_test_… and pk_test_… key opens it.',
  `It answers in one version, ${API_VERSION}, whatever Stripe-Version asks for, as long as Stripe has that version; an older one may say payment_method_types. An endpoint hears events in its own version, from 2025-03-31.basil on.`,
  'The rates of exchange stand still, and the smallest amount of a charge is not checked.',
  'A search finds at once what was just made; Stripe takes up to a minute.',
  'A dispute is decided a second after its evidence was sent, a payout is paid a second after it was made: move the clock to see what comes later. Nothing is paid out by itself; POST /_sandbox/payouts does what Stripe does every day.',
  'No card is replaced by itself: POST /_sandbox/payment_methods/pm_…/update, or the button on its page, has the bank send its owner a new one.',
  "The network's fee of a compliance dispute is asked for and never taken; Smart Disputes answer none.",
  'Card numbers and IBANs are refused: pay with the test payment methods and tokens.',
  'Beside cards it has SEPA debits, in eur, of one German bank: pm_success_de, pm_failed_de, pm_disputed_de and what else Stripe has for it. They are processing for five seconds, or three minutes; the balance has a line of each from the beginning, as at Stripe, and another where it fails. Three are its own: pm_sandbox_successInDays_de and pm_sandbox_failedInDays_de take 14 days, and pm_sandbox_failedLate_de fails after it was paid.',
  'Five cards are its own: pm_card_sandbox_processing and pm_card_sandbox_processingFails stay processing for five seconds, pm_card_sandbox_processingForDays for three days; a refund to pm_card_sandbox_refundFailsAtOnce moves nothing; a dispute of pm_card_sandbox_disputePrevented is prevented.',
];

const EXAMPLES: readonly (readonly [string, (origin: string) => string])[] = [
  [
    'Node',
    (origin) => `const { hostname, port } = new URL('${origin}');
const stripe = new Stripe('sk_test_any', { host: hostname, port, protocol: 'http' });
await stripe.paymentIntents.create({
  amount: 1250, currency: 'usd', payment_method: 'pm_card_visa', confirm: true,
  allowed_payment_method_types: ['card'],
});`,
  ],
  [
    'Python',
    (origin) => `client = stripe.StripeClient("sk_test_any", base_addresses={"api": "${origin}"})
client.v1.payment_intents.create({
    "amount": 1250, "currency": "usd", "payment_method": "pm_card_visa", "confirm": True,
    "allowed_payment_method_types": ["card"],
})`,
  ],
  [
    'Go',
    (origin) => `config := &stripe.BackendConfig{URL: stripe.String("${origin}")}
sc := stripe.NewClient("sk_test_any", stripe.WithBackends(stripe.NewBackendsWithConfig(config)))
sc.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{
	Amount: stripe.Int64(1250), Currency: stripe.String("usd"), Confirm: stripe.Bool(true),
	PaymentMethod: stripe.String("pm_card_visa"), PaymentMethodTypes: stripe.StringSlice([]string{"card"}),
})`,
  ],
  [
    'Ruby',
    (origin) => `client = Stripe::StripeClient.new("sk_test_any", base_addresses: { api: "${origin}" })
client.v1.payment_intents.create(
  { amount: 1250, currency: "usd", payment_method: "pm_card_visa", confirm: true,
    allowed_payment_method_types: ["card"] }
)`,
  ],
  [
    'Java',
    (origin) => `StripeClient client = StripeClient.builder()
    .setApiKey("sk_test_any").setApiBase("${origin}").build();`,
  ],
  [
    'curl',
    (origin) => `curl ${origin}/v1/payment_intents -u sk_test_any: \\
  -d amount=1250 -d currency=usd -d payment_method=pm_card_visa -d confirm=true \\
  -d 'allowed_payment_method_types[]=card'`,
  ],
];

export const helpPage = (origin: string): Page =>
  document(
    'Help',
    html`<section>
        <h1>A Stripe sandbox</h1>
        <p>
          Stripe's HTTP interface for payments by card and by SEPA debit, with no money behind it: what a service that
          takes payments can be built and tested against, without an account and without the internet. It speaks the API
          of ${API_VERSION}.
        </p>
        <p>
          <code>npm run sandbox</code> starts it; <code>npm run sandbox -- --help</code> says how it is configured. What
          it holds is kept in one file.
        </p>
      </section>
      <section>
        <h2>Point a library at it</h2>
        ${EXAMPLES.map(
          ([language, code]) =>
            html`<h3>${language}</h3>
              <pre>${code(origin)}</pre>`,
        )}
      </section>
      <section>
        <h2>What it does otherwise than Stripe</h2>
        <ul>
          ${DIFFERENCES.map((line) => html`<li>${line}</li>`)}
        </ul>
      </section>
      <section>
        <h2>What it leaves out</h2>
        <p>
          It answers with the name and the code <code>sandbox_leaves_out</code>, so that nobody looks for a mistake of
          his own: ${PRODUCTS_LEFT_OUT.join(', ')}; and of its routes these parameters, and of some parameters the
          values that follow a <code>=</code>. A <code>*</code> stands for all payment methods but cards; where a
          payment takes SEPA debits, but those too.
        </p>
        ${Object.entries(LEFT_OUT).map(
          ([name, names]) =>
            html`<details>
              <summary><code>${name}</code> leaves out ${names.length}</summary>
              <p><code>${names.join(' ')}</code></p>
            </details>`,
        )}
      </section>
      <section>
        <h2>Faults</h2>
        <p>
          Each request may go wrong: <code>POST /_sandbox/faults</code>
          <code>{"kind":"reset_after","path":"/v1/payment_intents","count":1}</code>, or the header
          <code>Sandbox-Fault: latency=500, truncate=120</code> for one request alone. The kinds:
          ${faultKinds.join(', ')}. The fields:
        </p>
        <dl>
          ${faultFields.map(
            ([field, says]) =>
              html`<dt><code>${field}</code></dt>
                <dd>${says}</dd>`,
          )}
        </dl>
      </section>
      <section>
        <h2>Routes</h2>
        <pre>${ROUTES.map(({ method, path }) => `${method} ${path}`).join('\n')}</pre>
      </section>`,
  );

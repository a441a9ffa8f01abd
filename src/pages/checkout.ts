/** `/checkout/demo`: a checkout to try, made of the client alone, as a shop would make one. */
import { html, NOTHING, page, type Page } from './html.ts';

export interface CheckoutSettings {
  /** The publishable key that the page pays with, where there is one for all: the demo's. */
  readonly key: string | undefined;
  /** Stripe's publishable key; undefined where Stripe is a sandbox. */
  readonly stripeKey: string | undefined;
  /** Where the sandbox is, whose pages stand in for a bank's. */
  readonly sandboxUrl: string | undefined;
}

/** Of Stripe's test cards those that end in different ways: https://docs.stripe.com/testing */
const TEST_CARDS = [
  ['pm_card_visa', 'Pays', 'Visa 4242'],
  ['pm_card_threeDSecure2Required', 'The bank asks for its customer', 'Visa 3220'],
  ['pm_card_authenticationRequired', 'The bank asks each time', 'Visa 3184'],
  ['pm_card_visa_chargeDeclined', 'Declined, without a reason', 'Visa 0002'],
  ['pm_card_visa_chargeDeclinedInsufficientFunds', 'Declined: too little money', 'Visa 9995'],
  ['pm_card_visa_chargeDeclinedExpiredCard', 'Declined: expired', 'Visa 0069'],
  ['pm_card_visa_chargeDeclinedIncorrectCvc', 'Declined: wrong security code', 'Visa 0127'],
  ['pm_card_visa_chargeDeclinedProcessingError', 'Fails at the bank', 'Visa 0119'],
  ['pm_card_visa_chargeDeclinedLostCard', 'Declined: lost', 'Visa 9987'],
  ['pm_card_visa_chargeDeclinedStolenCard', 'Declined: stolen', 'Visa 9979'],
  ['pm_card_visa_chargeDeclinedVelocityLimitExceeded', 'Declined: used too often', 'Visa 6975'],
  ['pm_card_radarBlock', 'Blocked as too risky', 'Visa 0019'],
] as const;

const CHECKED: Page = { html: 'checked' };

const testCards = html`<fieldset>
  <legend>Test card</legend>
  ${TEST_CARDS.map(
    ([method, ends, name], nth) =>
      html`<label class="choice"
        ><input type="radio" name="card" value="${method}" ${nth === 0 ? CHECKED : NOTHING} /> <span>${ends}</span>
        <small>${name}</small></label
      >`,
  )}
</fieldset>`;

const where = html`<fieldset>
  <legend>If the bank asks for you</legend>
  <label class="choice"
    ><input type="radio" name="where" value="redirect" checked />
    <span>go to the bank’s page and come back</span></label
  >
  <label class="choice"><input type="radio" name="where" value="in_page" /> <span>ask in this page</span></label>
</fieldset>`;

const start = ({ key }: CheckoutSettings): Page =>
  key === undefined
    ? html`<p>
          Your server makes a payment with its secret key; this page pays it with a publishable one. Both come from
          <code>npm run keys</code>.
        </p>
        <form action="/checkout/demo">
          <label for="key">Publishable key</label>
          <input id="key" name="key" required pattern="pk_.+" autocomplete="off" placeholder="pk_…" />
          <label for="secret">The payment’s <code>client_secret</code></label>
          <input
            id="secret"
            name="client_secret"
            required
            pattern="pay_.+_secret_.+"
            autocomplete="off"
            placeholder="pay_…_secret_…"
          />
          <button class="primary">To the checkout</button>
        </form>`
    : html`<p>A shop sells one widget. Its server makes the payment, and this page pays it with a test card.</p>
        <form method="post" action="/checkout/demo">
          <label for="amount">Amount in US dollars</label>
          <input
            id="amount"
            name="amount"
            value="12.50"
            required
            inputmode="decimal"
            pattern="[0-9]{1,6}([.][0-9]{2})?"
            aria-describedby="amount-form"
            autocomplete="off"
          />
          <small id="amount-form">From 0.50 to 999999.99</small>
          <button class="primary">To the checkout</button>
        </form>`;

/** The script finds in the address which payment it is, and shows one half or the other. */
export const checkoutPage = (settings: CheckoutSettings): string =>
  page(
    'Checkout',
    html`<link rel="stylesheet" href="/checkout/checkout.css" />
      <div
        id="checkout"
        data-key="${settings.key ?? ''}"
        data-stripe="${settings.stripeKey ?? ''}"
        data-sandbox="${settings.sandboxUrl ?? ''}"
      >
        <noscript><p class="bad">A payment needs scripts: so does Stripe.js, which takes card numbers.</p></noscript>
        <section id="start">${start(settings)}</section>
        <section id="pay" hidden>
          <p class="total"><span>One widget</span> <strong id="total"></strong></p>
          <div id="told" role="status" tabindex="-1"><p>One moment…</p></div>
          <p id="leave" hidden><button type="button" class="primary" id="continue">Go to your bank</button></p>
          <form id="card" hidden>
            ${settings.stripeKey === undefined ? testCards : html`<div id="element"></div>`} ${where}
            <button class="primary" id="submit">Pay</button>
          </form>
          <p id="done" hidden><a href="/checkout/demo">Buy another</a></p>
        </section>
        <dialog id="bank" aria-labelledby="bank-title">
          <div class="bar">
            <h2 id="bank-title">Your bank</h2>
            <button type="button" id="close">Close</button>
          </div>
          <iframe id="frame" title="Your bank asks whether it is you"></iframe>
        </dialog>
      </div>
      <script type="module" src="/checkout/pay.js"></script>`.html,
  );

const STRIPE_JS = 'https://js.stripe.com';

/** What the page may load, and from where: all of it is ours but Stripe.js, and that only where Stripe is the real one. */
export const checkoutPolicy = ({ stripeKey, sandboxUrl }: CheckoutSettings): string => {
  const isReal = stripeKey !== undefined;
  // https://docs.stripe.com/security/guide#content-security-policy
  const frames = [
    ...(isReal ? [STRIPE_JS, 'https://*.js.stripe.com', 'https://hooks.stripe.com'] : []),
    ...(sandboxUrl === undefined ? [] : [sandboxUrl]),
  ];
  return [
    "default-src 'none'",
    `script-src 'self'${isReal ? ` ${STRIPE_JS} https://*.js.stripe.com` : ''}`,
    `connect-src 'self'${isReal ? ' https://api.stripe.com' : ''}`,
    "style-src 'self'",
    'img-src data:',
    `frame-src ${frames.length > 0 ? frames.join(' ') : "'none'"}`,
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
};

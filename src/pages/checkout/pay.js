// The page of a checkout, over the client alone: what a shop's own would look like, without a framework.
import { createCheckout, tell } from '/client/checkout.js';
import { createClient } from '/client/index.js';

const at = (id) => document.getElementById(id);
const { key: demoKey, stripe: stripeKey, sandbox } = at('checkout').dataset;

const address = new URL(location.href);
const clientSecret = address.searchParams.get('client_secret');
const key = address.searchParams.get('key') ?? demoKey;

/** Without what Stripe adds when it sends a customer back: the payment is read, and no parameter believed. */
const here = new URL('/checkout/demo', location.origin);
for (const name of ['client_secret', 'key', 'where'])
  if (address.searchParams.has(name)) here.searchParams.set(name, address.searchParams.get(name));

/** Stripe.js, from its own host alone; the sandbox has a stand-in below. */
const loadStripe = () =>
  new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = 'https://js.stripe.com/v3/';
    script.onload = () => resolve(window.Stripe(stripeKey));
    script.onerror = () => reject(new Error('Stripe.js could not be loaded'));
    document.head.append(script);
  });

/** Does what `handleNextAction` of Stripe.js does: shows the bank's page, until the payment says that it was answered. */
const createStandIn = (quittance, id) => (stripeClientSecret) =>
  new Promise((resolve) => {
    const dialog = at('bank');
    const frame = at('frame');
    const source = new URL('/_sandbox/3ds', sandbox);
    source.searchParams.set('client_secret', stripeClientSecret);
    frame.src = source.href;
    dialog.showModal();
    const timer = setInterval(async () => {
      const read = await quittance.readPayment({ id, client_secret: clientSecret }, { retries: 0 });
      if (read.isOk() && read.value.status !== 'requires_action') dialog.close();
    }, 500);
    at('close').onclick = () => dialog.close();
    dialog.addEventListener(
      'close',
      () => {
        clearInterval(timer);
        frame.removeAttribute('src');
        resolve();
      },
      { once: true },
    );
  });

const money = ({ amount, currency }) => {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currency.toUpperCase() });
  return format.format(amount / 10 ** format.resolvedOptions().maximumFractionDigits);
};

const draw = (state) => {
  const { tone, said } = tell(state, state.payment ? money(state.payment) : '');
  const told = at('told');
  told.className = tone;
  told.replaceChildren(
    ...said.map((text) => {
      const line = document.createElement('p');
      line.textContent = text;
      return line;
    }),
  );
  const mayPay = state.offers.includes('pay');
  const isOver = state.name === 'succeeded' || state.name === 'ended';
  const hadFocus = at('card').contains(document.activeElement);
  at('card').hidden = isOver || state.name === 'loading';
  const mayContinue = state.offers.includes('continue');
  at('leave').hidden = !mayContinue;
  at('done').hidden = !isOver;
  // It keeps the focus, which a button that is disabled would lose.
  at('submit').setAttribute('aria-disabled', String(!mayPay));
  // Of two ways on, the bank's is the nearer: he has begun it.
  at('submit').classList.toggle('primary', !mayContinue);
  if (isOver && hadFocus) told.focus();
  if (state.payment) {
    at('total').textContent = money(state.payment);
    at('submit').textContent = `Pay ${money(state.payment)}${mayContinue ? ' with this card instead' : ''}`;
  }
  document.body.dataset.state = state.name;
};

const open = async () => {
  at('start').hidden = true;
  at('pay').hidden = false;
  const quittance = createClient({ key, baseUrl: location.origin });
  const id = clientSecret.split('_secret_')[0];

  const stripe = stripeKey ? await loadStripe() : undefined;
  const inPage = stripe
    ? (stripeClientSecret) => stripe.handleNextAction({ clientSecret: stripeClientSecret })
    : createStandIn(quittance, id);

  let elements;
  let checkout;
  let left = new AbortController();
  /** How a challenge is met is a setting of the store's: another choice is another store, over the same payment. */
  const start = (where) => {
    left.abort();
    left = new AbortController();
    here.searchParams.set('where', where);
    history.replaceState(null, '', here);
    checkout = createCheckout({
      quittance,
      clientSecret,
      signal: left.signal,
      returnUrl: here.href,
      ...(where === 'in_page' ? { handleNextAction: inPage } : {}),
    });
    checkout.subscribe(draw);
    return checkout.load();
  };

  const where = here.searchParams.get('where') ?? 'redirect';
  for (const radio of document.querySelectorAll('[name=where]')) {
    radio.checked = radio.value === where;
    radio.onchange = () => start(radio.value);
  }
  const state = await start(where);
  if (stripe && state.isOk() && state.value.payment) {
    const { amount, currency } = state.value.payment;
    elements = stripe.elements({ mode: 'payment', amount, currency, paymentMethodTypes: ['card'] });
    elements.create('payment').mount('#element');
  }

  /** A card as Stripe.js gives it, or a test card; undefined where it was refused in the form. */
  const cardOf = async () => {
    if (!stripe) return { payment_method: new FormData(at('card')).get('card') };
    const { error: incomplete } = await elements.submit();
    if (incomplete) return undefined;
    const { error, confirmationToken } = await stripe.createConfirmationToken({ elements });
    if (!error) return { confirmation_token: confirmationToken.id };
    at('told').textContent = error.message;
    return undefined;
  };

  let isAsking = false;
  at('card').onsubmit = async (event) => {
    event.preventDefault();
    if (isAsking || !checkout.state().offers.includes('pay')) return;
    isAsking = true;
    try {
      const card = await cardOf();
      if (card) await checkout.pay(card);
    } finally {
      isAsking = false;
    }
  };
  at('continue').onclick = () => checkout.continue();
};

if (clientSecret && key) await open();

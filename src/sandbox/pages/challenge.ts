/** The page of a bank that asks whether it was you. */
import type { Stripe } from 'stripe';
import { html, type Page } from '../../pages/html.ts';
import { document, money } from './layout.ts';

export const challengePage = (intent: Stripe.PaymentIntent | Stripe.SetupIntent): Page =>
  document(
    '3-D Secure',
    html`<section class="narrow">
      <h1>3-D Secure: was it you?</h1>
      <p>
        ${
          intent.object === 'payment_intent'
            ? html`A payment of <strong>${money(intent.amount, intent.currency)}</strong> wants`
            : 'The keeping of your card wants'
        }
        your consent. No bank is behind this page: choose what it answers.
      </p>
      <form class="actions" method="post">
        <button class="primary" name="result" value="pass">Pass</button>
        <button name="result" value="fail">Fail</button>
      </form>
    </section>`,
  );

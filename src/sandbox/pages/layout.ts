/** What the sandbox's pages have in common. */
import { html, NOTHING, type Page } from '../../pages/html.ts';

/** A whole page, with what every one has: where it is, and the way to the others. */
export const document = (title: string, body: Page, nowMs?: number): Page =>
  html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title} · Stripe sandbox</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/style.css" />
        <link rel="stylesheet" href="/sandbox.css" />
      </head>
      <body>
        <header class="top">
          <a class="brand" href="/">Stripe sandbox</a>
          <nav>
            <a href="/">Payments</a> <a href="/_sandbox/events">Events</a> <a href="/_sandbox/cards">Cards</a>
            <a href="/_sandbox/help">Help</a>
          </nav>
          ${nowMs === undefined ? NOTHING : html`<time>${instant(nowMs / 1000)}</time>`}
        </header>
        <main>${body}</main>
      </body>
    </html>`;

/** A page that says one thing. */
export const messagePage = (title: string, message: string): Page =>
  document(
    title,
    html`<section class="narrow">
      <h1>${title}</h1>
      <p>${message}</p>
      <p><a href="/">To the payments</a></p>
    </section>`,
  );

/** Seconds since 1970, to be read by a person. */
export const instant = (atS: number): string => new Date(atS * 1000).toISOString().replace('T', ' ').slice(0, 19);

export const money = (amount: number, currency: string): string => {
  const format = new Intl.NumberFormat('en', { style: 'currency', currency: currency.toUpperCase() });
  const decimals = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** decimals);
};

/** How a status looks: whether it is good, bad, or waits for something. */
const TONES: Readonly<Record<string, 'ok' | 'bad' | 'warn'>> = {
  ...{ succeeded: 'ok', paid: 'ok', won: 'ok', available: 'ok', enabled: 'ok' },
  ...{ failed: 'bad', lost: 'bad', canceled: 'bad', disabled: 'bad', needs_response: 'bad' },
};

export const badge = (status: string): Page =>
  html`<span class="badge ${TONES[status] ?? 'warn'}">${status.replaceAll('_', ' ')}</span>`;

/** The page of an object: a payment has one of its own. */
export const linkTo = (id: string): Page =>
  html`<a href="/_sandbox/${id.startsWith('pi_') ? 'payments' : 'objects'}/${id}"><code>${id}</code></a>`;

/** A form that is one button. */
export const button = (action: string, label: string, fields: Readonly<Record<string, string>> = {}): Page =>
  html`<form method="post" action="${action}">
    ${Object.entries(fields).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <button>${label}</button>
  </form>`;

/** `/approve`: where a customer approves a payment that was charged while he was away. It works without scripts. */
import { html, page, type Page } from './html.ts';

/** `open`: it may be approved. */
export type Stage = 'open' | 'waiting' | 'paid' | 'over';

interface Approved {
  readonly stage: Stage;
  /** `12.50 USD` */
  readonly total: string;
  /** Where he came from, where that is known. */
  readonly returnUrl: string | null;
  /** What an attempt came to just now. */
  readonly problem: string | undefined;
}

export const approvePage = ({ stage, total, returnUrl, problem }: Approved): string =>
  page(
    'Payment',
    html`<p class="total"><strong>${total}</strong></p>
      <div role="status">${problem === undefined ? '' : html`<p class="bad">${problem}</p>`}${TOLD[stage]}</div>
      ${returnUrl === null ? '' : html`<p><a href="${returnUrl}">Back to the shop</a></p>`}`.html,
  );

/** The form is of this very address, which says which payment it is. */
const TOLD: Readonly<Record<Stage, Page>> = {
  open: html`<p>Your bank asks you to approve this payment. Nothing has been charged yet.</p>
    <form method="post"><button class="primary">Go to your bank</button></form>`,
  waiting: html`<p>One moment: your bank has not answered yet. Load this page again.</p>`,
  paid: html`<p>Thank you: it is paid.</p>`,
  over: html`<p>There is nothing to approve any more.</p>`,
};

export const noApprovalPage = (): string =>
  page('Payment', html`<p>There is no such payment: the address may have been cut off.</p>`.html);

/** Nothing was done, or what was is found when the page is loaded again. */
export const noPageNow = (): string =>
  page('Payment', html`<p>This page cannot be shown just now. Load it again in a moment.</p>`.html);

/** No form-action: browsers hold a redirect to the bank's page against it, and banks are anywhere. */
export const APPROVE_POLICY =
  "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

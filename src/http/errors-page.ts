/** `/docs/errors`: a page made from the union itself, so that every `doc_url` leads somewhere and none is stale. */
import { ERRORS } from '../error.ts';
import { page, prose } from '../pages/html.ts';

const RETRIES: Record<string, string> = {
  same_key: 'send the same request again under the same key',
  new_key: 'send a new request under a new key',
  after_reconcile: 'wait until the outcome is known, and read the payment',
  never: 'mend the request first',
};

export const errorsPage = (): string => {
  const entries = Object.entries(ERRORS).map(
    ([code, { status, type, outcome, retry, stored, message, advice }]) => `
<section id="${code}">
  <h2><a href="#${code}">${code}</a></h2>
  <p>${prose(message)}</p>
  <dl>
    <dt>Status</dt><dd>${status}</dd>
    <dt>Type</dt><dd>${type}</dd>
    <dt>Outcome</dt><dd>${outcome}</dd>
    <dt>Retry</dt><dd><code>${retry}</code>: ${RETRIES[retry] ?? ''}</dd>
    <dt>Replayed</dt><dd>${stored ? 'yes: the same key gets the same reply' : 'no: the key is still free'}</dd>
  </dl>
  <p><strong>What to do.</strong> ${prose(advice)}</p>
</section>`,
  );
  const index = Object.keys(ERRORS).map((code) => `<a href="#${code}">${code}</a>`);
  return page(
    'Errors',
    `<p>Every failure is one of these. <code>outcome</code> says what happened to the money: <code>none</code>, nothing;
<code>applied</code>, it moved; <code>unknown</code>, we will find out, read the payment. <code>retry</code> says what to
do. A reply may override the outcome that stands here, so read the one in the reply.</p>
<nav aria-label="Errors">${index.join(' · ')}</nav>
${entries.join('\n')}`,
  );
};

/** `/docs/errors`: a page made from the union itself, so that every `doc_url` leads somewhere and none is stale. */
import { ERRORS } from '../error.ts';

const escape = (text: string): string => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

/** Backquotes become code. */
const prose = (text: string): string => escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');

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
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Errors of Quittance</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem; color: #1a1a1a; }
  h2 { font-family: ui-monospace, monospace; font-size: 1.1rem; margin: 2.5rem 0 .25rem; }
  h2 a { color: inherit; text-decoration: none; }
  section:target h2 { background: #fff3bf; }
  dl { display: grid; grid-template-columns: 6rem 1fr; gap: .1rem 1rem; margin: .5rem 0; }
  dt { color: #666; } dd { margin: 0; }
  code { background: #f1f3f5; padding: 0 .25em; border-radius: 3px; }
</style>
</head>
<body>
<h1>Errors</h1>
<p>Every failure is one of these. <code>outcome</code> says what happened to the money: <code>none</code>, nothing;
<code>applied</code>, it moved; <code>unknown</code>, we will find out, read the payment. <code>retry</code> says what to
do. A reply may override the outcome that stands here, so read the one in the reply.</p>
${entries.join('\n')}
</body>
</html>
`;
};

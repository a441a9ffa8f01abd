/** `/` and `/docs`: for people, and made from the same table as everything else. */
import { ERRORS } from '../error.ts';
import type { Route } from '../http/route.ts';
import { escape, page, prose } from '../pages/html.ts';
import type { Example, Examples } from './examples.ts';
import { fieldTables } from './fields.ts';
import { GUIDE } from './guide.ts';
import { describe, type Described } from './schemas.ts';

/** What stands for this service in a curl, where no script puts its address there. */
const HERE = 'http://127.0.0.1:3000';

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

/** Every route, with what it takes, its errors, and a curl that works in the demo. */
export const docsPage = (routes: readonly Route[], examples: Examples): string => {
  const described = describe(routes);
  const groups = [...Map.groupBy(routes, ({ path }) => path.split('/')[2] ?? '')];
  return page(
    'Docs',
    `<p><label>Find <input type="search" id="find" placeholder="refund, 409, card_declined…"></label> <span id="found" role="status"></span></p>
<div class="group"><h2 id="guide">Guide</h2>
${GUIDE.map(([id, title, text]) => `<section id="${id}" class="find">\n<h3>${title}</h3>\n${text}\n</section>`).join('\n')}</div>
${groups
  .map(
    ([name, own]) => `<div class="group"><h2 id="${name}">${escape(name.replaceAll('_', ' '))}</h2>
${own.map((route) => section(route, described, examples[route.name])).join('\n')}</div>`,
  )
  .join('\n')}
<script src="/docs/find.js"></script>`,
  );
};

const keySaid = ({ key, method }: Route): string => {
  if (key === 'required') return ' Takes an <code>Idempotency-Key</code>.';
  if (key === 'optional')
    return ' May take an <code>Idempotency-Key</code>; without one, what is sent twice is done twice.';
  return method === 'POST' ? ' Heeds no <code>Idempotency-Key</code>.' : '';
};

const section = (
  route: Route,
  described: Described,
  example: Example | undefined,
): string => `<section id="${route.name}" class="find">
<h3><code>${route.method} ${escape(route.path)}</code></h3>
<p>${prose(route.summary)}. Keys: ${route.roles.join(', ')}.${keySaid(route)}</p>
${fieldTables(route, described)}
${example ? `<pre tabindex="0">${escape(curlOf(route, example))}</pre><details><summary>What it answers</summary><pre tabindex="0">${escape(JSON.stringify(example.reply, null, 2))}</pre></details>` : ''}
<details><summary>Errors</summary><ul>${route.errors.map((code) => `<li><a href="/docs/errors#${code}">${code}</a> ${ERRORS[code].status}</li>`).join('')}</ul></details>
</section>`;

const curlOf = ({ method, key }: Route, { path, body }: Example): string =>
  [
    `curl ${method === 'GET' || (method === 'POST' && body !== undefined) ? '' : `-X ${method} `}'${HERE}${path}' -H 'Authorization: Bearer sk_test_demo'`,
    ...(key === 'required' ? [`  -H "Idempotency-Key: $(uuidgen)"`] : []),
    ...(body === undefined ? [] : [`  -H 'Content-Type: application/json'`, `  -d '${JSON.stringify(body)}'`]),
  ].join(' \\\n');

/**
 * Hides what does not hold the words that are looked for, and says how much does. The curls get the address at which the
 * page was asked for: the service behind a proxy does not know it.
 */
export const FIND_SCRIPT: string = `for (const pre of document.querySelectorAll('pre'))
  if (pre.textContent.includes('${HERE}')) pre.textContent = pre.textContent.replaceAll('${HERE}', location.origin);

const input = document.getElementById('find');
const found = document.getElementById('found');
const parts = [...document.querySelectorAll('.find')].map((part) => [part, part.textContent.toLowerCase()]);
const find = () => {
  const words = input.value.toLowerCase().split(/\\s+/);
  let count = 0;
  for (const [part, text] of parts) {
    part.hidden = !words.every((word) => text.includes(word));
    if (!part.hidden) count += 1;
  }
  for (const group of document.querySelectorAll('.group'))
    group.hidden = group.querySelector('.find:not([hidden])') === null;
  if (input.value.trim() === '') found.textContent = '';
  else found.textContent = count === 0 ? 'Nothing is found, in the guide or the routes.' : count + ' of ' + parts.length + ' parts';
};
input.addEventListener('input', find);
// A browser that goes back keeps what was typed.
find();
`;

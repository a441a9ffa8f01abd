/** From an id to its page. */
import { okAsync } from 'neverthrow';
import { z } from 'zod';
import type { Served } from '../../http/serve.ts';
import { html } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { page } from '../page.ts';
import { placeOf } from '../pieces.ts';

const asked: z.ZodType<{ q: string }> = z.strictObject({ q: z.string().max(400).default('') });

export const findPage: Served<Session> = page({
  path: '/console/find',
  class: 'read',
  query: asked,
  show: (_ctx, { query: { q } }) => {
    const to = placeOf(q);
    return okAsync({
      title: 'Nothing has that id',
      status: 404,
      main: html`<p>
        An id is a word and 32 digits, as in <code>pay_0198f3…</code>. Those of payments (<code>pay_</code>), customers
        (<code>cus_</code>), accounts (<code>acct_</code>) and events (<code>evt_</code>) lead to their pages.
      </p>`,
      ...(to === undefined ? {} : { to }),
    });
  },
});

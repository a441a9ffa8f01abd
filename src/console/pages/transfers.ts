/** One transfer: what moved, between whom, why, and what it takes back. */
import * as takes from '../../http/requests.ts';
import type { Served } from '../../http/serve.ts';
import { readTransfer } from '../../ledger/list.ts';
import { html } from '../../pages/html.ts';
import type { Session } from '../../storage/sessions.ts';
import { createNames } from '../house.ts';
import { money } from '../money.ts';
import { page } from '../page.ts';
import { capital, facts, idOf, text, timeAt, words } from '../pieces.ts';
import { metadataOf } from '../sections.ts';

export const transferPage: Served<Session> = page({
  path: '/console/transfers/:id',
  class: 'read',
  params: takes.ofTransfer,
  show: (ctx, { session: { merchant }, params: { id }, zone }) =>
    readTransfer(ctx, merchant, id).map((transfer) => {
      const { currency } = transfer;
      const named = createNames(merchant, currency);
      return {
        title: `Transfer ${transfer.id}`,
        heading: html`<small>${capital(words(transfer.kind))}</small> ${money(transfer.amount, currency)}`,
        main: facts([
          ['Transfer', idOf(transfer.id, { long: true })],
          ['Posted', timeAt(transfer.created_at, zone)],
          ['Description', text(transfer.description)],
          ['From', named(transfer.from)],
          ['What that held after it', money(transfer.from_balance_after, currency)],
          ['Reference', text(transfer.reference)],
          ['To', named(transfer.to)],
          ['What that held after it', money(transfer.to_balance_after, currency)],
          ['Metadata', metadataOf(transfer.metadata)],
          ...(transfer.reverses === undefined
            ? []
            : ([
                ['Takes back', idOf(transfer.reverses)],
                ['Reason', text(transfer.reason)],
                ['Business day', text(transfer.effective_date)],
              ] as const)),
        ]),
      };
    }),
});

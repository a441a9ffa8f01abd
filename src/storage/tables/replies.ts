/** What was claimed and answered, and what happened, to be told. */
import type { Event } from '../../domain/change.ts';
import type { Writes } from '../../domain/state.ts';
import { insert, update, type Bulk } from './bulk.ts';
import { id, orNull, smallint, text, uuid, written } from './codec.ts';
import { beside, key, once, stamped, table, type Table } from './table.ts';

type Claimed = Writes['claims'][number];
type Answered = Writes['answers'][number];

const CLAIMED: Table<'claims', object, Claimed> = table(
  'claims',
  {},
  {
    merchant_id: beside('key', id('mer'), (c) => c.merchant),
    id: beside('key', uuid(), (c) => c.claim.id),
    key: beside('once', text(), (c) => c.claim.key),
    operation: beside('once', text(), (c) => c.claim.operation),
    request_hash: beside('once', uuid(), (c) => c.claim.requestHash),
    status: beside('once', orNull(smallint()), (c) => c.reply?.status ?? null),
    body: beside('once', orNull(written('text')), (c) => c.reply?.body ?? null),
    created_at: stamped('once'),
  },
);

export const insertClaims: Bulk<Claimed> = insert(CLAIMED);

/** The days that a key is kept begin with its reply: one that was settled late is replayed as long as any other. */
const ANSWERED: Table<'claims', object, Answered> = table(
  'claims',
  {},
  {
    merchant_id: beside('key', id('mer'), (a) => a.merchant),
    id: beside('key', uuid(), (a) => a.claim),
    status: beside('changing', smallint(), (a) => a.reply.status),
    body: beside('changing', written('text'), (a) => a.reply.body),
    created_at: stamped('changing'),
  },
);

export const answerClaims: Bulk<Answered> = update(ANSWERED, { where: 'claims.status is null' });

/** It is kept as JSON, and read as what that says. */
const EVENTS: Table<'events', Omit<Event, 'data'>, Event> = table(
  'events',
  {
    merchant: key(id('mer')),
    id: key(id('evt')),
    type: once(text()),
    subject: once(text()),
  },
  { data: beside('once', written('json'), (e) => e.data), created_at: stamped('once') },
);

export const insertEvents: Bulk<Event> = insert(EVENTS);

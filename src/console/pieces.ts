/** What pages are made of: ids, times, states, free text. */
import type { Context } from '../context.ts';
import { toIso } from '../domain/time.ts';
import { escape, html, type Page } from '../pages/html.ts';
import { ABSENT } from './money.ts';

/** Where the page of an object is, by the prefix of its id. */
const PLACES: Readonly<Record<string, string>> = {
  pay: 'payments',
  cus: 'customers',
  acct: 'accounts',
  evt: 'events',
  tr: 'transfers',
};

/** The address of what an id names, if it has a page. */
export const placeOf = (id: string): string | undefined => {
  if (/^po_[A-Za-z0-9]+$/.test(id)) return `/console/payouts/${id}`;
  const place = /^[a-z]+_[0-9a-f]{32}$/.test(id) ? PLACES[id.slice(0, id.indexOf('_'))] : undefined;
  return place === undefined ? undefined : `/console/${place}/${id}`;
};

/** How much of an id's end is always shown: its beginning tells the time, and is alike in a list. */
const TAIL = 6;

/**
 * An id: short for the eye, whole when it is copied, and a link where what it names has a page; on that page itself it is long
 * and no link. Its button appears where
 * scripts run.
 */
export const idOf = (id: string, { long = false }: { readonly long?: boolean } = {}): Page => {
  const text = long ? escape(id) : `<span class="head">${escape(id.slice(0, -TAIL))}</span>${escape(id.slice(-TAIL))}`;
  const place = long ? undefined : placeOf(id);
  const shown = `<code class="id${long ? ' long' : ''}" translate="no">${text}</code>`;
  return {
    html:
      `<span class="ref">${place === undefined ? shown : `<a href="${place}">${shown}</a>`}` +
      `<button type="button" class="copy" data-copy="${escape(id)}" aria-label="Copy ${escape(id)}" hidden></button></span>`,
  };
};

export const idOrNone = (id: string | null | undefined): Page =>
  id === null || id === undefined || id === '' ? ABSENT : idOf(id);

/** What a person has written: on its own, so that no direction of writing reaches what stands beside it. */
export const text = (value: string | null | undefined): Page =>
  value === null || value === undefined || value === '' ? ABSENT : html`<bdi class="text">${value}</bdi>`;

/** UTC, or a zone of IANA's that is known to be one. */
export type Zone = string;

const formats = new Map<Zone, Intl.DateTimeFormat>();
const formatOf = (zone: Zone): Intl.DateTimeFormat => {
  const known = formats.get(zone);
  if (known) return known;
  const made = new Intl.DateTimeFormat('en-CA', {
    timeZone: zone,
    ...({ year: 'numeric', month: '2-digit', day: '2-digit' } as const),
    ...({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' } as const),
  });
  formats.set(zone, made);
  return made;
};

/** `2026-03-31 23:59:59` in that zone. */
export const timeIn = (iso: string, zone: Zone): string => formatOf(zone).format(new Date(iso)).replace(', ', ' ');

export const time = (iso: string | null | undefined, zone: Zone): Page =>
  iso === null || iso === undefined ? ABSENT : html`<time datetime="${iso}">${timeIn(iso, zone)}</time>`;

/** With its zone, where it stands alone. */
export const timeAt = (iso: string | null | undefined, zone: Zone): Page =>
  iso === null || iso === undefined ? ABSENT : html`<span>${time(iso, zone)} ${zone}</span>`;

/** When a page is read, with its zone. */
export const nowIn = ({ clock }: Pick<Context, 'clock'>, zone: Zone): string =>
  `${timeIn(toIso(clock.now()), zone)}, ${zone}`;

type Tone = 'ok' | 'warn' | 'bad' | 'plain';
/** Each state by its tone; whatever stands nowhere here is plain. */
const TONES: Readonly<Record<string, Tone>> = {
  ...{
    succeeded: 'ok',
    paid: 'ok',
    won: 'ok',
    enabled: 'ok',
    resolved: 'ok',
    balanced: 'ok',
    closed: 'ok',
    holds: 'ok',
    final: 'ok',
  },
  ...{
    processing: 'warn',
    closing: 'warn',
    pending: 'warn',
    requires_action: 'warn',
    requires_capture: 'warn',
    open: 'warn',
  },
  ...{ failed: 'bad', wrong: 'bad', lost: 'bad', disabled: 'bad', unbalanced: 'bad', unknown: 'warn', declined: 'bad' },
};
const WORDS: Readonly<Record<string, string>> = {
  requires_payment_method: 'needs a card',
  requires_confirmation: 'not confirmed',
  requires_action: 'waits for customer',
  requires_capture: 'authorized',
};

/** One stroke each, on a square of 16. */
const ICONS = {
  ok: 'M3.5 8.5l3 3 6-7',
  warn: 'M8 4.5v4l2.5 1.5M14 8A6 6 0 1 1 2 8a6 6 0 0 1 12 0z',
  bad: 'M4.5 4.5l7 7M11.5 4.5l-7 7',
  plain: 'M4 8h8',
} as const satisfies Record<Tone, string>;

export const icon = (name: Tone): Page => ({
  html: `<svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d="${ICONS[name]}"/></svg>`,
});

/** A state: an icon and a word, and its colour besides. */
export const state = (name: string, tone: Tone = TONES[name] ?? 'plain'): Page =>
  html`<span class="state ${tone}">${icon(tone)}${WORDS[name] ?? name.replaceAll('_', ' ')}</span>`;

/** Names and what they are, one below the other. */
export const facts = (rows: readonly (readonly [string, Page])[]): Page =>
  html`<dl class="facts">
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`;

/** A word of ours as a person says it: `stripe_fees`. */
export const words = (name: string): string => name.replaceAll('_', ' ');

/** At the beginning of what is said. */
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

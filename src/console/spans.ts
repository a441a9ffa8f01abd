/** Filters of time that several pages have, and how a span is told. */
import { html, type Page } from '../pages/html.ts';
import type { Filter } from './filters.ts';
import { addressOf, without, type Asked } from './page.ts';
import { timeIn } from './pieces.ts';

/** On each page with times: what is chosen on one holds for all. */
export const zoneFilter: Filter = {
  label: 'Zone',
  kind: 'fields',
  hidesNothing: true,
  fields: [
    {
      ...{ name: 'tz', label: 'Zone', placeholder: 'Europe/Berlin', usual: 'UTC' },
      hint: 'An IANA name. It holds for all pages, until you choose another or UTC.',
    },
  ],
};

const from = {
  name: 'from',
  label: 'From',
  placeholder: '2026-03-01',
  hint: 'A day, or an instant such as 2026-03-01T12:00:00Z.',
};

/** From a day to another, which is not in it. */
export const spanFilters: readonly Filter[] = [
  {
    label: 'Dates',
    kind: 'fields',
    fields: [
      from,
      { name: 'to', label: 'To', placeholder: '2026-04-01', hint: 'Not included: March ends with 1 April.' },
    ],
  },
  zoneFilter,
];

/** As of a day, which is in it. */
export const asOfFilters: readonly Filter[] = [
  {
    label: 'Date',
    kind: 'fields',
    fields: [
      { name: 'as_of', label: 'As of', placeholder: '2026-03-31', hint: 'A day with all of it, or an instant.' },
      { ...from, label: 'Movement since' },
    ],
  },
  zoneFilter,
];

/** Across a page that does not show how things stand now. */
export const pastBanner = (path: string, asked: Asked, at: string, tz: string): Page =>
  html`<p>As it stood at ${timeIn(at, tz)}, ${tz}. It is not how it stands now.</p>
    <a href="${addressOf(path, without(asked, 'from', 'to', 'as_of'))}">Now</a>`;

/** Whether an answer will ever change. */
export const finality = (isFinal: boolean): string =>
  isFinal ? 'Final: it will never change.' : 'Not final yet: what is being posted now may be missing.';

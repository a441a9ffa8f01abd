/** Filters of a list: chips that say what the address says, and forms that need no script. */
import type { PaymentError } from '../error.ts';
import { html, NOTHING, prose, type Page } from '../pages/html.ts';
import { addressOf, without, type Asked } from './page.ts';

interface Field {
  /** As the address has it, and the API. */
  readonly name: string;
  readonly label: string;
}

/** One chip: with one field, or with two that belong together. */
export type Filter = { readonly label: string } & (
  | { readonly kind: 'choice'; readonly name: string; readonly options: readonly (readonly [string, string])[] }
  | {
      readonly kind: 'fields';
      readonly fields: readonly (Field & {
        readonly type?: 'text' | 'date' | 'email';
        readonly placeholder?: string;
        readonly hint?: string;
        /** What holds where it is left out: said, it is no filter. */
        readonly usual?: string;
      })[];
      /** It says how rows are told, and hides none. */
      readonly hidesNothing?: true;
    }
);

const namesOf = (filter: Filter): readonly string[] =>
  filter.kind === 'choice' ? [filter.name] : filter.fields.map(({ name }) => name);

/** What a filter is set to, in words; undefined where it is not. */
const setTo = (filter: Filter, asked: Asked): string | undefined => {
  if (filter.kind === 'choice') {
    const value = asked[filter.name];
    return value === undefined ? undefined : (filter.options.find(([name]) => name === value)?.[1] ?? value);
  }
  const parts = filter.fields.flatMap(({ name, label, usual }) => {
    const value = asked[name];
    return value === undefined || value === usual
      ? []
      : [filter.fields.length === 1 ? value : `${label.toLowerCase()} ${value}`];
  });
  return parts.length === 0 ? undefined : parts.join(', ');
};

/** Those that are set and may hide rows, each with what is asked without it. */
export const active = (
  filters: readonly Filter[],
  asked: Asked,
): readonly { readonly filter: Filter; readonly words: string; readonly rest: Asked }[] =>
  filters.flatMap((filter) => {
    if (filter.kind === 'fields' && filter.hidesNothing) return [];
    const words = setTo(filter, asked);
    return words === undefined ? [] : [{ filter, words, rest: without(asked, ...namesOf(filter)) }];
  });

/** Where in a list one was: with another filter it is another list. */
const PLACE = ['starting_after', 'ending_before'];

export const filterBar = (path: string, filters: readonly Filter[], asked: Asked, wrong?: PaymentError): Page => {
  const known = new Set(filters.flatMap(namesOf));
  const others = Object.entries(without(asked, ...PLACE)).filter(([name]) => !known.has(name));
  const isSomewhere = wrong?.param !== undefined && known.has(wrong.param);
  return html`<form class="filters" role="search" aria-label="Filters" action="${path}">
      ${others.map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
      ${filters.map((filter) => chip(path, filter, asked, wrong))}
      ${active(filters, asked).length > 1 ? html`<a class="clear" href="${path}">Clear all</a>` : NOTHING}
    </form>
    ${wrong === undefined || isSomewhere ? NOTHING : html`<p class="wrong" role="alert">${told(wrong)}</p>`}`;
};

/** What the API says names other fields between backticks. */
const told = ({ message }: PaymentError): Page => ({ html: prose(message) });

/** The filters with a word beside the one at fault, and nothing below them. */
export const misunderstood = (path: string, filters: readonly Filter[], asked: Asked, wrong: PaymentError): Page =>
  html`${filterBar(path, filters, asked, wrong)}
    <div class="empty"><p>Nothing was looked up: one of the filters is not understood.</p></div>`;

const chip = (path: string, filter: Filter, asked: Asked, wrong: PaymentError | undefined): Page => {
  const names = namesOf(filter);
  const words = setTo(filter, asked);
  const isWrong = wrong?.param !== undefined && names.includes(wrong.param);
  // What is kept from page to page is taken off by being told otherwise.
  const usual =
    filter.kind === 'fields'
      ? filter.fields.flatMap((field) => (field.usual === undefined ? [] : [[field.name, field.usual] as const]))
      : [];
  const off = addressOf(path, { ...without(asked, ...names, ...PLACE), ...Object.fromEntries(usual) });
  const attributes = { html: isWrong ? ' open' : '' };
  return html`<div class="chip${words === undefined ? '' : ' on'}${isWrong ? ' faulty' : ''}">
    <details name="filter" ${attributes}>
      <summary>${filter.label}${words === undefined ? NOTHING : html`<b><bdi>${words}</bdi></b>`}</summary>
      <div class="pop">${inputs(filter, asked, wrong)}<button class="primary">Apply</button></div>
    </details>
    ${words === undefined ? NOTHING : html`<a class="off" href="${off}" aria-label="Remove filter ${filter.label}: ${words}">×</a>`}
  </div>`;
};

const inputs = (filter: Filter, asked: Asked, wrong: PaymentError | undefined): Page => {
  const complaint = (name: string): Page =>
    wrong?.param === name ? html`<p class="wrong" id="wrong-${name}" role="alert">${told(wrong)}</p>` : NOTHING;
  const described = (name: string): Page => ({
    html: wrong?.param === name ? `aria-invalid="true" aria-describedby="wrong-${name}"` : '',
  });
  if (filter.kind === 'choice') {
    const value = asked[filter.name];
    const isForeign = value !== undefined && !filter.options.some(([name]) => name === value);
    return html`<label for="f-${filter.name}">${filter.label}</label
      ><select id="f-${filter.name}" name="${filter.name}" ${described(filter.name)}>
        <option value="">any</option>
        ${filter.options.map(
          ([name, word]) =>
            html`<option value="${name}" ${{ html: name === value ? 'selected' : '' }}>${word}</option>`,
        )}${isForeign ? html`<option value="${value}" selected>${value}</option>` : NOTHING}</select
      >${complaint(filter.name)}`;
  }
  return html`${filter.fields.map(
    ({ name, label, type = 'text', placeholder = '', hint }) =>
      html`<label for="f-${name}">${label}</label
        ><input
          id="f-${name}"
          name="${name}"
          type="${type}"
          value="${asked[name] ?? ''}"
          placeholder="${placeholder}"
          autocomplete="off"
          spellcheck="false"
          maxlength="400"
          ${described(name)}
        />${hint === undefined ? NOTHING : html`<small>${hint}</small>`}${complaint(name)}`,
  )}`;
};

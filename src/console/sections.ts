/** Parts of a page that several have. */
import { html, NOTHING, type Page } from '../pages/html.ts';
import { ABSENT } from './money.ts';

export const section = (title: string, body: Page, more: Page = NOTHING): Page =>
  html`<section class="block">
    <div class="block-title">
      <h2>${title}</h2>
      ${more}
    </div>
    ${body}
  </section>`;

/** What a merchant has noted: written by anyone, shown as it is. */
export const metadataOf = (metadata: Readonly<Record<string, string>>): Page => {
  const entries = Object.entries(metadata);
  return entries.length === 0
    ? ABSENT
    : html`<dl class="metadata">
        ${entries.map(
          ([name, value]) =>
            html`<div>
              <dt><bdi>${name}</bdi></dt>
              <dd><bdi>${value}</bdi></dd>
            </div>`,
        )}
      </dl>`;
};

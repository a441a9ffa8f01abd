/** A figure by day: drawn here, drawn again by a script where there is one, and with the same rows as a table. */
import { html, type Page } from '../pages/html.ts';
import { amount, decimal, type Minor } from './money.ts';
import { table, type Column } from './table.ts';

export interface DayOf {
  /** `2026-03-31` */
  readonly day: string;
  readonly captured: Minor;
}

interface Figure<Day extends DayOf> {
  /** What it shows, where and when. */
  readonly caption: string;
  readonly currency: string;
  /** All days of the span, also those on which nothing was. */
  readonly days: readonly Day[];
  readonly columns: readonly Column<Day>[];
}

const WIDTH = 720;
const HEIGHT = 150;
/** Room below for the days, and above for the largest. */
const FOOT = 18;
const HEAD = 16;

export const dayFigure = <Day extends DayOf>({ caption, currency, days, columns }: Figure<Day>): Page => {
  const values = days.map(({ captured }) => Number(captured));
  const most = Math.max(1, ...values);
  const step = WIDTH / Math.max(1, days.length);
  const tall = HEIGHT - FOOT - HEAD;
  const bars = values.map((value, at) => {
    const height = (Math.max(0, value) / most) * tall;
    return `<rect x="${(at * step + step * 0.15).toFixed(1)}" y="${(HEIGHT - FOOT - height).toFixed(1)}" width="${(step * 0.7).toFixed(1)}" height="${height.toFixed(1)}" rx="1.5"/>`;
  });
  const largest = days[values.indexOf(most)];
  const svg: Page = {
    html:
      `<svg class="bars" viewBox="0 0 ${WIDTH} ${HEIGHT}" aria-hidden="true" focusable="false">` +
      `<line x1="0" x2="${WIDTH}" y1="${HEAD}" y2="${HEAD}"/><line class="base" x1="0" x2="${WIDTH}" y1="${HEIGHT - FOOT}" y2="${HEIGHT - FOOT}"/>` +
      `${bars.join('')}<text x="0" y="11">${html`${largest === undefined ? '' : decimal(largest.captured, currency)}`.html}</text>` +
      `<text x="0" y="${HEIGHT - 4}">${days[0]?.day ?? ''}</text><text x="${WIDTH}" y="${HEIGHT - 4}" text-anchor="end">${days.at(-1)?.day ?? ''}</text></svg>`,
  };
  return html`<figure class="days">
    <figcaption>${caption}</figcaption>
    <div class="drawing" data-currency="${currency.toUpperCase()}">${svg}</div>
    <details>
      <summary>The same as a table</summary>
      ${table<Day>({
        caption,
        isCaptionHidden: true,
        columns: [
          { head: 'Day', isHead: true, cell: ({ day }) => html`<time datetime="${day}">${day}</time>` },
          {
            head: `Captured, ${currency.toUpperCase()}`,
            isNumber: true,
            cell: ({ captured }) => amount(captured, currency),
          },
          ...columns,
        ],
        rows: days.toReversed(),
      })}
    </details>
  </figure>`;
};

/** Each day from one to another, by its name in a calendar. */
export const daysBetween = (from: string, to: string): readonly string[] => {
  const days: string[] = [];
  const end = Date.parse(to);
  for (let at = Date.parse(from); at <= end && days.length < DAYS_MAX; at += DAY_MS)
    days.push(new Date(at).toISOString().slice(0, 10));
  return days;
};
const DAY_MS = 24 * 3600 * 1000;
const DAYS_MAX = 400;

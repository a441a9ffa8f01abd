/** Tables of money: one head, one number of decimals a column, and on a phone a list of definitions. */
import { html, NOTHING, type Page } from '../pages/html.ts';

export interface Column<Row> {
  readonly head: string;
  readonly cell: (row: Row) => Page;
  /** Numbers stand on the right, with their head above them. */
  readonly isNumber?: true;
  /** What names the row: its header. The first column, where none says so. */
  readonly isHead?: true;
  /** On a phone another cell says it. */
  readonly isForDesk?: true;
}

export interface TableOf<Row> {
  /** What, when and in which zone. */
  readonly caption: string | Page;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  /** A cell for each column: totals. */
  readonly foot?: readonly (readonly Page[])[];
  readonly isCaptionHidden?: boolean;
}

// The roles say again what the elements are: where each row is drawn as a list of definitions, on a phone, some browsers
// would else no longer tell that it is a table.
export const table = <Row>({ caption, columns, rows, foot = [], isCaptionHidden = false }: TableOf<Row>): Page => {
  const named = Math.max(
    0,
    columns.findIndex(({ isHead }) => isHead),
  );
  const classOf = ({ isNumber, isForDesk }: Column<Row>): string =>
    [isNumber ? 'num' : '', isForDesk ? 'desk' : ''].filter(Boolean).join(' ');
  const line = (cells: readonly Page[]): Page =>
    html`<tr role="row">
      ${columns.map((column, at) => {
        const cell = cells[at] ?? NOTHING;
        // On a phone nothing is said of what is not there.
        const kind = [classOf(column), cell.html.trim() === '' ? 'void' : ''].filter(Boolean).join(' ');
        const inner = html`<span class="label" aria-hidden="true">${column.head}</span>
          <div class="cell">${cell}</div>`;
        return at === named
          ? html`<th role="rowheader" scope="row" class="${kind}">${inner}</th>`
          : html`<td role="cell" class="${kind}">${inner}</td>`;
      })}
    </tr>`;
  return html`<div class="scroll">
    <table role="table" class="rows">
      <caption class="${isCaptionHidden ? 'said' : ''}">
        ${caption}
      </caption>
      <thead role="rowgroup">
        <tr role="row">
          ${columns.map(
            (column) => html`<th role="columnheader" scope="col" class="${classOf(column)}">${column.head}</th>`,
          )}
        </tr>
      </thead>
      <tbody role="rowgroup">
        ${rows.map((row) => line(columns.map(({ cell }) => cell(row))))}
      </tbody>
      ${
        foot.length === 0
          ? NOTHING
          : html`<tfoot role="rowgroup">
              ${foot.map(line)}
            </tfoot>`
      }
    </table>
  </div>`;
};

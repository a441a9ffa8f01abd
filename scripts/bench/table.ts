/** The figures, as a person reads them in a terminal. */
import { METRICS, medianIn, ratioOf, type Metric, type Results, type ScenarioResult } from './figures.ts';
import type { Report } from './load/report.ts';
import { errorsOf } from './run-load.ts';

/** Columns of text, the first to the left and the others to the right. */
export const columns = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => (row[at] ?? '').length)));
  const cell = (text: string, at: number): string =>
    at === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[at] ?? 0);
  return rows.map((row) => row.map(cell).join('  ').trimEnd()).join('\n');
};

const show = (value: number | undefined, digits: number): string =>
  value === undefined
    ? 'not measured'
    : value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const SHOWN: readonly Metric[] = [
  METRICS.rate,
  METRICS.p50,
  METRICS.p99,
  METRICS.p999,
  METRICS.service,
  METRICS.postgres,
  METRICS.stripe,
  METRICS.load,
  METRICS.memory,
];
const COMPARED: readonly Metric[] = [
  METRICS.rate,
  METRICS.p50,
  METRICS.p99,
  METRICS.p999,
  METRICS.service,
  METRICS.postgres,
  METRICS.both,
  METRICS.memory,
];

const row = (name: string, reports: readonly Report[]): string[] => [
  name,
  reports[0]?.mode ?? '',
  ...SHOWN.map((metric) => show(medianIn(reports, metric), metric.digits)),
  String(reports.reduce((sum, report) => sum + errorsOf(report), 0)),
];

const ratioRow = (result: ScenarioResult): string[] => [
  result.scenario,
  ...COMPARED.map((metric) => {
    const ratio = ratioOf(result, metric);
    return ratio ? `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})` : '–';
  }),
];

const NOTES = `
Medians of the rounds. µs: CPU a request, of the process and all its children, user and system.
load: what the generator itself takes, on the same cores. memory: the service at its peak, private pages and the largest
shared part. Latency counts from when a request should have been sent in an open loop, from when it was sent in a closed one.`;

/** The first of each run: the rest of them mostly say the same. */
const errorLines = ({ scenarios }: Results): string[] =>
  scenarios.flatMap(({ scenario, own, other }) => [
    ...own.flatMap(({ errors }) => errors.slice(0, 1).map((error) => `${scenario}: ${error}`)),
    ...other.flatMap(({ errors }) => errors.slice(0, 1).map((error) => `${scenario}, other: ${error}`)),
  ]);

export const tableOf = (results: Results): string => {
  const { scenarios, machine } = results;
  const compared = scenarios.filter(({ other }) => other.length > 0);
  const rows = scenarios.flatMap(({ scenario, own, other }) => [
    row(scenario, own),
    ...(other.length > 0 ? [row('  other', other)] : []),
  ]);
  const parts = [
    machine,
    columns([['scenario', 'loop', ...SHOWN.map(({ title }) => title), 'errors'], ...rows]),
    ...(compared.length > 0
      ? [
          'Ours to the other: median of the rounds (lowest–highest)',
          columns([['scenario', ...COMPARED.map(({ title }) => title)], ...compared.map(ratioRow)]),
        ]
      : []),
    NOTES.trim(),
    ...errorLines(results),
  ];
  return `${parts.join('\n\n')}\n`;
};

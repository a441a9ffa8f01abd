/** Draws results as SVG: what a request costs in CPU, and how that and the rest compare with the other service. */
import { medianIn, METRICS, ratioOf, type Metric, type Results, type ScenarioResult } from './figures.ts';

/**
 * All colours are of middle lightness, with a contrast of about 4 on white and on near-black alike: the picture has no
 * background of its own, and an image cannot know which one it is shown on.
 */
const INK = '#7a7f87';
const GRID = '#7a7f8755';
const PARTS = [
  { metric: METRICS.service, name: 'service', colour: '#2f81d7' },
  { metric: METRICS.postgres, name: 'Postgres', colour: '#c2703d' },
  { metric: METRICS.stripe, name: 'Stripe endpoint', colour: '#8a6fd1' },
] as const;
const COMPARED: readonly { readonly metric: Metric; readonly name: string; readonly colour: string }[] = [
  { metric: METRICS.rate, name: 'throughput', colour: '#2f81d7' },
  { metric: METRICS.both, name: 'CPU of service and Postgres', colour: '#c2703d' },
  { metric: METRICS.p99, name: 'P99', colour: '#2e9a63' },
];

const WIDTH = 860;
const LABEL = 130;
const PLOT = WIDTH - LABEL - 90;
const BAR = 12;
const GAP = 12;
const HEAD = 58;

const text = (x: number, y: number, content: string, more = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${more}>${content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')}</text>`;
const rect = (x: number, y: number, width: number, colour: string, more = ''): string =>
  `<rect x="${x.toFixed(1)}" y="${y.toFixed(1)}" width="${Math.max(0, width).toFixed(1)}" height="${BAR - 2}" fill="${colour}" ${more}/>`;

interface Panel {
  readonly height: number;
  readonly draw: (top: number) => string[];
}

const legend = (top: number, entries: readonly { readonly name: string; readonly colour: string }[]): string[] => {
  let x = LABEL;
  return entries.flatMap(({ name, colour }) => {
    const at = x;
    x += 30 + name.length * 6.6;
    return [rect(at, top + 30, BAR - 2, colour), text(at + 15, top + 39, name)];
  });
};

/** A bar for each service, made of the processes that a request takes time of. */
const cpuPanel = (results: readonly ScenarioResult[], isCompared: boolean): Panel => {
  const shown = results.filter(({ own }) => medianIn(own, METRICS.service) !== undefined);
  const perScenario = (isCompared ? 2 : 1) * BAR + GAP;
  const totalOf = (reports: ScenarioResult['own']): number =>
    PARTS.reduce((sum, { metric }) => sum + (medianIn(reports, metric) ?? 0), 0);
  // A bulk request is a hundred transfers: beside it, nothing else could be seen.
  const perRequest = ({ scenario }: ScenarioResult): number => (scenario === 'bulk' ? 100 : 1);
  const largest = Math.max(
    1,
    ...shown.flatMap((one) => [totalOf(one.own) / perRequest(one), totalOf(one.other) / perRequest(one)]),
  );
  const bar = (y: number, reports: ScenarioResult['own'], divisor: number, isOther: boolean): string[] => {
    let x = LABEL;
    const parts = PARTS.map(({ metric, colour }) => {
      const width = ((medianIn(reports, metric) ?? 0) / divisor / largest) * PLOT;
      x += width;
      return rect(x - width, y, width, colour, isOther ? 'opacity="0.55"' : '');
    });
    const total = `${(totalOf(reports) / divisor).toFixed(0)} µs${isOther ? ' other' : ''}`;
    return [...parts, text(x + 5, y + BAR - 3, total, 'class="small"')];
  };
  return {
    height: HEAD + shown.length * perScenario + 20,
    draw: (top) => [
      text(
        0,
        top + 16,
        `CPU a request${shown.some(({ scenario }) => scenario === 'bulk') ? ' (bulk: a transfer)' : ''}`,
        'class="title"',
      ),
      ...legend(top, PARTS),
      ...shown.flatMap((one, n) => {
        const y = top + HEAD + n * perScenario;
        return [
          text(LABEL - 10, y + BAR - 2, one.scenario, 'text-anchor="end"'),
          ...bar(y, one.own, perRequest(one), false),
          ...(isCompared && one.other.length > 0 ? bar(y + BAR, one.other, perRequest(one), true) : []),
        ];
      }),
    ],
  };
};

/** Powers of two around 1, as far as there are ratios. */
const ticksFor = (ratios: readonly number[]): number[] => {
  const reach = Math.max(1, ...ratios.map((ratio) => Math.ceil(Math.abs(Math.log2(ratio)))));
  return Array.from({ length: 2 * reach + 1 }, (_, n) => 2 ** (n - reach));
};

/** On a logarithmic scale, on which twice and half are as far from 1; a line from the lowest to the highest round. */
const ratioPanel = (results: readonly ScenarioResult[]): Panel => {
  const shown = results.filter(({ other }) => other.length > 0);
  const perScenario = COMPARED.length * BAR + GAP;
  const all = shown.flatMap((one) => COMPARED.flatMap(({ metric }) => ratioOf(one, metric) ?? []));
  const ticks = ticksFor(all.flatMap(({ min, max }) => [min, max]));
  const reach = Math.log2(ticks.at(-1) ?? 2);
  const at = (ratio: number): number => LABEL + (Math.log2(ratio) / reach / 2 + 0.5) * PLOT;
  const height = HEAD + shown.length * perScenario;
  return {
    height: height + 40,
    draw: (top) => [
      text(0, top + 16, 'This service to the other: 1 is the same', 'class="title"'),
      ...legend(top, COMPARED),
      ...ticks.flatMap((tick) => [
        `<line x1="${at(tick).toFixed(1)}" x2="${at(tick).toFixed(1)}" y1="${top + HEAD - 6}" y2="${top + height - 4}" stroke="${tick === 1 ? INK : GRID}"/>`,
        text(
          at(tick),
          top + height + 10,
          tick < 1 ? `1/${1 / tick}` : String(tick),
          'text-anchor="middle" class="small"',
        ),
      ]),
      ...shown.flatMap((one, n) => {
        const y = top + HEAD + n * perScenario;
        return [
          text(LABEL - 10, y + BAR * 2 - 2, one.scenario, 'text-anchor="end"'),
          ...COMPARED.flatMap(({ metric, colour }, row) => {
            const ratio = ratioOf(one, metric);
            if (!ratio) return [];
            const [from, to] = [Math.min(at(1), at(ratio.median)), Math.max(at(1), at(ratio.median))];
            const middle = y + row * BAR + (BAR - 2) / 2;
            return [
              rect(from, y + row * BAR, to - from, colour),
              `<line x1="${at(ratio.min).toFixed(1)}" x2="${at(ratio.max).toFixed(1)}" y1="${middle}" y2="${middle}" stroke="${INK}" stroke-width="1.5"/>`,
              text(
                LABEL + PLOT + 8,
                y + row * BAR + BAR - 3,
                ratio.median.toFixed(2),
                `class="small" style="fill:${colour}"`,
              ),
            ];
          }),
        ];
      }),
    ],
  };
};

/** An SVG document. */
export const chartOf = ({ scenarios, machine }: Results): string => {
  const isCompared = scenarios.some(({ other }) => other.length > 0);
  const panels = [...(isCompared ? [ratioPanel(scenarios)] : []), cpuPanel(scenarios, isCompared)];
  let top = 10;
  const drawn = panels.flatMap(({ height, draw }) => {
    const at = top;
    top += height;
    return draw(at);
  });
  const [hardware = '', ...rest] = machine.split('; ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top + 40}" width="${WIDTH}" height="${top + 40}" role="img" aria-label="Benchmark results">
<style>text{font:12px system-ui,sans-serif;fill:${INK}}.title{font-size:15px;font-weight:600}.small{font-size:10.5px}</style>
${drawn.join('\n')}
${text(0, top + 14, hardware, 'class="small"')}
${text(0, top + 29, rest.join('; '), 'class="small"')}
</svg>
`;
};

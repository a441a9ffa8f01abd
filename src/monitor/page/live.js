// The live page: asks the ops port once a second, and draws. Nothing is built, and nothing comes from another host.
import uPlot from '/uplot.js';

const EVERY_MS = 1000;
const KEY = 'quittance-oncall-key';
const byId = (id) => document.getElementById(id);
const main = document.querySelector('main');
const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Text is set as text: a route or a function is never read as HTML. */
const element = (tag, text, className = '') => {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
};

const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 8);
// Without a pointer there is nothing to show the values of.
const live = matchMedia('(hover: hover)').matches;

const chart = (id, series) => {
  const place = byId(id);
  const size = () => ({ width: Math.max(200, place.clientWidth), height: 190 });
  const axis = { stroke: '#8b98a5', grid: { stroke: '#8b98a533', width: 1 }, ticks: { show: false } };
  const plot = new uPlot(
    {
      ...size(),
      cursor: { sync: { key: 'time' } },
      legend: { live },
      axes: [
        { ...axis, space: 80, values: (_plot, splits) => splits.map(clock) },
        { ...axis, size: 46 },
      ],
      scales: { y: { range: (_plot, _min, max) => [0, Math.max(10, max * 1.1)] } },
      series: [
        { label: 'at', value: (_plot, seconds) => (seconds == null ? '--' : clock(seconds)) },
        ...series.map(([label, stroke]) => ({
          label,
          stroke,
          width: 1.5,
          fill: `${stroke}22`,
          points: { show: false },
        })),
      ],
    },
    [[], ...series.map(() => [])],
    place,
  );
  new ResizeObserver(() => plot.setSize(size())).observe(place);
  return (...columns) => plot.setData(columns);
};

let draw;
const charts = () => {
  const lag = chart('lag', [['delay', '#d9730d']]);
  const gc = chart('gc', [
    ['collecting', '#8250df'],
    ['blocked', '#cf222e'],
  ]);
  const load = chart('load', [
    ['in flight', '#0969da'],
    ['refused', '#cf222e'],
  ]);
  return (points) => {
    const of = (name) => points.map((point) => point[name]);
    lag(of('t'), of('lagMs'));
    gc(of('t'), of('gcMs'), of('stallMs'));
    load(of('t'), of('inflight'), of('shed'));
  };
};

const tile = (label, value, className) => {
  const made = element('div', '', className);
  made.append(element('b', value), element('span', label));
  return made;
};

const SIGNS = { ok: '✓', degraded: '!', bad: '✗' };
const CLASSES = { ok: 'ok', degraded: 'warn', bad: 'bad' };
const LEVELS = { metric: '', info: '', warn: 'warn', error: 'bad', fatal: 'bad' };

const show = (now) => {
  main.hidden = false;
  draw ??= charts();
  const last = now.points.at(-1) ?? { lagMs: 0, utilisation: 0, shed: 0 };
  const blocked = now.loop.blocked_ms;
  const lagMs = Math.max(last.lagMs, blocked);
  const unknown = now.unknown?.count ?? 0;
  const spent = now.live?.spent;
  byId('tiles').replaceChildren(
    tile(
      'loop delay',
      `${lagMs < 10 ? lagMs.toFixed(1) : Math.round(lagMs)} ms`,
      lagMs >= 500 ? 'bad' : lagMs >= 50 ? 'warn' : '',
    ),
    tile('loop busy', `${Math.round(last.utilisation * 100)} %`, last.utilisation > 0.95 ? 'warn' : ''),
    tile('in flight', String(now.inflight)),
    tile('refused a second', String(last.shed), last.shed > 0 ? 'warn' : ''),
    tile('wait for the commit', String(now.live?.waiting.commit ?? 0)),
    tile(
      'unknown outcomes',
      unknown > 0 ? `${unknown}, ${Math.round(now.unknown.oldestMs / 1000)} s` : '0',
      unknown > 0 ? 'warn' : '',
    ),
    tile('requests', spent ? spent.requests.toLocaleString('en') : '0'),
  );
  draw(now.points);
  const lines = now.stalls.map((stall) => {
    const line = element('li', '', LEVELS[stall.severity]);
    line.append(element('time', new Date(stall.at).toLocaleTimeString()), stall.msg);
    return line;
  });
  byId('stalls').replaceChildren(...(lines.length > 0 ? lines : [element('li', 'None seen.')]));
  const rows = now.culprits.map((one) => {
    const row = document.createElement('tr');
    const cells = [
      (one.ms / 1000).toFixed(1),
      one.cause,
      `${one.method ?? ''} ${one.route ?? 'no route'}`,
      one.at ?? '',
      `${one.stalls} ×`,
    ];
    row.append(...cells.map((text) => element('td', text)));
    return row;
  });
  byId('culprits')
    .querySelector('tbody')
    .replaceChildren(...rows);
  byId('checks').replaceChildren(
    ...Object.entries(now.checks).map(([name, { state, detail }]) =>
      element('li', `${SIGNS[state]} ${name.replaceAll('_', ' ')}: ${detail}`, CLASSES[state]),
    ),
  );
  byId('verdict').textContent = now.verdict.summary;
  const state = byId('state');
  const broken = Object.entries(now.checks).filter(([, { state }]) => state === 'bad');
  state.className = broken.length > 0 || blocked > 0 ? 'bad' : '';
  if (blocked > 0) state.textContent = `Blocked for ${(blocked / 1000).toFixed(1)} s`;
  else if (broken.length > 0)
    state.textContent = `Not ready: ${broken.map(([name]) => name.replaceAll('_', ' ')).join(', ')}`;
  else state.textContent = `Ready, ${new Date().toLocaleTimeString()}`;
};

const broken = (why) => {
  byId('state').textContent = why;
  byId('state').className = 'bad';
};

const ask = async () => {
  const key = sessionStorage.getItem(KEY);
  try {
    const reply = await fetch('/live', { headers: key ? { Authorization: `Bearer ${key}` } : {} });
    byId('key').hidden = reply.status !== 401;
    if (reply.status === 401)
      byId('state').textContent = key ? 'This key does not open it.' : 'An on-call key opens it.';
    else if (reply.ok) show(await reply.json());
    else broken((await reply.json()).error.message);
  } catch {
    broken('The ops port does not answer.');
  }
};

byId('key').addEventListener('submit', (event) => {
  event.preventDefault();
  sessionStorage.setItem(KEY, byId('secret').value.trim());
  void ask();
});
// One question at a time, and none while nobody looks.
const again = async () => {
  if (!document.hidden) await ask();
  setTimeout(again, EVERY_MS);
};
void again();

// The live page: asks the ops port once a second, and draws. Nothing is built, and nothing comes from another host.
import uPlot from '/uplot.js';

const EVERY_MS = 1000;
/** The ops thread answers in milliseconds, whatever the service does: later than this, nothing of the process runs. */
const PATIENCE_MS = 3000;
let answeredAt;
const KEY = 'quittance-oncall-key';
const byId = (id) => document.getElementById(id);
const main = document.querySelector('main');
/** A canvas knows no variables, nor colours that are one by day and another by night. */
const sample = document.body.appendChild(document.createElement('i'));
const css = (name) => {
  sample.style.color = `var(${name})`;
  return getComputedStyle(sample).color;
};

/** Text is set as text: a route or a function is never read as HTML. */
const element = (tag, text, className = '') => {
  const made = document.createElement(tag);
  made.textContent = text;
  made.className = className;
  return made;
};

const clock = (seconds) => new Date(seconds * 1000).toTimeString().slice(0, 8);
const timeOf = (iso) => clock(Date.parse(iso) / 1000);
/** The log has its times in UTC, and a person who was woken compares them. */
const zone = () => {
  const minutes = -new Date().getTimezoneOffset();
  if (minutes === 0) return 'UTC';
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `UTC${minutes < 0 ? '−' : '+'}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
};
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
      hooks: { draw: [drawMarks] },
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

/** What happened: deploys and restarts, what broke and was mended. */
let marks = [];
const drawMarks = ({ ctx, bbox, valToPos }) => {
  ctx.save();
  for (const { at, level } of marks) {
    const x = valToPos(Date.parse(at) / 1000, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = css(level === 'ok' ? '--ok' : level === 'bad' ? '--bad' : '--warn');
    ctx.setLineDash([4, 4]);
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
};

let draw;
const charts = () => {
  const lag = chart('lag', [['delay', '#d9730d']]);
  const gc = chart('gc', [
    ['collecting', '#8250df'],
    ['blocked', '#cf222e'],
  ]);
  const calls = chart('calls', [
    ['database', '#1a7f5a'],
    ['Stripe', '#635bff'],
  ]);
  const load = chart('load', [
    ['in flight', '#0969da'],
    ['refused', '#cf222e'],
  ]);
  return (points) => {
    const of = (name) => points.map((point) => point[name]);
    lag(of('t'), of('lagMs'));
    gc(of('t'), of('gcMs'), of('stallMs'));
    calls(of('t'), of('databaseMs'), of('stripeMs'));
    load(of('t'), of('inflight'), of('shed'));
  };
};

const tile = (label, value, className) => {
  const made = element('div', '', className);
  made.append(element('b', value), element('span', label));
  return made;
};

/** Shorter, it is over before anyone has read of it. */
const BLOCKED_MIN_MS = 500;
const RANKS = { ok: 0, degraded: 1, bad: 2 };
const SIGNS = { ok: '✓', degraded: '!', bad: '✗' };
const CLASSES = { ok: 'ok', degraded: 'warn', bad: 'bad' };
/** What is wrong, first and large. */
const tell = ({ level, what, detail, heading, sentence }) => {
  const card = element('div', '', `trouble ${level}`);
  const more = element('p', `${sentence} `);
  const link = element('a', 'What to do');
  link.href = `/runbook#${heading}`;
  more.append(link);
  card.append(element('h2', what), element('p', detail), more);
  return card;
};

/** Of texts and elements. */
const rowOf = (cells) => {
  const row = document.createElement('tr');
  row.append(
    ...cells.map((cell) => {
      const made = document.createElement('td');
      made.append(cell);
      return made;
    }),
  );
  return row;
};

/** By what name this page was opened, that machine has the console too, unless it is known to be elsewhere. */
const consoleAt = (address) => {
  const url = new URL(address);
  if (/^(127\.|0\.0\.0\.0$|localhost$|\[::1?\]$)/.test(url.hostname)) url.hostname = location.hostname;
  return url.href.replace(/\/$/, '');
};

const paymentLink = (now, payment) => {
  if (!now.console_url) return payment;
  const link = element('a', payment);
  link.href = `${consoleAt(now.console_url)}/payments/${payment}`;
  link.target = '_blank';
  link.rel = 'noreferrer';
  return link;
};

const ago = (ms) => (ms < 120_000 ? `${Math.round(ms / 1000)} s` : `${Math.round(ms / 60_000)} min`);

/** The mean of the last ten seconds in which there were any. */
const latency = (points, name) => {
  const some = points.slice(-10).flatMap((point) => (point[name] > 0 ? [point[name]] : []));
  if (some.length === 0) return '–';
  const mean = some.reduce((sum, ms) => sum + ms, 0) / some.length;
  return `${mean < 10 ? mean.toFixed(1) : Math.round(mean)} ms`;
};

/** The worst of the checks of that name, whichever process has it. */
const classOf = (checks, name) => {
  const states = Object.entries(checks).flatMap(([key, { state }]) => (key.endsWith(name) ? [state] : []));
  return states.includes('bad') ? 'bad' : states.includes('degraded') ? 'warn' : '';
};

/** How long a call takes, or that it is of no use. */
const callTile = (label, { checks, points }, name, down) => {
  const state = classOf(checks, label.toLowerCase());
  return down.includes(state) ? tile(label, 'down', 'bad') : tile(label, latency(points, name), state);
};

const showLists = (now) => {
  const oldest = now.unknown?.oldest ?? [];
  byId('unknown').hidden = oldest.length === 0;
  byId('unknown')
    .querySelector('tbody')
    .replaceChildren(
      ...oldest.map(({ merchant, payment, kind, ageMs }) =>
        rowOf([paymentLink(now, payment), kind, ago(ageMs), merchant]),
      ),
    );
  const { contradictions } = now;
  byId('contradictions').hidden = contradictions.length === 0;
  byId('contradictions')
    .querySelector('tbody')
    .replaceChildren(
      ...contradictions.map(({ kind, merchant, payment, subject, detail, ageMs }) =>
        rowOf([
          kind.replaceAll('_', ' '),
          payment === null ? subject : paymentLink(now, payment),
          detail,
          ago(ageMs),
          merchant ?? 'of no merchant alone',
        ]),
      ),
    );
  byId('processes').hidden = now.processes.length + now.silent.length < 2;
  const silent = now.silent.map(({ worker, pid }) => [`${worker} (pid ${pid})`, 'does not answer', '', '', '']);
  const processes = now.processes.map((one) => [
    `${one.index ?? ''} (pid ${one.pid})`,
    one.blockedMs > 0 ? `blocked ${Math.round(one.blockedMs)} ms` : `${Math.round(one.lagMs)} ms`,
    `${Math.round(one.utilisation * 100)} %`,
    String(one.inflight),
    timeOf(one.startedAt),
  ]);
  byId('processes')
    .querySelector('tbody')
    .replaceChildren(...[...processes, ...silent].map(rowOf));
  const happened = now.marks.toReversed().map(({ at, what, level }) => {
    const line = element('li', '', CLASSES[level]);
    line.append(element('time', timeOf(at)), what);
    return line;
  });
  byId('marks').replaceChildren(...happened);
};

const LEVELS = { metric: '', info: '', warn: 'warn', error: 'bad', fatal: 'bad' };

const show = (now) => {
  main.hidden = false;
  draw ??= charts();
  const last = now.points.at(-1) ?? { lagMs: 0, utilisation: 0, shed: 0 };
  const blocked = now.loop.blocked_ms >= BLOCKED_MIN_MS ? now.loop.blocked_ms : 0;
  const lagMs = Math.max(last.lagMs, blocked);
  const unknown = now.unknown?.count ?? 0;
  marks = now.marks;
  byId('story').replaceChildren(...now.story.map(tell));
  showLists(now);
  byId('tiles').replaceChildren(
    tile(
      'loop delay',
      `${lagMs < 10 ? lagMs.toFixed(1) : Math.round(lagMs)} ms`,
      lagMs >= 500 ? 'bad' : lagMs >= 50 ? 'warn' : '',
    ),
    tile('loop busy', `${Math.round(last.utilisation * 100)} %`, last.utilisation > 0.95 ? 'warn' : ''),
    callTile('database', now, 'databaseMs', ['bad']),
    // Charges are refused, and yet requests are served.
    callTile('Stripe', now, 'stripeMs', ['bad', 'warn']),
    tile('in flight', String(now.inflight)),
    tile('refused a second', String(last.shed), last.shed > 0 ? 'warn' : ''),
    tile('wait for the commit', String(now.live?.waiting.commit ?? 0)),
    tile(
      'unknown outcomes',
      unknown > 0 ? `${unknown}, ${Math.round(now.unknown.oldestMs / 1000)} s` : '0',
      unknown > 0 ? 'warn' : '',
    ),
  );
  draw(now.points);
  const lines = now.stalls.map((stall) => {
    const line = element('li', '', LEVELS[stall.severity]);
    line.append(element('time', timeOf(stall.at)), stall.msg);
    return line;
  });
  byId('stalls').replaceChildren(...(lines.length > 0 ? lines : [element('li', 'None seen.')]));
  const rows = now.culprits.map(({ ms, cause, method = '', route = 'no route', at = '', stalls }) =>
    rowOf([(ms / 1000).toFixed(1), cause, `${method} ${route}`, at, `${stalls} ×`]),
  );
  byId('culprits').hidden = rows.length === 0;
  byId('culprits')
    .querySelector('tbody')
    .replaceChildren(...rows);
  byId('checks').replaceChildren(
    // What does not hold first.
    ...Object.entries(now.checks)
      .sort(([, a], [, b]) => RANKS[b.state] - RANKS[a.state])
      .map(([name, { state, detail }]) =>
        element('li', `${SIGNS[state]} ${name.replaceAll('_', ' ')}: ${detail}`, CLASSES[state]),
      ),
  );
  byId('verdict').textContent = now.verdict.summary;
  const worst = now.story[0];
  const state = byId('state');
  const isReady = Object.values(now.checks).every((check) => check.state !== 'bad');
  state.className = !isReady || blocked > 0 || worst?.level === 'red' ? 'bad' : worst ? 'warn' : '';
  const at = `${clock(Date.now() / 1000)} ${zone()}`;
  if (blocked > 0) state.textContent = `Blocked for ${(blocked / 1000).toFixed(1)} s`;
  else
    state.textContent = `${isReady ? (worst?.level === 'red' ? 'Ready, but not well' : 'Ready') : 'Not ready'}, ${at}${worst ? '' : ': nothing is wrong'}`;
  document.title = worst ? `${worst.level === 'red' ? '●' : '○'} ${worst.what}` : 'Quittance: now';
};

const broken = (why) => {
  byId('state').textContent = why;
  byId('state').className = 'bad';
};

const ask = async () => {
  const key = sessionStorage.getItem(KEY);
  try {
    const reply = await fetch('/live', {
      headers: key ? { Authorization: `Bearer ${key}` } : {},
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    byId('key').hidden = reply.status !== 401;
    if (reply.status === 401)
      byId('state').textContent = key ? 'This key does not open it.' : 'An on-call key opens it.';
    else if (reply.ok) {
      show(await reply.json());
      answeredAt = Date.now();
    } else broken((await reply.json()).error.message);
  } catch {
    const shownAt = answeredAt === undefined ? '' : ` What is shown is of ${clock(answeredAt / 1000)}.`;
    broken(`The ops port does not answer: the process is stopped, gone, or has no core.${shownAt}`);
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

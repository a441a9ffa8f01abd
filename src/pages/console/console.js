/** What a page does beyond reading: copies ids, closes what was opened, finds by a key. Without it all can be read. */
for (const button of document.querySelectorAll('.copy')) {
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add('done');
    setTimeout(() => button.classList.remove('done'), 1500);
  });
}

const opened = () => document.querySelectorAll('.chip details[open]');
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape')
    for (const details of opened()) {
      details.open = false;
      details.querySelector('summary').focus();
    }
  const isWriting = event.target.closest('input, select, textarea') !== null;
  if (event.key === '/' && !isWriting && !event.ctrlKey && !event.metaKey && !event.altKey) {
    event.preventDefault();
    const menu = document.querySelector('.menu');
    menu.open = true;
    document.getElementById('find').focus();
  }
});
document.addEventListener('click', (event) => {
  for (const details of opened()) if (!details.contains(event.target)) details.open = false;
});

/** Figures are drawn again with a cursor, from the rows of their own tables. */
const colour = (name) => getComputedStyle(document.body).getPropertyValue(name).trim();
const resolved = (name) => {
  const probe = document.createElement('i');
  probe.style.color = `var(${name})`;
  document.body.append(probe);
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
};
const figures = [...document.querySelectorAll('figure.days')];
if (figures.length > 0) {
  const { default: uPlot } = await import('/console/uplot.js');
  const draw = (figure) => {
    const place = figure.querySelector('.drawing');
    const rows = [...figure.querySelectorAll('tbody tr')].reverse();
    const days = rows.map((row) => Date.parse(row.querySelector('time').dateTime) / 1000);
    const cells = rows.map((row) => row.querySelector('data'));
    const values = cells.map((cell) => Number(cell.textContent));
    const decimals = cells[0]?.textContent.split('.')[1]?.length ?? 0;
    const written = (value) => value.toLocaleString('en', { minimumFractionDigits: decimals });
    const axis = {
      stroke: resolved('--quiet'),
      grid: { stroke: resolved('--hair'), width: 1 },
      ticks: { show: false },
      font: `11px ${colour('--letters')}`,
    };
    const told = figure.querySelector('.reading') ?? document.createElement('p');
    told.className = 'reading';
    place.after(told);
    const read = (at) => {
      told.textContent = `${rows[at].querySelector('time').dateTime}: ${written(values[at])} ${place.dataset.currency}`;
    };
    const plot = new uPlot(
      {
        width: place.clientWidth,
        height: 190,
        cursor: { y: false, points: { show: false } },
        legend: { show: false },
        hooks: { setCursor: [({ cursor: { idx } }) => read(idx ?? days.length - 1)] },
        scales: {
          x: { time: true, range: (_, low, high) => [low - 43_200, high + 43_200] },
          y: { range: (_, low, high) => [Math.min(0, low), high || 1] },
        },
        tzDate: (at) => uPlot.tzDate(new Date(at * 1000), 'UTC'),
        axes: [
          {
            ...axis,
            size: 28,
            grid: { show: false },
            values: (_, at) => at.map((one) => new Date(one * 1000).toISOString().slice(5, 10)),
          },
          { ...axis, size: 70, values: (_, all) => all.map((one) => one.toLocaleString('en')) },
        ],
        series: [
          {},
          {
            fill: resolved('--link'),
            width: 0,
            points: { show: false },
            paths: uPlot.paths.bars({ size: [0.7, 26], radius: 0.1 }),
          },
        ],
      },
      [days, values],
      place,
    );
    place.classList.add('drawn');
    read(days.length - 1);
    return plot;
  };
  let plots = figures.map(draw);
  const redraw = () => {
    for (const plot of plots) plot.destroy();
    plots = figures.map(draw);
  };
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw);
  let timer;
  addEventListener('resize', () => {
    clearTimeout(timer);
    timer = setTimeout(redraw, 150);
  });
}

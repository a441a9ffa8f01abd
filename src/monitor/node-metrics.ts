/** What Node and the operating system tell of the event loop and of the process. */
import { readdir } from 'node:fs/promises';
import { performance, type RecordableHistogram } from 'node:perf_hooks';
import { getHeapSpaceStatistics } from 'node:v8';
import { Counter, Gauge, type Aggregator, type Registry } from 'prom-client';

/** What several processes show is summed, unless told otherwise. */
export type GaugeOf = (name: string, help: string, read: () => number | undefined, aggregator?: Aggregator) => void;
export type GaugesOf = (
  name: string,
  help: string,
  label: string,
  read: () => Readonly<Record<string, number>>,
  aggregator?: Aggregator,
) => void;

/** prom-client's names, so that dashboards that exist show it; measured by the beat, not by the scrape. */
export const gaugeTheLoop = (gauge: GaugeOf, lag: () => RecordableHistogram | undefined): void => {
  // Of several processes, the one that is worst off.
  const of = (suffix: string, help: string, read: (histogram: RecordableHistogram) => number): void => {
    const readS = (): number | undefined => {
      const histogram = lag();
      return histogram && histogram.count > 0 ? read(histogram) / 1e9 : undefined;
    };
    gauge(`nodejs_eventloop_lag_${suffix}seconds`, `${help} over the last ten seconds.`, readS, 'max');
  };
  of('', 'The mean delay of the event loop', ({ mean }) => mean);
  of('min_', 'The shortest delay of the event loop', ({ min }) => min);
  of('max_', 'The longest delay of the event loop', ({ max }) => max);
  of('mean_', 'The mean delay of the event loop', ({ mean }) => mean);
  of('stddev_', 'The standard deviation of the delay of the event loop', ({ stddev }) => stddev);
  for (const p of [50, 90, 99])
    of(`p${p}_`, `The ${p}th percentile of the delay of the event loop`, (histogram) => histogram.percentile(p));
  let since = performance.eventLoopUtilization();
  gauge(
    'nodejs_eventloop_utilization_ratio',
    'The share of the time since the last scrape in which the loop had work.',
    () => {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, since);
      since = now;
      return utilization;
    },
    'average',
  );
};

export const gaugeTheProcess = (gauge: GaugeOf, gauges: GaugesOf, registers: Registry[]): void => {
  new Counter({
    name: 'process_cpu_seconds_total',
    help: 'CPU of the process, user and system, all threads.',
    registers,
    collect() {
      const { user, system } = process.cpuUsage();
      this.reset();
      this.inc((user + system) / 1e6);
    },
  });
  const startedS = Math.round(Date.now() / 1000 - process.uptime());
  gauge('process_start_time_seconds', 'When the process started, in seconds since 1970.', () => startedS, 'min');
  gauge('process_resident_memory_bytes', 'Memory that the process holds.', () => process.memoryUsage.rss());
  gauge('nodejs_heap_size_used_bytes', 'V8 heap in use, main thread.', () => process.memoryUsage().heapUsed);
  gauge('nodejs_heap_size_total_bytes', 'V8 heap, main thread.', () => process.memoryUsage().heapTotal);
  gauge('nodejs_external_memory_bytes', 'Memory of buffers outside the heap.', () => process.memoryUsage().external);
  gauges('nodejs_heap_space_size_used_bytes', 'V8 heap in use, by space.', 'space', () =>
    Object.fromEntries(
      getHeapSpaceStatistics().map(({ space_name, space_used_size }) => [space_name, space_used_size]),
    ),
  );
  gauges('nodejs_active_resources', 'What keeps the loop alive, by kind.', 'type', () => {
    const counts: Record<string, number> = {};
    for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
    return counts;
  });
  new Gauge({
    name: 'process_open_fds',
    help: 'Open file descriptors.',
    registers,
    async collect() {
      const open = await readdir('/proc/self/fd').catch(() => undefined);
      if (open) this.set(open.length);
    },
  });
};

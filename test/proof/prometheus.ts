/** Prometheus itself, before a service: with the rules as they are, or at another pace. */
import { execFile, spawn } from 'node:child_process';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { until } from '../../src/platform/process.ts';
import { createTempDir } from '../../scripts/temp-dir.ts';
import { freePort } from '../support/world.ts';

const RULES = new URL('../../scripts/ops/rules.yml', import.meta.url);

export const hasPrometheus = (): Promise<boolean> =>
  promisify(execFile)('prometheus', ['--version']).then(
    () => true,
    () => false,
  );

export interface Alert {
  readonly name: string;
  readonly state: 'pending' | 'firing';
  readonly summary: string;
}

export interface Prometheus {
  /** Those that fire, or will where it goes on. */
  readonly alerts: () => Promise<readonly Alert[]>;
  readonly stop: () => Promise<void>;
}

export interface PrometheusOptions {
  readonly opsUrl: string;
  readonly key: string;
  readonly scrapeMs: number;
  /** What becomes of the rules before it reads them; left out, nothing. */
  readonly pace?: (rules: string) => string;
}

/** Scrapes that ops port with that key. */
export const startPrometheus = async (options: PrometheusOptions): Promise<Prometheus> => {
  const { opsUrl, key, scrapeMs, pace = (rules) => rules } = options;
  const folder = await createTempDir('prometheus');
  const port = await freePort();
  const every = `${scrapeMs}ms`;
  const config = {
    global: { scrape_interval: every, scrape_timeout: every, evaluation_interval: every },
    rule_files: ['rules.yml'],
    scrape_configs: [
      {
        job_name: 'quittance',
        authorization: { credentials: key },
        static_configs: [{ targets: [new URL(opsUrl).host] }],
      },
    ],
  };
  await writeFile(join(folder, 'rules.yml'), pace(await readFile(RULES, 'utf8')));
  // JSON is YAML.
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(config));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--log.level=error',
    ],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
  const gone = new Promise((settle) => child.once('exit', settle));
  const url = `http://127.0.0.1:${port}`;
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await gone;
    await rm(folder, { recursive: true, force: true });
  };
  const isReady = await until(
    () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    20_000,
  );
  if (!isReady) {
    await stop();
    throw new Error('Prometheus did not start');
  }
  return {
    alerts: async () => {
      const { data } = (await (await fetch(`${url}/api/v1/alerts`)).json()) as {
        data: { alerts: { state: Alert['state']; labels: { alertname: string }; annotations: { summary: string } }[] };
      };
      return data.alerts.map(({ state, labels, annotations }) => ({
        name: labels.alertname,
        state,
        summary: annotations.summary,
      }));
    },
    stop,
  };
};

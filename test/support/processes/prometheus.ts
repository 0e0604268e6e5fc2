/** A real Prometheus that scrapes what a test runs, and its answers. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../../../dev/ports.ts';
import { requireTool } from '../../../dev/tools/tools.ts';
import { startProcess } from './process.ts';

export type Target = {
  /** Of the aggregator, `http://127.0.0.1:<port>`. */
  readonly url: string;
  /** Given to every series of it, `instance` for example. */
  readonly labels?: Readonly<Record<string, string>>;
};

export type QueryResult = {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, value: string];
};

/** What was scraped of one series, oldest first. */
export type RawSeries = {
  readonly metric: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly atMs: number; readonly value: number }[];
};

export type PrometheusProcess = {
  readonly url: string;
  /** An instant query. @throws when Prometheus answers an error */
  query(expression: string): Promise<QueryResult[]>;
  /** The values of an expression that has one series, from `fromMs` until now. */
  valuesSince(expression: string, fromMs: number): Promise<number[]>;
  /** All that was scraped of the series that the selector chooses, as it was scraped. */
  raw(selector: string): Promise<RawSeries[]>;
  stop(): Promise<void>;
};

const SCRAPE_INTERVAL_MS = 200;

export type PrometheusOptions = {
  /** Default 200. Rules are evaluated as often. */
  readonly scrapeIntervalMs?: number;
  /** Texts of rule files. */
  readonly rules?: readonly string[];
  /** Whether a label of a series comes before one of its target; default: Prometheus' own, false. */
  readonly honorLabels?: boolean;
  /** More flags of the command line. */
  readonly flags?: readonly string[];
};

export async function startPrometheus(
  targets: readonly Target[],
  { scrapeIntervalMs = SCRAPE_INTERVAL_MS, rules = [], honorLabels = false, flags = [] }: PrometheusOptions = {},
): Promise<PrometheusProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-prometheus-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const interval = `${scrapeIntervalMs}ms`;
  const ruleFiles = rules.map((_, i) => join(folder, `rules-${i}.yml`));
  await Promise.all(rules.map((text, i) => writeFile(ruleFiles[i] as string, text)));
  // JSON is YAML.
  const groups = targets.map((target) => ({ targets: [new URL(target.url).host], labels: target.labels ?? {} }));
  const configuration = {
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: ruleFiles,
    scrape_configs: [{ job_name: 'edgepulse', honor_labels: honorLabels, static_configs: groups }],
  };
  await writeFile(join(folder, 'prometheus.yml'), JSON.stringify(configuration));
  const prometheus = await startProcess(await requireTool('prometheus'), [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...flags,
  ]);
  await prometheus.waitForLine(/Server is ready to receive web requests/);

  async function ask<T>(path: string, parameters: Record<string, string>): Promise<T[]> {
    const answer = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
    const body = (await answer.json()) as { status: string; error?: string; data: { result: T[] } };
    if (body.status !== 'success') throw new Error(`prometheus: ${parameters.query}: ${body.error}`);
    return body.data.result;
  }

  return {
    url,
    query: (query) => ask<QueryResult>('query', { query }),
    async valuesSince(query, fromMs) {
      const range = { start: `${fromMs / 1000}`, end: `${Date.now() / 1000}`, step: `${scrapeIntervalMs / 1000}` };
      const [series] = await ask<{ values: [number, string][] }>('query_range', { query, ...range });
      return (series?.values ?? []).map(([, value]) => Number(value));
    },
    async raw(selector) {
      const found = await ask<{ metric: RawSeries['metric']; values: [number, string][] }>('query', {
        query: `${selector}[1d]`,
      });
      return found.map(({ metric, values }) => ({
        metric,
        samples: values.map(([seconds, value]) => ({ atMs: 1_000 * seconds, value: Number(value) })),
      }));
    },
    async stop() {
      await prometheus.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

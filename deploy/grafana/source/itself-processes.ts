/** The rows of "edgepulse itself" on what its processes use: series, CPU, memory. */
import type { Row } from './dashboard.ts';
import { graph, table } from './panels.ts';
import { ofProcess, perSecond, select, sum } from './promql.ts';

const perInstance = '{{instance}}';

export const SERIES: Row = {
  title: 'Series',
  panels: [
    graph({
      title: 'Detail series and their limit',
      description: 'Is there room for detail of every session? Dashed: MAX_SESSION_SERIES.',
      unit: 'short',
      width: 8,
      targets: [
        { expr: sum({ name: 'edgepulse_session_series' }), legend: 'used' },
        { expr: sum({ name: 'edgepulse_session_series_limit' }), legend: 'limit' },
      ],
      dashed: '/^limit$/',
    }),
    graph({
      title: 'Detail series left out',
      description: 'How many were left out because of it? Then look for sessions on the board, which knows all.',
      unit: 'ops',
      width: 8,
      targets: [{ expr: perSecond({ name: 'edgepulse_session_series_dropped_total' }), legend: 'left out' }],
    }),
    graph({
      title: 'Samples of a scrape',
      description:
        'How large is a scrape, and how large can it become? Dashed: the most that the configuration allows.',
      unit: 'short',
      width: 8,
      targets: [
        { expr: ofProcess('scrape_samples_scraped'), legend: perInstance },
        { expr: 'max(edgepulse_series_bound{job=~"$job"})', legend: 'bound' },
      ],
      dashed: '/^bound$/',
    }),
  ],
};

export const PROCESSES: Row = {
  title: 'Processes',
  panels: [
    graph({
      title: 'CPU',
      description: 'Is a process near one core? It has one thread that matters: add shards.',
      unit: 'percentunit',
      width: 6,
      targets: [{ expr: `rate(${ofProcess('process_cpu_seconds_total')}[$__rate_interval])`, legend: perInstance }],
    }),
    graph({
      title: 'Memory',
      description: 'Does it grow with the sessions, or without end?',
      unit: 'bytes',
      width: 6,
      targets: [{ expr: ofProcess('process_resident_memory_bytes'), legend: perInstance }],
    }),
    graph({
      title: 'Event loop lag, max',
      description: 'For how long did something hold the process up since the last scrape?',
      unit: 's',
      width: 6,
      targets: [{ expr: ofProcess('nodejs_eventloop_lag_max_seconds'), legend: perInstance }],
    }),
    graph({
      title: 'Duration of a scrape',
      description: 'Does a scrape come near its timeout? Then scrape detail (`collect[]=sessions`) more rarely.',
      unit: 's',
      width: 6,
      targets: [{ expr: ofProcess('scrape_duration_seconds'), legend: perInstance }],
    }),
    table({
      title: 'Versions',
      description: 'Which version runs where, and is one of them down?',
      width: 24,
      exprs: [ofProcess('up'), select({ name: 'edgepulse_build_info' })],
      columns: [
        { of: 'job', name: 'Job' },
        { of: 'instance', name: 'Instance' },
        { of: 'version', name: 'Version' },
        { of: 0, name: 'Up' },
      ],
      sortBy: 'Instance',
    }),
  ],
};

/** What is recorded of the calls that are alive now, by region and by server. */
import { gauge, increase, LEVELS, type Level, overShards } from './expressions.ts';
import type { Recording } from './rule.ts';

/** Live distributions whose percentiles are recorded. */
const DISTRIBUTIONS = [
  'live_rtt_seconds',
  'live_concealment_ratio',
  'live_expand_operations_per_second',
  'live_audio_packet_loss_ratio',
  'live_neteq_buffer_seconds',
  'live_video_packet_loss_ratio',
  'live_video_freeze_ratio',
] as const;

const QUANTILES = [0.5, 0.95, 0.99] as const;

/** `region` is added up from `server`, which was recorded just before. */
function totals(metric: string, label?: string): Recording[] {
  const labels = (level: Level) => (label === undefined ? LEVELS[level] : `${LEVELS[level]}, ${label}`);
  return [
    { record: `server:edgepulse_${metric}:sum`, expr: overShards(labels('server'), gauge(`edgepulse_${metric}`)) },
    { record: `region:edgepulse_${metric}:sum`, expr: `sum by (${labels('region')}) (server:edgepulse_${metric}:sum)` },
  ];
}

const SESSIONS: readonly Recording[] = [
  { record: 'server:edgepulse_sessions:sum', expr: overShards(LEVELS.server, gauge('edgepulse_sessions')) },
  {
    // Where nobody is, there are no sessions, but there are 0 meetings as long as the region is heard.
    record: 'region:edgepulse_sessions:sum',
    expr: `sum by (region) (server:edgepulse_sessions:sum)
or
0 * sum by (region) ${gauge('edgepulse_meetings')}`,
  },
];

function shares(level: Level): Recording {
  const sessions = `on (${LEVELS[level]}) group_left () ${level}:edgepulse_sessions:sum`;
  return {
    record: `${level}:edgepulse_impaired_sessions:ratio`,
    expr: `${level}:edgepulse_impaired_sessions:sum / ${sessions}`,
  };
}

function percentiles(metric: string, level: Level): Recording[] {
  return QUANTILES.map((quantile) => ({
    record: `${level}:edgepulse_${metric}:p${quantile * 100}`,
    expr: `histogram_quantile(${quantile}, ${level}:edgepulse_${metric}_bucket:sum)`,
  }));
}

export const CALLS_RECORDED: readonly Recording[] = [
  ...SESSIONS,
  ...totals('impaired_sessions', 'cause'),
  shares('server'),
  shares('region'),
  ...totals('impaired_streams', 'side'),
  ...totals('silent_streams', 'cause'),
  ...DISTRIBUTIONS.flatMap((metric) => [
    ...totals(`${metric}_bucket`, 'le'),
    ...percentiles(metric, 'server'),
    ...percentiles(metric, 'region'),
  ]),
  {
    record: 'region_result:edgepulse_joins:increase1m',
    expr: overShards('region, result', increase('edgepulse_joins_total', '1m')),
  },
  {
    record: 'region_reason:edgepulse_sessions_reaped:increase2m',
    expr: overShards('region, reason', increase('edgepulse_sessions_reaped_total', '2m')),
  },
];

/** How much of the RTT objective's error budget is used, and how fast: recorded shares, and alerts by multi-window burn rate. */
import { INCIDENT, OBJECTIVES, SLO } from '../../../shared/objectives.ts';
import { LEVELS, type Level, overShards, rate } from './expressions.ts';
import type { Alert, Group, Recording } from './rule.ts';
import { percent, valueAs } from './text.ts';
import { BURN } from './thresholds.ts';

/** Longer than 5 m: each averages the rate over 5 m by its traffic, which costs little whatever the number of buckets. */
const LONG_WINDOWS = ['30m', '1h', '6h', '3d'] as const;

/** Everything by server over 5 m, added up to regions, and shares over every window. */
type Share = {
  /** Name of what is counted, and the rate of that and of what is not good. */
  readonly all: string;
  readonly allRate: string;
  readonly bad: string;
  readonly badRate: string;
};

const RTT: Share = {
  all: 'edgepulse_rtt_samples',
  allRate: rate('edgepulse_rtt_seconds_count', '5m'),
  bad: 'edgepulse_slow_rtt_samples',
  badRate: `${rate('edgepulse_rtt_seconds_count', '5m')} - max without (instance, pod, le) (rate(edgepulse_rtt_seconds_bucket{le="${OBJECTIVES.rtt.bad}"}[5m]))`,
};

const AUDIO: Share = {
  all: 'edgepulse_audio_samples',
  allRate: rate('edgepulse_audio_samples_total', '5m'),
  bad: 'edgepulse_audibly_concealed_samples',
  badRate: `${rate('edgepulse_concealed_samples_total', '5m')} - ${rate('edgepulse_silent_concealed_samples_total', '5m')}`,
};

function rates(name: string, expression: string): Recording[] {
  return [
    { record: `server:${name}:rate5m`, expr: overShards(LEVELS.server, expression) },
    { record: `region:${name}:rate5m`, expr: `sum by (${LEVELS.region}) (server:${name}:rate5m)` },
  ];
}

function shares({ bad, all }: Share, level: Level): Recording[] {
  const of = (window: string) => (window === '5m' ? '' : `[${window}]`);
  return ['5m', ...LONG_WINDOWS].map((window) => {
    const sum = (name: string) =>
      window === '5m' ? `${level}:${name}:rate5m` : `sum_over_time(${level}:${name}:rate5m${of(window)})`;
    return { record: `${level}:${bad}:ratio_rate${window}`, expr: `${sum(bad)} / (${sum(all)} > 0)` };
  });
}

const RECORDED = [RTT, AUDIO].flatMap((share) => [
  ...rates(share.all, share.allRate),
  ...rates(share.bad, share.badRate),
  ...shares(share, 'server'),
  ...shares(share, 'region'),
]);

type Burn = { readonly factor: number; readonly long: string; readonly short: string };

/** In both windows: the long one says that it matters, the short one that it is still so. */
function burns({ factor, long, short }: Burn): string {
  const share = (window: string) => `region:${RTT.bad}:ratio_rate${window}`;
  const limit = `${factor} * ${Number((1 - SLO.target).toFixed(6))}`;
  return `(
  ${share(long)} > ${limit}
and
  last_over_time(${share(short)}[2m]) > ${limit}
and
  ${share(long)} * avg_over_time(region:edgepulse_sessions:sum[${long}]) >= ${INCIDENT.people}
)`;
}

const target = percent(SLO.target);
const within = `${OBJECTIVES.rtt.bad * 1000} ms`;
const ENOUGH = `and at least ${INCIDENT.people} people on average`;

function inWords({ factor, long, short }: Burn): string {
  return `over ${percent(factor * (1 - SLO.target))} within ${long} and within ${short}`;
}

const ALERTS: readonly Alert[] = [
  {
    alert: 'EdgepulseRttBudgetBurnsFast',
    expr: BURN.fast.map(burns).join('\nor\n'),
    keepFiringFor: '2m',
    severity: 'page',
    needsFeed: true,
    when: `the share of RTT samples over ${within} is ${BURN.fast.map(inWords).join(', or ')}, ${ENOUGH}`,
    summary: `${valueAs('percent')} of the RTT samples in {{ $labels.region }} are over ${within}; at this rate the month's budget of ${percent(1 - SLO.target)} is gone within days. Find on the RTT dashboard since when and on which servers.`,
  },
  {
    alert: 'EdgepulseRttBudgetBurnsSlowly',
    expr: burns(BURN.slow),
    for: '15m',
    severity: 'ticket',
    needsFeed: true,
    when: `the share of RTT samples over ${within} is ${inWords(BURN.slow)}, ${ENOUGH}`,
    summary: `${valueAs('percent')} of the RTT samples of three days in {{ $labels.region }} are over ${within}, where the objective is ${target} within it: the month will miss it. Plan capacity or another route for the region.`,
  },
];

export const SLO_GROUP: Group = { name: 'edgepulse-slo', interval: '30s', rules: [...RECORDED, ...ALERTS] };

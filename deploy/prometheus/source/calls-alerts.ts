/** Alerts on the calls that are alive now. The first five fire when the board says bad. */
import { INCIDENT, OBJECTIVES } from '../../../shared/objectives.ts';
import { incident, LEVELS, type Level, lately } from './expressions.ts';
import type { Alert } from './rule.ts';
import { figure, most, percent, valueAs } from './text.ts';

/** After this long in good order an alert resolves, so that a figure that wavers around its threshold is one alert. */
const CALM = '1m';

const PAGE = { for: '10s', keepFiringFor: CALM, severity: 'page', needsFeed: true } as const;

const ENOUGH = `at least ${INCIDENT.people} people, and at least ${percent(INCIDENT.share)} of those there,`;
const PEOPLE = `${valueAs('count')} of ${figure('region:edgepulse_sessions:sum', 'count')} people in {{ $labels.region }}`;
const SIDE = `Most bad streams by side: ${most('region:edgepulse_impaired_streams:sum', 'side')}.`;

function p95(metric: string, format: 'percent' | 'milliseconds'): string {
  return `p95 ${format === 'percent' ? 'of all streams' : 'about'} ${figure(`region:edgepulse_${metric}:p95`, format)}`;
}

/** A listener who mutes somebody looks like silence with `no_energy`, so streams without packets have to be as many. */
function isSilent(level: Level): string {
  return `${incident(level, 'cause="silence"')}
and on (${LEVELS[level]})
${lately(`${level}:edgepulse_silent_streams:sum{cause="no_packets"}`)} >= ${INCIDENT.people}`;
}

const REGIONS: readonly Alert[] = [
  {
    alert: 'EdgepulseRttHigh',
    ...PAGE,
    expr: incident('region', 'cause="rtt"'),
    when: `${ENOUGH} have an RTT over ${OBJECTIVES.rtt.bad * 1000} ms (so p95 is over it too)`,
    summary: `${PEOPLE} have an RTT over ${OBJECTIVES.rtt.bad * 1000} ms (${p95('live_rtt_seconds', 'milliseconds')}). If the board shows one server, take it out of rotation; if it shows all of them, look at the network between the region and its servers.`,
  },
  {
    alert: 'EdgepulseAudioBad',
    ...PAGE,
    expr: incident('region', 'cause="audio"'),
    when: `${ENOUGH} hear somebody badly: concealment over ${percent(OBJECTIVES.concealment.bad)}, expand over ${OBJECTIVES.expand.bad}/s or audio packet loss over ${percent(OBJECTIVES.audio_packet_loss.bad)}`,
    summary: `${PEOPLE} hear somebody badly (concealment ${p95('live_concealment_ratio', 'percent')}). ${SIDE} server: take it out of rotation, but if all servers of the region are red, it is the region's network. publisher: one person's uplink, find them on the board. receiver or unknown: look at the network of the region.`,
  },
  {
    alert: 'EdgepulseVideoBad',
    ...PAGE,
    expr: incident('region', 'cause="video"'),
    when: `${ENOUGH} see somebody badly: frozen for over ${percent(OBJECTIVES.video_freeze.bad)} of the time, or video packet loss over ${percent(OBJECTIVES.video_packet_loss.bad)}`,
    summary: `${PEOPLE} see somebody frozen or with packet loss (freezes ${p95('live_video_freeze_ratio', 'percent')} of the time). ${SIDE} If RTT or audio alerts too, begin there: it is the network. Video alone: bandwidth, or the server's simulcast.`,
  },
  {
    alert: 'EdgepulseSilence',
    ...PAGE,
    expr: isSilent('region'),
    when: `${ENOUGH} receive no packets of somebody who speaks`,
    summary: `${PEOPLE} can't hear somebody who speaks: no packets arrive. ${SIDE} server: it forwards no audio, take it out of rotation. publisher: find the person on the board, and have them rejoin.`,
  },
];

const SERVER: Alert = {
  alert: 'EdgepulseServerBad',
  ...PAGE,
  expr: `(
${incident('server', 'cause=~"rtt|audio|video",server_url!="none"')}
or
${isSilent('server')}
)
unless on (region, cause)
(
${incident('region', '')}
)`,
  when: `${ENOUGH} on one server are affected, for the same cause, and those of the whole region are not`,
  summary: `${valueAs('count')} people on {{ $labels.server_url }} ({{ $labels.server_type }}, {{ $labels.region }}) are affected, cause {{ $labels.cause }}, while the region as a whole is not: it is the server, or its network. Take it out of rotation, so that people elect another one.`,
};

const failed = lately('region_result:edgepulse_joins:increase1m{result!="ok"}');
const joins = lately('region_result:edgepulse_joins:increase1m');

const JOINS: Alert = {
  alert: 'EdgepulseJoinsFailing',
  expr: `sum by (region) (${failed}) >= ${INCIDENT.people}
and
sum by (region) (${failed}) >= ${INCIDENT.share} * sum by (region) (${joins})`,
  // The window of a minute has calmed it already.
  keepFiringFor: '30s',
  severity: 'page',
  needsFeed: true,
  when: `at least ${INCIDENT.people} joins, and at least ${percent(INCIDENT.share)} of them, failed within a minute`,
  summary: `${valueAs('count')} joins failed in {{ $labels.region }} within a minute, most of them at the stage ${most('region_result:edgepulse_joins:increase1m', 'result', "result!='ok'")}. signaling: the signaling server. ice: TURN, STUN or a firewall. dtls: certificates. media: the media server.`,
};

const sessions = lately('region:edgepulse_sessions:sum');
const most5m = 'max_over_time(region:edgepulse_sessions:sum[5m])';
const vanished = 'max_over_time(region_reason:edgepulse_sessions_reaped:increase2m{reason="stale"}[5m])';

const POPULATION: Alert = {
  alert: 'EdgepulsePopulationFell',
  expr: `${most5m} - ${sessions} >= ${INCIDENT.people}
and
${sessions} <= 0.5 * ${most5m}
and on (region)
sum by (region) (${vanished}) >= 0.5 * (${most5m} - ${sessions})`,
  for: '15s',
  keepFiringFor: CALM,
  severity: 'page',
  needsFeed: true,
  when: `at least half of the sessions, and at least ${INCIDENT.people}, are gone within 5 minutes, most of them without a leaving beacon: people who hang up say so`,
  summary: `${valueAs('count')} sessions in {{ $labels.region }} are gone within 5 minutes, most without a goodbye; ${figure('region:edgepulse_sessions:sum', 'count')} are left. Either a server or a network took people down, or their beacons no longer arrive: compare with the servers' own count.`,
};

export const CALLS_ALERTS: readonly Alert[] = [...REGIONS, SERVER, JOINS, POPULATION];

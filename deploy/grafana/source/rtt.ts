/** RTT SLOs: how far people are from their media servers, where it is bad, and how much of the objective is used up. */
import { INCIDENT, OBJECTIVES, SLO } from '../../../shared/objectives.ts';
import { BURN } from '../../prometheus/source/thresholds.ts';
import type { DashboardOptions } from './dashboard.ts';
import { impairedShareStat } from './impaired-share.ts';
import { SESSIONS_PANEL, toBoard, toMeetingOnBoard, toSessionOnBoard, toSessions, UID } from './links.ts';
import { graph, heatmap, stat, table } from './panels.ts';
import { impairedShare, liveQuantile, once, recorded, rttWithinObjective, select, sum } from './promql.ts';

const RTT = 'edgepulse_live_rtt_seconds';
const BAD_MS = OBJECTIVES.rtt.bad * 1_000;
const CELL = ['region', 'server_type', 'server_url'];

/** What the objective leaves for samples that are over it. */
const BUDGET = Number((1 - SLO.target).toFixed(6));
const [FAST] = BURN.fast;
const WINDOWS = ['5m', '1h', '6h', '3d'];

function slowShare(window: string): string {
  return recorded('region', `edgepulse_slow_rtt_samples:ratio_rate${window}`);
}

export const RTT_DASHBOARD: DashboardOptions = {
  uid: UID.rtt,
  title: 'RTT SLOs',
  description: `Client-measured RTT of living sessions to their media servers. Objective: ${OBJECTIVES.rtt.warn * 1_000} ms is a warning, ${BAD_MS} ms is bad.`,
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Living sessions',
          description: 'How many people does this page speak of? A session is one person on one device in one meeting.',
          unit: 'short',
          width: 4,
          expr: sum({ name: 'edgepulse_sessions' }),
        }),
        stat({
          title: `Sessions over ${BAD_MS} ms`,
          description: `How many sessions have a newest RTT over ${BAD_MS} ms now? Below ${INCIDENT.people} it is people with bad lines, not an incident.`,
          unit: 'short',
          width: 4,
          limits: { warn: 1, bad: INCIDENT.people },
          expr: sum({ name: 'edgepulse_impaired_sessions', where: { cause: '="rtt"' } }),
        }),
        impairedShareStat('rtt'),
        stat({
          title: 'RTT p95',
          description: 'How far away is the worst twentieth? Each living session counts once, with its newest RTT.',
          unit: 's',
          width: 4,
          limits: OBJECTIVES.rtt,
          expr: liveQuantile(0.95, { name: RTT }),
        }),
        stat({
          title: 'Within the objective, 1 h',
          description: `Which share of all RTT samples of the last hour was at most ${BAD_MS} ms? Unlike the figures beside it, it includes sessions that have ended.`,
          unit: 'percentunit',
          width: 4,
          expr: rttWithinObjective({ window: '1h' }),
        }),
        stat({
          title: 'Regions unknown',
          description:
            'How many regions can not be heard? Their figures are absent, which is not the same as well: see the dashboard "edgepulse itself".',
          unit: 'short',
          width: 4,
          limits: { bad: 1 },
          expr: `count(min by (region) (${once(select({ name: 'edgepulse_feed_up' }))}) == 0) or vector(0)`,
        }),
      ],
    },
    {
      title: 'Where',
      panels: [
        graph({
          title: 'RTT p95 by region',
          description: 'Which region is bad, and since when? Dashed: the objective. Click a line for its sessions.',
          unit: 's',
          width: 12,
          objective: OBJECTIVES.rtt,
          targets: [{ expr: liveQuantile(0.95, { name: RTT, by: ['region'] }), legend: '{{region}}' }],
          links: [toSessions('series', ['region']), toBoard('series')],
        }),
        table({
          title: 'Media servers, worst first',
          description:
            'Is it one server or all servers of the region? One: take it out of service. All: the network of the region.',
          width: 12,
          exprs: [
            sum({ name: 'edgepulse_sessions', by: CELL }),
            impairedShare('rtt', CELL),
            liveQuantile(0.5, { name: RTT, by: CELL }),
            liveQuantile(0.95, { name: RTT, by: CELL }),
          ],
          columns: [
            { of: 'region', name: 'Region', links: [toSessions('row', ['region']), toBoard('row')] },
            { of: 'server_url', name: 'Server', links: [toSessions('row', CELL)] },
            { of: 'server_type', name: 'Type' },
            { of: 0, name: 'Sessions' },
            { of: 1, name: 'Past objective', unit: 'percentunit', objective: { warn: 0.01, bad: INCIDENT.share } },
            { of: 2, name: 'p50', unit: 's', objective: OBJECTIVES.rtt },
            { of: 3, name: 'p95', unit: 's', objective: OBJECTIVES.rtt },
          ],
          sortBy: 'p95',
        }),
        graph({
          title: `Sessions over ${BAD_MS} ms by region`,
          description: 'How many people does it hurt, and is it spreading? Click for the sessions themselves.',
          unit: 'short',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: sum({ name: 'edgepulse_impaired_sessions', by: ['region'], where: { cause: '="rtt"' } }),
              legend: '{{region}}',
            },
          ],
          links: [toSessions('series', ['region']), toBoard('series')],
        }),
        graph({
          title: 'RTT p95 by media server',
          description: 'Did one server leave the others of its region?',
          unit: 's',
          width: 12,
          objective: OBJECTIVES.rtt,
          targets: [
            {
              expr: liveQuantile(0.95, { name: RTT, by: ['region', 'server_url'] }),
              legend: '{{server_url}} ({{region}})',
            },
          ],
          links: [toSessions('series', ['region', 'server_url']), toBoard('series')],
        }),
      ],
    },
    {
      title: 'Who',
      panels: [
        heatmap({
          title: 'Living sessions by RTT',
          description:
            'Is everybody slower, or does a second group appear above the first? Everybody: the network or a server. A second group: one server, one provider, or people rerouted.',
          unit: 's',
          width: 12,
          expr: sum({ name: `${RTT}_bucket`, by: ['le'] }),
        }),
        graph({
          title: 'RTT p50, p95 and p99',
          description:
            'Does it hurt everybody (p50 rises) or the tail only (p99 rises alone)? Over all regions and servers chosen above.',
          unit: 's',
          width: 12,
          objective: OBJECTIVES.rtt,
          targets: [0.5, 0.95, 0.99].map((quantile) => ({
            expr: liveQuantile(quantile, { name: RTT }),
            legend: `p${quantile * 100}`,
          })),
        }),
      ],
    },
    {
      title: 'The objective',
      panels: [
        graph({
          title: `RTT samples within ${BAD_MS} ms`,
          description:
            'Was the objective kept, and where was it not? By the samples of each time, sessions that have ended included.',
          unit: 'percentunit',
          width: 12,
          max: 1,
          targets: [{ expr: rttWithinObjective({ by: ['region'] }), legend: '{{region}}' }],
        }),
        graph({
          title: 'Error budget burn rate',
          description: `How many times faster than allowed is the budget of ${BUDGET * 100} % in 30 days used? Over ${FAST.factor} for ${FAST.long} an alert pages; over ${BURN.slow.factor} for days the month misses the objective. Dashed: the last ${FAST.short}.`,
          unit: 'none',
          width: 12,
          objective: { warn: BURN.slow.factor, bad: FAST.factor },
          targets: [
            { expr: `${slowShare(FAST.long)} / ${BUDGET}`, legend: '{{region}}' },
            { expr: `${slowShare(FAST.short)} / ${BUDGET}`, legend: `{{region}} ${FAST.short}` },
          ],
          dashed: `/ ${FAST.short}$/`,
        }),
        table({
          title: `RTT samples over ${BAD_MS} ms`,
          description: `Is it one bad hour or the whole week? As a share of all samples; the objective allows ${BUDGET * 100} %. Whole regions, whatever server is chosen.`,
          width: 24,
          height: 7,
          exprs: WINDOWS.map(slowShare),
          columns: [
            { of: 'region', name: 'Region', links: [toSessions('row', ['region']), toBoard('row')] },
            ...WINDOWS.map((window, i) => ({
              of: i,
              name: window,
              unit: 'percentunit' as const,
              objective: { warn: BUDGET, bad: FAST.factor * BUDGET },
            })),
          ],
          sortBy: '1h',
        }),
      ],
    },
    {
      title: 'Single sessions',
      panels: [
        {
          id: SESSIONS_PANEL,
          ...table({
            title: 'Sessions with the highest RTT',
            description:
              'Who is it? The newest RTT of each session, the worst 50. Detail is limited by MAX_SESSION_SERIES, impaired sessions first; the board and its API know all of them.',
            width: 24,
            exprs: [`topk(50, ${once(select({ name: 'edgepulse_session_rtt_seconds' }))})`],
            columns: [
              { of: 'region', name: 'Region', links: [toBoard('row')] },
              { of: 'server_url', name: 'Server' },
              { of: 'server_type', name: 'Type' },
              { of: 'meeting_id', name: 'Meeting', links: [toMeetingOnBoard('row')] },
              { of: 'session_id', name: 'Session', links: [toSessionOnBoard('row')] },
              { of: 0, name: 'RTT', unit: 's', objective: OBJECTIVES.rtt },
            ],
            sortBy: 'RTT',
          }),
        },
      ],
    },
  ],
};

/** Participation and connections: who is here, whether people get in and stay in, and by which path. */
import type { DashboardOptions } from './dashboard.ts';
import { MEETINGS_PANEL, toBoard, toMeetingOnBoard, toMeetings, toSessions, UID } from './links.ts';
import { graph, stat, table } from './panels.ts';
import { once, perSecond, quantileOfRate, select, sum } from './promql.ts';

const JOINS = 'edgepulse_joins_total';
const FAILED = { result: '!="ok"' };

/** Which share of those who tried did not get in. */
function failedShare(by: readonly string[], window?: string): string {
  const over = window ? { window } : {};
  const failed = perSecond({ name: JOINS, by, where: FAILED, ...over });
  return `${failed} / (${perSecond({ name: JOINS, by, ...over })} > 0)`;
}

const participants = sum({ name: 'edgepulse_participants', by: ['region'] });
const lastWeek = `sum by (region) (${once(`${select({ name: 'edgepulse_participants' })} offset 1w`)})`;

export const PARTICIPATION_DASHBOARD: DashboardOptions = {
  uid: UID.participation,
  title: 'Participation and connections',
  description: 'Who is in calls, whether people get in and stay connected, by which path and with which clients.',
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Participants',
          description: 'How many people are in calls? With two devices in one meeting, once.',
          unit: 'short',
          width: 4,
          expr: sum({ name: 'edgepulse_participants' }),
        }),
        stat({
          title: 'Meetings',
          description: 'In how many meetings? One that spans two regions counts in each.',
          unit: 'short',
          width: 4,
          expr: sum({ name: 'edgepulse_meetings' }),
        }),
        stat({
          title: 'Sessions',
          description: 'How many devices is that?',
          unit: 'short',
          width: 4,
          expr: sum({ name: 'edgepulse_sessions' }),
        }),
        stat({
          title: 'Peer connections',
          description: 'How many streams of each other do they receive?',
          unit: 'short',
          width: 4,
          expr: sum({ name: 'edgepulse_peer_connections' }),
        }),
        stat({
          title: 'Joins failed, 15 min',
          description: 'Which share of those who tried to join did not get in?',
          unit: 'percentunit',
          width: 4,
          limits: { warn: 0.02, bad: 0.1 },
          expr: failedShare([], '15m'),
        }),
        stat({
          title: 'By relay',
          description: 'Which share of the sessions goes by TURN, of those who report their path?',
          unit: 'percentunit',
          width: 4,
          expr: `(${sum({ name: 'edgepulse_sessions_by_path', where: { candidate_type: '="relay"' } })} or vector(0)) / ${sum({ name: 'edgepulse_sessions_by_path' })}`,
        }),
      ],
    },
    {
      title: 'Who is here',
      panels: [
        graph({
          title: 'Participants by region',
          description:
            'Did people disappear? Dashed: the same time a week ago. A region whose line ends is unknown, not empty.',
          unit: 'short',
          width: 12,
          targets: [
            { expr: participants, legend: '{{region}}' },
            { expr: lastWeek, legend: '{{region}} last week' },
          ],
          dashed: '/ last week$/',
          links: [toMeetings('series'), toBoard('series')],
        }),
        graph({
          title: 'Sessions by media server',
          description: 'Is the load spread, and did one server lose its sessions to the others?',
          unit: 'short',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: sum({ name: 'edgepulse_sessions', by: ['region', 'server_url', 'server_type'] }),
              legend: '{{server_url}} {{server_type}} ({{region}})',
            },
          ],
          links: [toSessions('series', ['region', 'server_url', 'server_type']), toBoard('series')],
        }),
      ],
    },
    {
      title: 'Do people get in',
      panels: [
        graph({
          title: 'Joins failed by region',
          description: 'Where can people not join, and since when? As a share of those who tried.',
          unit: 'percentunit',
          width: 12,
          max: 1,
          targets: [{ expr: failedShare(['region']), legend: '{{region}}' }],
          links: [toMeetings('series'), toBoard('series')],
        }),
        graph({
          title: 'Failed joins by stage and server type',
          description:
            'At which stage? signaling: the application. ice: firewalls, TURN or the media server. dtls: certificates. media: connected, but nothing arrived.',
          unit: 'cpm',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: `60 * ${perSecond({ name: JOINS, by: ['result', 'server_type'], where: FAILED })}`,
              legend: '{{result}} {{server_type}}',
            },
          ],
        }),
        graph({
          title: 'Time to connect',
          description: 'How long does joining take, when it succeeds? From the beginning until connected.',
          unit: 's',
          width: 12,
          targets: [0.5, 0.95].map((quantile) => ({
            expr: quantileOfRate(quantile, { name: 'edgepulse_join_seconds', by: ['region'] }),
            legend: `{{region}} p${quantile * 100}`,
          })),
          dashed: '/ p50$/',
        }),
        graph({
          title: 'Time to first media',
          description: 'And until the first audio or video was received? It includes the wait for others to join.',
          unit: 's',
          width: 12,
          targets: [
            {
              expr: quantileOfRate(0.95, { name: 'edgepulse_first_media_seconds', by: ['region', 'kind'] }),
              legend: '{{kind}} {{region}} p95',
            },
          ],
        }),
      ],
    },
    {
      title: 'Do people stay in',
      panels: [
        graph({
          title: 'Failures and ICE restarts',
          description:
            'Do connections break? A restart repairs one that a change of network broke; a failure does not.',
          unit: 'cpm',
          width: 12,
          targets: [
            {
              expr: `60 * ${perSecond({ name: 'edgepulse_connection_failures_total', by: ['region'] })}`,
              legend: '{{region}} failures',
            },
            {
              expr: `60 * ${perSecond({ name: 'edgepulse_ice_restarts_total', by: ['region'] })}`,
              legend: '{{region}} restarts',
            },
          ],
          dashed: '/ restarts$/',
          links: [toMeetings('series'), toBoard('series')],
        }),
        graph({
          title: 'Sessions ended',
          description:
            'Do people leave, or do they vanish? stale: silent for a whole TTL, without a goodbye: a lost network, a crashed client, an access network that failed.',
          unit: 'cpm',
          width: 12,
          stacked: true,
          targets: [
            {
              expr: `60 * ${perSecond({ name: 'edgepulse_sessions_reaped_total', by: ['reason'] })}`,
              legend: '{{reason}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'By which path, with which client',
      panels: [
        graph({
          title: 'Sessions by path',
          description:
            'Did people move to relays or TCP? Then UDP is blocked somewhere, or the media servers are not reached directly.',
          unit: 'short',
          width: 8,
          stacked: true,
          targets: [
            {
              expr: sum({ name: 'edgepulse_sessions_by_path', by: ['candidate_type', 'protocol'] }),
              legend: '{{candidate_type}} {{protocol}}',
            },
          ],
        }),
        graph({
          title: 'Sessions by client',
          description: 'Did a platform disappear, or a new release of a client bring the trouble?',
          unit: 'short',
          width: 8,
          stacked: true,
          targets: [
            {
              expr: sum({ name: 'edgepulse_sessions_by_client', by: ['platform', 'engine'] }),
              legend: '{{platform}} {{engine}}',
            },
          ],
        }),
        graph({
          title: 'Video senders by what limits them',
          description: 'Why is video poor at its source? bandwidth: uplinks. cpu: devices.',
          unit: 'short',
          width: 8,
          stacked: true,
          targets: [
            {
              expr: sum({ name: 'edgepulse_video_senders', by: ['quality_limitation_reason'] }),
              legend: '{{quality_limitation_reason}}',
            },
          ],
        }),
      ],
    },
    {
      title: 'Single meetings',
      panels: [
        {
          ...table({
            title: 'Meetings by participants',
            description: 'Which meetings are the largest? The first 50 of those with detail. Filtered by region alone.',
            width: 24,
            exprs: [`topk(50, ${once(select({ name: 'edgepulse_meeting_participants' }))})`],
            columns: [
              { of: 'region', name: 'Region', links: [toBoard('row')] },
              { of: 'meeting_id', name: 'Meeting', links: [toMeetingOnBoard('row')] },
              { of: 0, name: 'Participants' },
            ],
            sortBy: 'Participants',
          }),
          id: MEETINGS_PANEL,
        },
      ],
    },
  ],
};

/** NetEQ health: whether people hear each other without gaps, whose fault it is when not, and video beside it. */

import { INCIDENT, OBJECTIVES } from '../../../shared/objectives.ts';
import type { DashboardOptions } from './dashboard.ts';
import { impairedShareStat } from './impaired-share.ts';
import { STREAMS_PANEL, toBoard, toMeetingOnBoard, toSessionOnBoard, toSessions, toStreams, UID } from './links.ts';
import { byRegion, LIVE, VIDEO, WHY } from './neteq-causes.ts';
import { graph, stat, table } from './panels.ts';
import { impairedShare, liveQuantile, once, select, sum } from './promql.ts';

const CELL = ['region', 'server_type', 'server_url'];
/** The streams that the table of single streams shows. */
const WORST = `topk(50, ${once(select({ name: 'edgepulse_peer_concealment_ratio' }))})`;
const ofWorst = (vector: string) => `${once(vector)} and on (region, meeting_id, session_id, peer_id) ${WORST}`;

export const NETEQ_DASHBOARD: DashboardOptions = {
  uid: UID.neteq,
  title: 'NetEQ health',
  description:
    'Audio continuity: what the jitter buffer of each receiver (NetEQ) had to invent because packets were missing or late. A stream is what one session receives of one peer.',
  rows: [
    {
      title: 'Now',
      panels: [
        stat({
          title: 'Sessions hearing badly',
          description: `How many people hear at least one peer badly (concealment over ${OBJECTIVES.concealment.bad * 100} %, expand over ${OBJECTIVES.expand.bad} a second or loss over ${OBJECTIVES.audio_packet_loss.bad * 100} %)?`,
          unit: 'short',
          width: 4,
          limits: { warn: 1, bad: INCIDENT.people },
          expr: sum({ name: 'edgepulse_impaired_sessions', where: { cause: '="audio"' } }),
        }),
        impairedShareStat('audio'),
        stat({
          title: 'Streams without sound',
          description:
            'How often does somebody speak and is not heard at all? The sender reports sending, the receiver gets nothing or silence.',
          unit: 'short',
          width: 4,
          limits: { warn: 1, bad: INCIDENT.people },
          expr: sum({ name: 'edgepulse_silent_streams' }),
        }),
        stat({
          title: 'Concealment p95',
          description: 'How much of the audio is invented in the worst twentieth of the streams?',
          unit: 'percentunit',
          width: 4,
          limits: OBJECTIVES.concealment,
          expr: liveQuantile(0.95, { name: LIVE.concealment }),
        }),
        stat({
          title: 'Expand p95',
          description:
            'How often a second does NetEQ stretch what it has because nothing arrived? 100 decisions are made a second.',
          unit: 'ops',
          width: 4,
          limits: OBJECTIVES.expand,
          expr: liveQuantile(0.95, { name: LIVE.expand }),
        }),
        stat({
          title: 'MOS p5',
          description:
            'How good does the worst twentieth of the streams sound, by the E-model (1 to 4.41)? An estimate: the figures below say why it is low.',
          unit: 'none',
          width: 4,
          expr: liveQuantile(0.05, { name: LIVE.mos }),
        }),
      ],
    },
    {
      title: 'Where',
      panels: [
        byRegion({
          title: 'Concealment',
          description: 'Which region hears gaps, and since when? Dashed: the objective. Click a line for its streams.',
          unit: 'percentunit',
          of: 'concealment',
          objective: OBJECTIVES.concealment,
        }),
        byRegion({
          title: 'Expand',
          description: 'How often does NetEQ fill a gap, of the 100 decisions that it makes a second?',
          unit: 'ops',
          of: 'expand',
          objective: OBJECTIVES.expand,
        }),
        table({
          title: 'Media servers, worst first',
          description:
            'Is it one server or all servers of the region? One: take it out of service. All: the network of the region.',
          width: 24,
          exprs: [
            sum({ name: 'edgepulse_sessions', by: CELL }),
            impairedShare('audio', CELL),
            impairedShare('silence', CELL),
            liveQuantile(0.95, { name: LIVE.concealment, by: CELL }),
            liveQuantile(0.95, { name: LIVE.expand, by: CELL }),
            liveQuantile(0.95, { name: LIVE.audioLoss, by: CELL }),
          ],
          columns: [
            { of: 'region', name: 'Region', links: [toSessions('row', ['region']), toStreams('row'), toBoard('row')] },
            { of: 'server_url', name: 'Server', links: [toSessions('row', CELL)] },
            { of: 'server_type', name: 'Type' },
            { of: 0, name: 'Sessions' },
            { of: 1, name: 'Hearing badly', unit: 'percentunit', objective: { warn: 0.01, bad: INCIDENT.share } },
            { of: 2, name: 'Missing somebody', unit: 'percentunit', objective: { warn: 0.01, bad: INCIDENT.share } },
            { of: 3, name: 'Concealment p95', unit: 'percentunit', objective: OBJECTIVES.concealment },
            { of: 4, name: 'Expand p95', unit: 'ops', objective: OBJECTIVES.expand },
            { of: 5, name: 'Loss p95', unit: 'percentunit', objective: OBJECTIVES.audio_packet_loss },
          ],
          sortBy: 'Hearing badly',
        }),
      ],
    },
    {
      title: 'Whose side',
      panels: [
        graph({
          title: 'Bad streams by side',
          description:
            'Whose fault are the bad streams, audio and video? server: of the media server. publisher: the uplink of who sends. receiver: the downlink of who hears. docs/attribution.md has the rule.',
          unit: 'short',
          width: 12,
          stacked: true,
          targets: [{ expr: sum({ name: 'edgepulse_impaired_streams', by: ['side'] }), legend: '{{side}}' }],
        }),
        graph({
          title: 'Streams without sound by cause',
          description:
            'Why is somebody who speaks not heard? no_packets: the media server does not forward. no_energy: a muted device, or a listener who turned the volume down.',
          unit: 'short',
          width: 12,
          stacked: true,
          targets: [{ expr: sum({ name: 'edgepulse_silent_streams', by: ['cause'] }), legend: '{{cause}}' }],
        }),
      ],
    },
    WHY,
    VIDEO,
    {
      title: 'Single streams',
      panels: [
        {
          ...table({
            title: 'Streams with the most concealment',
            description:
              'Who hears whom badly? The worst 50, by the newest beacon. Many rows with one peer: its uplink. Many with one session: its downlink. Filtered by region alone.',
            width: 24,
            exprs: [
              WORST,
              ofWorst(select({ name: 'edgepulse_peer_audio_packet_loss_ratio' })),
              ofWorst(select({ name: 'edgepulse_peer_neteq_buffer_seconds' })),
              `max by (region, meeting_id, session_id, peer_id) (${ofWorst(select({ name: 'edgepulse_peer_neteq_operations_per_second', where: { operation: '="expand"' } }))})`,
            ],
            columns: [
              { of: 'region', name: 'Region', links: [toBoard('row')] },
              { of: 'meeting_id', name: 'Meeting', links: [toMeetingOnBoard('row')] },
              { of: 'session_id', name: 'Session', links: [toSessionOnBoard('row')] },
              { of: 'peer_id', name: 'Hears', links: [toMeetingOnBoard('row')] },
              { of: 0, name: 'Concealment', unit: 'percentunit', objective: OBJECTIVES.concealment },
              { of: 1, name: 'Loss', unit: 'percentunit', objective: OBJECTIVES.audio_packet_loss },
              { of: 2, name: 'Buffer', unit: 's' },
              { of: 3, name: 'Expand', unit: 'ops', objective: OBJECTIVES.expand },
            ],
            sortBy: 'Concealment',
          }),
          id: STREAMS_PANEL,
        },
      ],
    },
  ],
};

/** The rows of NetEQ health that say why: what the network and the buffers do, and video beside them. */
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { OBJECTIVES } from '../../../shared/objectives.ts';
import type { Row } from './dashboard.ts';
import { toBoard, toSessions, toStreams } from './links.ts';
import { graph, type Unit } from './panels.ts';
import { liveQuantile, perSecond, sum } from './promql.ts';

export const LIVE = {
  concealment: 'edgepulse_live_concealment_ratio',
  expand: 'edgepulse_live_expand_operations_per_second',
  audioLoss: 'edgepulse_live_audio_packet_loss_ratio',
  uplinkLoss: 'edgepulse_live_uplink_packet_loss_ratio',
  jitter: 'edgepulse_live_audio_jitter_seconds',
  buffer: 'edgepulse_live_neteq_buffer_seconds',
  target: 'edgepulse_live_jitter_buffer_target_seconds',
  mos: 'edgepulse_live_audio_mos',
  acceleration: 'edgepulse_live_acceleration_ratio',
  accelerate: 'edgepulse_live_accelerate_operations_per_second',
  videoLoss: 'edgepulse_live_video_packet_loss_ratio',
  freeze: 'edgepulse_live_video_freeze_ratio',
  frameRate: 'edgepulse_live_video_frames_per_second',
} as const;

type Figure = {
  readonly title: string;
  readonly description: string;
  readonly unit: Unit;
  readonly of: keyof typeof LIVE;
  readonly quantile?: number;
  readonly objective?: (typeof OBJECTIVES)[keyof typeof OBJECTIVES];
};

/** A quantile by region, over each stream that a living session receives. */
export function byRegion({ title, description, unit, of, quantile = 0.95, objective }: Figure): Panel {
  return graph({
    title: `${title} p${quantile * 100} by region`,
    description,
    unit,
    width: 12,
    ...(objective ? { objective } : {}),
    targets: [{ expr: liveQuantile(quantile, { name: LIVE[of], by: ['region'] }), legend: '{{region}}' }],
    links: [toStreams('series'), toBoard('series')],
  });
}

const CONCEALED = {
  all: 'edgepulse_concealed_samples_total',
  silent: 'edgepulse_silent_concealed_samples_total',
  of: 'edgepulse_audio_samples_total',
};
const concealedPerSecond = perSecond({ name: CONCEALED.all, by: ['region'] });
const silentPerSecond = perSecond({ name: CONCEALED.silent, by: ['region'] });

export const WHY: Row = {
  title: 'Why',
  panels: [
    byRegion({
      title: 'Audio packet loss',
      description: 'Are packets lost? Then the network or a server drops them.',
      unit: 'percentunit',
      of: 'audioLoss',
      objective: OBJECTIVES.audio_packet_loss,
    }),
    byRegion({
      title: 'Uplink packet loss',
      description: 'Are they lost on the way from the sender to the media server, as the server reports it?',
      unit: 'percentunit',
      of: 'uplinkLoss',
    }),
    byRegion({
      title: 'Jitter',
      description: 'Or do they arrive, but unevenly? Then the buffer grows, and the delay with it.',
      unit: 's',
      of: 'jitter',
    }),
    graph({
      title: 'Buffer and its target, p95',
      description:
        'Does the buffer hold what the network requires? Below its target it runs empty and expands; far above, people talk over each other.',
      unit: 's',
      width: 12,
      targets: [
        { expr: liveQuantile(0.95, { name: LIVE.buffer, by: ['region'] }), legend: '{{region}}' },
        { expr: liveQuantile(0.95, { name: LIVE.target, by: ['region'] }), legend: '{{region}} target' },
      ],
      dashed: '/ target$/',
      links: [toStreams('series'), toBoard('series')],
    }),
    byRegion({
      title: 'Acceleration',
      description: 'Which share of the samples is removed to make up for a delay? W3C clients.',
      unit: 'percentunit',
      of: 'acceleration',
    }),
    byRegion({
      title: 'Accelerate',
      description:
        'How often does NetEQ play faster to make up for a delay, of 100 decisions a second? Clients with a NetEQ of their own.',
      unit: 'ops',
      of: 'accelerate',
    }),
    graph({
      title: 'Concealed audio, all streams',
      description:
        'Which share of all audio played was invented audibly? By the samples of each time, W3C clients: streams that ended count too.',
      unit: 'percentunit',
      width: 12,
      targets: [
        {
          expr: `(${concealedPerSecond} - ${silentPerSecond}) / (${perSecond({ name: CONCEALED.of, by: ['region'] })} > 0)`,
          legend: '{{region}}',
        },
      ],
      links: [toStreams('series'), toBoard('series')],
    }),
    graph({
      title: 'MOS p5 and p50 by region',
      description: 'How does it sound, by the E-model of ITU-T G.107? It follows delay and loss, which are above.',
      unit: 'none',
      width: 12,
      targets: [
        { expr: liveQuantile(0.5, { name: LIVE.mos, by: ['region'] }), legend: '{{region}} p50' },
        { expr: liveQuantile(0.05, { name: LIVE.mos, by: ['region'] }), legend: '{{region}} p5' },
      ],
      dashed: '/ p5$/',
      links: [toStreams('series'), toBoard('series')],
    }),
  ],
};

export const VIDEO: Row = {
  title: 'Video',
  panels: [
    byRegion({
      title: 'Video freeze',
      description: 'Which share of the time was the video frozen? Pages in the background are left out.',
      unit: 'percentunit',
      of: 'freeze',
      objective: OBJECTIVES.video_freeze,
    }),
    byRegion({
      title: 'Video packet loss',
      description: 'Is it lost packets that freeze it?',
      unit: 'percentunit',
      of: 'videoLoss',
      objective: OBJECTIVES.video_packet_loss,
    }),
    byRegion({
      title: 'Frame rate',
      description: 'How choppy is the worst twentieth? Senders that save bandwidth or CPU lower it, too.',
      unit: 'fps',
      of: 'frameRate',
      quantile: 0.05,
    }),
    graph({
      title: 'Sessions seeing badly by region',
      description: `How many people see at least one peer badly (frozen over ${OBJECTIVES.video_freeze.bad * 100} % of the time, or loss over ${OBJECTIVES.video_packet_loss.bad * 100} %)?`,
      unit: 'short',
      width: 12,
      stacked: true,
      targets: [
        {
          expr: sum({ name: 'edgepulse_impaired_sessions', by: ['region'], where: { cause: '="video"' } }),
          legend: '{{region}}',
        },
      ],
      links: [toSessions('series', ['region']), toBoard('series')],
    }),
  ],
};

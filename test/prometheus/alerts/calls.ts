/** The alerts on the calls. */
import { type AlertCase, REGION, rising, SERVER, type Series, series, WELL } from './case.ts';

const CAUSES = ['any', 'rtt', 'audio', 'video', 'silence'] as const;

type Impaired = { readonly [Cause in (typeof CAUSES)[number]]?: number };

function people(sessions: number, impaired: Impaired, labels = SERVER): Series[] {
  return [
    series('edgepulse_sessions', labels, sessions),
    series('edgepulse_meetings', REGION, 12),
    ...CAUSES.map((cause) => series('edgepulse_impaired_sessions', { ...labels, cause }, impaired[cause] ?? 0)),
  ];
}

function distribution(metric: string, bounds: Readonly<Record<string, number>>): Series[] {
  return Object.entries(bounds).map(([le, count]) => series(`edgepulse_${metric}_bucket`, { ...SERVER, le }, count));
}

function streams(bySide: Readonly<Record<string, number>>): Series[] {
  return Object.entries(bySide).map(([side, count]) =>
    series('edgepulse_impaired_streams', { ...SERVER, side }, count),
  );
}

function silent(cause: string, count: number): Series {
  return series('edgepulse_silent_streams', { ...SERVER, cause }, count);
}

const OTHER_SERVER = { ...SERVER, server_url: 'https://media-2.example.com' };

export const CALLS_CASES: readonly AlertCase[] = [
  {
    alert: 'EdgepulseRttHigh',
    fires: {
      series: [
        ...WELL,
        ...people(84, { rtt: 12, any: 12 }),
        ...distribution('live_rtt_seconds', { 0.2: 72, 0.25: 72, 0.3: 80, 0.35: 84, '+Inf': 84 }),
      ],
      at: 2,
      labels: { ...REGION, cause: 'rtt' },
      summary:
        '12 of 84 people in apac have an RTT over 250 ms (p95 about 299 ms). If the board shows one server, take it out of rotation; if it shows all of them, look at the network between the region and its servers.',
    },
    // Four people, and five of more than a hundred.
    quiet: [...WELL, ...people(20, { rtt: 4 }), ...people(120, { rtt: 5 }, { ...SERVER, region: 'eu-west' })],
  },
  {
    alert: 'EdgepulseAudioBad',
    fires: {
      series: [
        ...WELL,
        ...people(84, { audio: 5, any: 5 }),
        ...distribution('live_concealment_ratio', { 0.02: 200, 0.05: 230, 0.1: 250, '+Inf': 250 }),
        ...streams({ server: 2, publisher: 9, receiver: 0, unknown: 1 }),
      ],
      at: 2,
      labels: { ...REGION, cause: 'audio' },
      summary:
        "5 of 84 people in apac hear somebody badly (concealment p95 of all streams 6.9%). Most bad streams by side: publisher. server: take it out of rotation, but if all servers of the region are red, it is the region's network. publisher: one person's uplink, find them on the board. receiver or unknown: look at the network of the region.",
    },
    quiet: [...WELL, ...people(84, { audio: 4, rtt: 30, video: 30 })],
  },
  {
    alert: 'EdgepulseVideoBad',
    fires: {
      series: [
        ...WELL,
        ...people(84, { video: 40, any: 40 }),
        ...distribution('live_video_freeze_ratio', { 0.02: 100, 0.1: 120, 0.15: 200, '+Inf': 200 }),
        ...streams({ server: 90, publisher: 0, receiver: 0, unknown: 0 }),
      ],
      at: 2,
      labels: { ...REGION, cause: 'video' },
      summary:
        "40 of 84 people in apac see somebody frozen or with packet loss (freezes p95 of all streams 14.4% of the time). Most bad streams by side: server. If RTT or audio alerts too, begin there: it is the network. Video alone: bandwidth, or the server's simulcast.",
    },
    quiet: [...WELL, ...people(84, { video: 4, audio: 40 })],
  },
  {
    alert: 'EdgepulseSilence',
    fires: {
      series: [
        ...WELL,
        ...people(84, { silence: 7, any: 7 }),
        silent('no_packets', 7),
        silent('no_energy', 0),
        ...streams({ server: 0, publisher: 7, receiver: 0, unknown: 0 }),
      ],
      at: 2,
      labels: { ...REGION, cause: 'silence' },
      summary:
        "7 of 84 people in apac can't hear somebody who speaks: no packets arrive. Most bad streams by side: publisher. server: it forwards no audio, take it out of rotation. publisher: find the person on the board, and have them rejoin.",
    },
    // Listeners who mute somebody.
    quiet: [...WELL, ...people(84, { silence: 7, any: 7 }), silent('no_packets', 0), silent('no_energy', 7)],
  },
  {
    alert: 'EdgepulseServerBad',
    fires: {
      // One server of two: of the region's 200 people they are too few.
      series: [...WELL, ...people(20, { audio: 6, any: 6 }), ...people(180, {}, OTHER_SERVER)],
      at: 2,
      labels: { ...SERVER, cause: 'audio' },
      summary:
        '6 people on https://media-1.example.com (webrtc, apac) are affected, cause audio, while the region as a whole is not: it is the server, or its network. Take it out of rotation, so that people elect another one.',
    },
    // Nearly everybody in the region, on either server: that is the region's alert.
    quiet: [...WELL, ...people(20, { audio: 18, any: 18 }), ...people(180, { audio: 150, any: 150 }, OTHER_SERVER)],
  },
  {
    alert: 'EdgepulseJoinsFailing',
    fires: {
      series: [
        ...WELL,
        series('edgepulse_joins_total', { ...REGION, server_type: 'webrtc', result: 'ok' }, rising(10)),
        series('edgepulse_joins_total', { ...REGION, server_type: 'webrtc', result: 'ice' }, rising(3)),
        series('edgepulse_joins_total', { ...REGION, server_type: 'webrtc', result: 'dtls' }, 0),
      ],
      at: 6,
      labels: REGION,
      summary:
        '12 joins failed in apac within a minute, most of them at the stage ice. signaling: the signaling server. ice: TURN, STUN or a firewall. dtls: certificates. media: the media server.',
    },
    quiet: [
      ...WELL,
      series('edgepulse_joins_total', { ...REGION, server_type: 'webrtc', result: 'ok' }, rising(100)),
      series('edgepulse_joins_total', { ...REGION, server_type: 'webrtc', result: 'ice' }, rising(3)),
    ],
  },
  {
    alert: 'EdgepulsePopulationFell',
    fires: {
      series: [
        ...WELL,
        series('edgepulse_sessions', SERVER, (step) => (step < 10 ? 84 : 20)),
        series('edgepulse_meetings', REGION, 12),
        series('edgepulse_sessions_reaped_total', { ...REGION, reason: 'left' }, rising(0.2)),
        series('edgepulse_sessions_reaped_total', { ...REGION, reason: 'stale' }, (step) => (step < 10 ? 3 : 67)),
      ],
      at: 13,
      labels: REGION,
      summary:
        "64 sessions in apac are gone within 5 minutes, most without a goodbye; 20 are left. Either a server or a network took people down, or their beacons no longer arrive: compare with the servers' own count.",
    },
    // The same people say goodbye: the end of an all-hands.
    quiet: [
      ...WELL,
      series('edgepulse_sessions', SERVER, (step) => (step < 10 ? 84 : 20)),
      series('edgepulse_meetings', REGION, 12),
      series('edgepulse_sessions_reaped_total', { ...REGION, reason: 'left' }, (step) => (step < 10 ? 3 : 65)),
      series('edgepulse_sessions_reaped_total', { ...REGION, reason: 'stale' }, rising(0.1)),
    ],
  },
];

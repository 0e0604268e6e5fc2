/** On Chromium's reports of real calls (test/fixtures/stats/), and where other browsers differ. */
import { describe, expect, it } from 'vitest';
import { decodeBeacon, type Peer } from '../shared/beacon.ts';
import { recordedStats } from '../test/support/pages/recorded-stats.ts';
import { type Collection, createCollect, type PeerOf } from './collect.ts';
import { createRtt, type Rtt } from './rtt.ts';
import type { Stat, StatsReport } from './stats.ts';

const BO: PeerOf = () => 'bo-1';

/** Reads the reports a second apart. @returns the result of each */
function collectAll(reports: readonly StatsReport[], peerOf: PeerOf = BO, rtt: Rtt = createRtt()): Collection[] {
  const collect = createCollect(rtt);
  return reports.map((report, second) => collect([{ key: '0', report, peerOf }], 1_000 * second));
}

function reportOf(...stats: Partial<Stat>[]): StatsReport {
  return new Map(stats.map((stat, place) => [stat.id ?? `${place}`, { id: `${place}`, ...stat } as Stat]));
}

function statOf(report: StatsReport, type: string, kind: string): Stat {
  const stat = [...report.values()].find((entry) => entry.type === type && entry.kind === kind);
  if (!stat) throw new Error(`no ${type} of ${kind}`);
  return stat;
}

function audioOf(ssrc: number, counters: Partial<Stat>): Partial<Stat> {
  return {
    id: `IT01A${ssrc}`,
    type: 'inbound-rtp',
    kind: 'audio',
    ssrc,
    trackIdentifier: `track-${ssrc}`,
    ...counters,
  };
}

describe('a recorded call', () => {
  it('has the members of a peer from its streams, by the names of the beacon', () => {
    const reports = recordedStats('call');
    const [first] = collectAll(reports);
    const said = statOf(reports[0] as StatsReport, 'inbound-rtp', 'audio');
    expect(first?.peers).toHaveLength(1);
    const { audio, video }: Partial<Peer> = first?.peers[0] ?? {};
    expect(audio).toMatchObject({
      totalSamplesReceived: said.totalSamplesReceived,
      concealedSamples: said.concealedSamples,
      packetsReceived: said.packetsReceived,
      jitter: said.jitter,
    });
    expect(Object.keys(audio ?? {}).toSorted()).toEqual([
      'concealedSamples',
      'insertedSamplesForDeceleration',
      'jitter',
      'jitterBufferDelay',
      'jitterBufferEmittedCount',
      'jitterBufferTargetDelay',
      'packetsLost',
      'packetsReceived',
      'removedSamplesForAcceleration',
      'silentConcealedSamples',
      'totalAudioEnergy',
      'totalSamplesReceived',
    ]);
    expect(Object.keys(video ?? {}).toSorted()).toEqual([
      'framesDecoded',
      'framesDropped',
      'framesPerSecond',
      'freezeCount',
      'packetsLost',
      'packetsReceived',
      'totalFreezesDuration',
    ]);
  });

  it('keeps counting as the browser does', () => {
    const reports = recordedStats('call');
    const last = collectAll(reports).at(-1)?.peers[0];
    const said = statOf(reports.at(-1) as StatsReport, 'inbound-rtp', 'audio');
    for (const member of [
      'totalSamplesReceived',
      'packetsReceived',
      'jitterBufferDelay',
      'totalAudioEnergy',
    ] as const) {
      expect(last?.audio?.[member], member).toBeCloseTo(said[member] as number, 6);
    }
  });

  it('has what is sent, and the path', () => {
    const reports = recordedStats('call');
    const { path, sent } = collectAll(reports).at(-1) as Collection;
    const last = reports.at(-1) as StatsReport;
    expect(path).toEqual({ candidate_type: 'host', protocol: 'udp' });
    expect(sent?.audio).toEqual({
      packetsSent: statOf(last, 'outbound-rtp', 'audio').packetsSent,
      packetsLost: 0,
      totalAudioEnergy: expect.closeTo(statOf(last, 'media-source', 'audio').totalAudioEnergy as number, 6),
    });
    expect(sent?.video).toMatchObject({
      packetsSent: statOf(last, 'outbound-rtp', 'video').packetsSent,
      qualityLimitationReason: 'none',
    });
  });

  it('measures the RTT of the selected pair, with one sample each time that checks were answered', () => {
    const rtt = createRtt();
    collectAll(recordedStats('renegotiated'), BO, rtt);
    const samples = rtt.take(5_000) ?? [];
    expect(samples.length).toBeGreaterThan(1);
    for (const sample of samples) expect(sample).toBeLessThan(0.1);
  });

  it('makes a beacon that the worker accepts', () => {
    for (const { peers, path, sent } of collectAll(recordedStats('second-microphone'))) {
      const beacon = { v: 1, meeting_id: 'm', session_id: 's', seq: 0, peers, path, sent };
      expect(decodeBeacon(JSON.parse(JSON.stringify(beacon)))).toMatchObject({ ok: true });
    }
  });
});

describe('a muted sender', () => {
  it('conceals nothing and still has samples', () => {
    const peers = collectAll(recordedStats('muted')).map((collection) => collection.peers[0]?.audio);
    // Muted from the third second to the fifth.
    const [before, after] = [peers[2], peers[4]];
    expect((after?.totalSamplesReceived ?? 0) - (before?.totalSamplesReceived ?? 0)).toBeGreaterThan(90_000);
    expect((after?.concealedSamples ?? 0) - (before?.concealedSamples ?? 0)).toBe(0);
    expect((after?.packetsLost ?? 0) - (before?.packetsLost ?? 0)).toBe(0);
  });
});

describe('several streams of a peer', () => {
  it('add up, and no counter falls when one comes or goes', () => {
    const reports = recordedStats('second-microphone');
    const counts = collectAll(reports).map(({ peers }) => peers[0]?.audio?.packetsReceived ?? 0);
    const sums = reports.map((report) =>
      [...report.values()]
        .filter(({ type, kind }) => type === 'inbound-rtp' && kind === 'audio')
        .reduce((sum, { packetsReceived }) => sum + (packetsReceived as number), 0),
    );
    expect(counts).toEqual(sums);
    expect(counts).toEqual(counts.toSorted((a, b) => a - b));
  });

  it('continue when a stream is replaced by another SSRC, which begins at zero', () => {
    const [, , last] = collectAll([
      reportOf(audioOf(1, { packetsReceived: 100, packetsLost: 4 })),
      reportOf(audioOf(2, { packetsReceived: 10, packetsLost: 0 })),
      reportOf(audioOf(2, { packetsReceived: 30, packetsLost: 1 })),
    ]);
    expect(last?.peers[0]?.audio).toEqual({ packetsReceived: 130, packetsLost: 5 });
  });

  it('continue when a stream restarts under the same id', () => {
    const [, last] = collectAll([
      reportOf(audioOf(1, { packetsReceived: 100, concealedSamples: 50 })),
      reportOf(audioOf(1, { packetsReceived: 20, concealedSamples: 60 })),
    ]);
    expect(last?.peers[0]?.audio).toEqual({ packetsReceived: 120, concealedSamples: 110 });
  });

  it('let packetsLost fall, as duplicate packets make it', () => {
    const [, last] = collectAll([
      reportOf(audioOf(1, { packetsReceived: 100, packetsLost: 4 })),
      reportOf(audioOf(1, { packetsReceived: 110, packetsLost: 2 })),
    ]);
    expect(last?.peers[0]?.audio).toEqual({ packetsReceived: 110, packetsLost: 2 });
  });

  it('have the current jitter of the worst', () => {
    const [first, second] = collectAll([
      reportOf(audioOf(1, { jitter: 0.002 }), audioOf(2, { jitter: 0.03 })),
      reportOf(audioOf(1, { jitter: 0.001 }), audioOf(2, { jitter: 0.0 })),
    ]);
    expect([first?.peers[0]?.audio?.jitter, second?.peers[0]?.audio?.jitter]).toEqual([0.03, 0.001]);
  });

  it('count nothing twice when a stream was gone for a while', () => {
    const [, gone, back] = collectAll([
      reportOf(audioOf(1, { packetsReceived: 100 })),
      reportOf(),
      reportOf(audioOf(1, { packetsReceived: 105 })),
    ]);
    expect(gone?.peers).toEqual([]);
    // The aggregator has forgotten the peer too, so its old counters make no difference now.
    expect(back?.peers[0]?.audio).toEqual({ packetsReceived: 5 });
  });
});

describe('one connection that carries many peers', () => {
  const two = reportOf(
    audioOf(1, { packetsReceived: 1 }),
    audioOf(2, { packetsReceived: 2 }),
    audioOf(3, { packetsReceived: 3 }),
  );

  it('is divided by the application, which may leave a stream out', () => {
    const owners: { [track: string]: string } = { 'track-1': 'ana-1', 'track-2': 'bo-1' };
    const [collection] = collectAll([two], ({ trackIdentifier = '' }) => owners[trackIdentifier]);
    expect(collection?.peers).toEqual([
      { peer_id: 'ana-1', audio: { packetsReceived: 1 } },
      { peer_id: 'bo-1', audio: { packetsReceived: 2 } },
    ]);
  });

  it('has no peer whose id would reject the whole beacon', () => {
    expect(collectAll([two], () => 'Bo Smith')[0]?.peers).toEqual([]);
  });
});

describe('the report of another browser', () => {
  it('marks the selected pair itself, in Firefox', () => {
    const rtt = createRtt();
    const [collection] = collectAll(
      [
        reportOf(
          { id: 'a', type: 'candidate-pair', nominated: true, state: 'succeeded', currentRoundTripTime: 9 },
          { id: 'b', type: 'candidate-pair', selected: true, localCandidateId: 'c', currentRoundTripTime: 0.05 },
          { id: 'c', type: 'local-candidate', candidateType: 'srflx', protocol: 'udp' },
        ),
      ],
      BO,
      rtt,
    );
    expect(collection?.path).toEqual({ candidate_type: 'srflx', protocol: 'udp' });
    expect(rtt.take(0)).toEqual([0.05]);
  });

  it('has the protocol by which a relay is reached', () => {
    const [collection] = collectAll([
      reportOf(
        { id: 'p', type: 'candidate-pair', selected: true, localCandidateId: 'c' },
        { id: 'c', type: 'local-candidate', candidateType: 'relay', protocol: 'udp', relayProtocol: 'tls' },
      ),
    ]);
    expect(collection?.path).toEqual({ candidate_type: 'relay', protocol: 'tls' });
  });

  it('is nothing where nothing is known', () => {
    expect(collectAll([reportOf(), reportOf({ type: 'inbound-rtp', kind: 'audio' })])).toEqual([
      { peers: [] },
      { peers: [{ peer_id: 'bo-1', audio: {} }] },
    ]);
  });
});

describe('a mesh', () => {
  const connection = (key: string, ssrc: number, rtt: number) => ({
    key,
    peerOf: () => `peer-${key}`,
    report: reportOf(
      audioOf(ssrc, { packetsReceived: ssrc }),
      { id: 'O', type: 'outbound-rtp', kind: 'audio', packetsSent: 10 },
      { id: 'S', type: 'media-source', kind: 'audio', trackIdentifier: 'microphone', totalAudioEnergy: 2 - rtt },
      { id: 'pair', type: 'candidate-pair', selected: true, localCandidateId: 'c', currentRoundTripTime: rtt },
      { id: 'c', type: 'local-candidate', candidateType: rtt > 0.1 ? 'relay' : 'host', protocol: 'udp' },
    ),
  });

  it('has the RTT and the path of its worst connection, and counts its one source once', () => {
    const rtt = createRtt();
    const collection = createCollect(rtt)([connection('0', 1, 0.05), connection('1', 2, 0.3)], 0);
    expect(collection.peers.map(({ peer_id }) => peer_id)).toEqual(['peer-0', 'peer-1']);
    expect(collection.path).toEqual({ candidate_type: 'relay', protocol: 'udp' });
    expect(collection.sent).toEqual({ audio: { packetsSent: 20, totalAudioEnergy: 1.95 } });
    expect(rtt.take(0)).toEqual([0.3]);
  });
});

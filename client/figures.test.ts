import { describe, expect, it } from 'vitest';
import type { AudioStats, Peer, VideoStats } from '../shared/beacon.ts';
import { OBJECTIVES } from '../shared/objectives.ts';
import { createJudge, type Judge, type Judgement } from './figures.ts';

function bo(audio: AudioStats, video?: VideoStats, peer_id = 'bo-1'): Peer {
  return { peer_id, audio, ...(video && { video }) };
}

function judgeWith(
  judge: Judge,
  peers: Peer[],
  more: { rtt?: number; isVisible?: boolean; objectives?: undefined } = {},
): Judgement {
  return judge({ peers, rtt: undefined, objectives: OBJECTIVES, isVisible: true, ...more });
}

/** Levels after the second of two collections. */
function levelsAfter(first: Peer[], second: Peer[], more = {}): { [figure: string]: number } {
  const judge = createJudge();
  judgeWith(judge, first, more);
  const { levels } = judgeWith(judge, second, more);
  return Object.fromEntries(Object.entries(levels).filter(([, level]) => level > 0));
}

const quiet = { totalSamplesReceived: 48_000, concealedSamples: 0, silentConcealedSamples: 0 };

describe('createJudge', () => {
  it.each([
    [
      'bad concealment',
      bo({ totalSamplesReceived: 96_000, concealedSamples: 4_800, silentConcealedSamples: 0 }),
      { concealment: 2 },
    ],
    [
      'concealment that nobody hears',
      bo({ totalSamplesReceived: 96_000, concealedSamples: 4_800, silentConcealedSamples: 4_800 }),
      {},
    ],
    ['well', bo({ totalSamplesReceived: 96_000, concealedSamples: 0, silentConcealedSamples: 0 }), {}],
    ['no samples at all', bo(quiet), {}],
  ])('judges the differences between two collections: %s', (_, second, expected) => {
    expect(levelsAfter([bo(quiet)], [second])).toEqual(expected);
  });

  it('says nothing about a new peer', () => {
    expect(
      levelsAfter([], [bo({ totalSamplesReceived: 48_000, concealedSamples: 48_000, silentConcealedSamples: 0 })]),
    ).toEqual({});
  });

  it('judges loss, but not of the few packets of a muted sender', () => {
    const before = bo({ packetsReceived: 100, packetsLost: 0 });
    expect(levelsAfter([before], [bo({ packetsReceived: 140, packetsLost: 10 })])).toEqual({ audio_packet_loss: 2 });
    expect(levelsAfter([before], [bo({ packetsReceived: 104, packetsLost: 1 })])).toEqual({});
  });

  it('judges video while the page is visible', () => {
    const [before, after] = [bo({}, { totalFreezesDuration: 0 }), bo({}, { totalFreezesDuration: 0.5 })];
    expect(levelsAfter([before], [after])).toEqual({ video_freeze: 2 });
    expect(levelsAfter([before], [after], { isVisible: false })).toEqual({});
  });

  it('judges RTT, where a warning has to occur twice in a row', () => {
    const judge = createJudge();
    expect(judgeWith(judge, [], { rtt: 0.2 }).levels).toEqual({ rtt: 0 });
    expect(judgeWith(judge, [], { rtt: 0.2 }).levels).toEqual({ rtt: 1 });
    expect(judgeWith(judge, [], { rtt: 0.1 }).levels).toEqual({ rtt: 0 });
    expect(judgeWith(judge, [], { rtt: 0.3 }).levels).toEqual({ rtt: 2 });
  });

  it('judges the rates of a NetEQ client, but not of a silent sender', () => {
    const expanding = (packets_per_second: number): Peer => ({
      peer_id: 'bo-1',
      neteq: { packets_per_second, operations_per_second: { expand: 100 } },
    });
    expect(levelsAfter([], [expanding(50)])).toEqual({ expand: 2 });
    expect(levelsAfter([], [expanding(1)])).toEqual({});
  });

  it('finds everything fine until the objectives are known', () => {
    expect(levelsAfter([], [], { rtt: 5, objectives: undefined })).toEqual({});
  });

  it('ranks the worst first, then the loudest', () => {
    const judge = createJudge();
    const hall = (lost: number) => [
      bo({ packetsReceived: 100, packetsLost: 0, totalAudioEnergy: 0.1 }, undefined, 'quiet'),
      bo({ packetsReceived: 100, packetsLost: 0, totalAudioEnergy: 8 }, undefined, 'loud'),
      bo({ packetsReceived: 100 + lost, packetsLost: lost, totalAudioEnergy: 0 }, undefined, 'bad'),
    ];
    judgeWith(judge, hall(0));
    expect(judgeWith(judge, hall(50)).ranked.map(({ peer_id }) => peer_id)).toEqual(['bad', 'loud', 'quiet']);
  });
});

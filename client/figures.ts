/** How the call is, judged by the objectives of the edge: what differs between two collections. Pure. */
import type { Peer } from '../shared/beacon.ts';
import type { RegionInfo } from '../shared/region-info.ts';
import type { Numbers } from './stats.ts';

/** 0 well, 1 past `warn`, 2 past `bad`. */
export type Level = 0 | 1 | 2;
/** The worst of all peers, by the name of the figure. */
export type Levels = { [figure: string]: Level };
/** As the edge says them; until then nothing is past any. */
export type Objectives = RegionInfo['objectives'] | undefined;

export type Judgement = {
  readonly levels: Levels;
  /** The peers, the worst first, then those who were loudest. */
  readonly ranked: Peer[];
};

export type JudgeOptions = {
  readonly peers: readonly Peer[];
  /** The newest RTT, where one was measured. */
  readonly rtt: number | undefined;
  readonly objectives: Objectives;
  /** A hidden page's video does not count: browsers stop decoding it. */
  readonly isVisible: boolean;
};

export type Judge = (options: JudgeOptions) => Judgement;

/** Fewer packets than a muted sender's say nothing of loss. */
const PACKETS_MIN = 10;

export function createJudge(): Judge {
  let before = new Map<string, Peer>();
  let rawBefore: Levels = {};

  return ({ peers, rtt, objectives, isVisible }) => {
    const raw: Levels = {};
    const levels: Levels = {};
    const worth = new Map<Peer, number>();

    function judge(figures: { [figure: string]: number | undefined }): Level {
      let worst: Level = 0;
      for (const figure in figures) {
        const objective = objectives?.[figure as keyof NonNullable<Objectives>];
        const value = figures[figure] as number;
        // What is unknown is past nothing.
        const level = !objective ? 0 : value > objective.bad ? 2 : value > objective.warn ? 1 : 0;
        raw[figure] = worse(raw[figure], level);
        // One lost packet is 2 % of a second: a warning must be seen twice in a row.
        levels[figure] = worse(levels[figure], level === 2 || rawBefore[figure] ? level : 0);
        worst = worse(worst, level);
      }
      return worst;
    }

    judge({ rtt });
    for (const peer of peers) {
      const { audio, neteq, video } = peer;
      const previous = before.get(peer.peer_id);
      const heard = moved(audio, previous?.audio);
      const seen = moved(isVisible ? video : undefined, previous?.video);
      const expand = (neteq?.packets_per_second ?? 2) < 2 ? undefined : neteq?.operations_per_second?.expand;
      const level = judge({
        concealment:
          ((heard.concealedSamples as number) - (heard.silentConcealedSamples as number)) /
          (heard.totalSamplesReceived as number),
        expand,
        audio_packet_loss: lossOf(heard),
        video_packet_loss: lossOf(seen),
        // About a second lies between two collections; the aggregator has the time between two beacons.
        video_freeze: seen.totalFreezesDuration,
      });
      const energy = audio?.totalAudioEnergy ?? 0;
      worth.set(peer, level + energy / (1 + energy));
    }
    before = new Map(peers.map((peer) => [peer.peer_id, peer]));
    rawBefore = raw;
    return { levels, ranked: [...peers].sort((a, b) => (worth.get(b) as number) - (worth.get(a) as number)) };
  };
}

function worse(one: Level = 0, other: Level): Level {
  return one > other ? one : other;
}

function lossOf({ packetsLost = 0, packetsReceived = 0 }: Partial<Numbers>): number | undefined {
  const packets = packetsLost + packetsReceived;
  return packets < PACKETS_MIN ? undefined : packetsLost / packets;
}

/** By how much each counter that both have moved; NaN for one that is new. */
function moved(now: Numbers = {}, before: Numbers = {}): Partial<Numbers> {
  return Object.fromEntries(
    Object.entries(now).map(([member, value]) => [member, value - (before[member] ?? Number.NaN)]),
  );
}

/** Judges the call by the edge's objectives, from the differences between two collections. Pure. */
import type { Peer } from '../shared/beacon.ts';
import type { RegionInfo } from '../shared/region-info.ts';
import type { Numbers } from './stats.ts';

/** The worst level of all peers, by the name of the figure. 0: fine, 1: past `warn`, 2: past `bad`. */
export type Levels = { [figure: string]: number };
/** From the edge; while they are unknown, no figure is past one. */
export type Objectives = RegionInfo['objectives'] | undefined;

export type Judgement = {
  readonly levels: Levels;
  /** The peers, the worst first, then the loudest. */
  readonly ranked: Peer[];
};

export type JudgeOptions = {
  readonly peers: readonly Peer[];
  /** The newest RTT, if one was measured. */
  readonly rtt: number | undefined;
  readonly objectives: Objectives;
  /** A hidden page's video does not count: browsers stop decoding it. */
  readonly isVisible: boolean;
};

export type Judge = (options: JudgeOptions) => Judgement;

/** So few packets, as from a muted sender, say nothing about loss. */
const PACKETS_MIN = 10;

export function createJudge(): Judge {
  let before = new Map<string, Peer>();
  let rawBefore: Levels = {};

  return ({ peers, rtt, objectives, isVisible }) => {
    const raw: Levels = {};
    const levels: Levels = {};
    const worth = new Map<Peer, number>();

    /** @returns the worst level */
    function judge(figures: { [figure: string]: number | undefined }): number {
      let worst = 0;
      for (const figure in figures) {
        const objective = objectives?.[figure as keyof NonNullable<Objectives>];
        const value = figures[figure] as number;
        // An unknown value is past no objective.
        const level = objective ? +(value > objective.warn) + +(value > objective.bad) : 0;
        raw[figure] = Math.max(raw[figure] ?? 0, level);
        // One lost packet is 2 % of a second, so a warning has to occur twice in a row.
        levels[figure] = Math.max(levels[figure] ?? 0, level > 1 || rawBefore[figure] ? level : 0);
        worst = Math.max(worst, level);
      }
      return worst;
    }

    judge({ rtt });
    for (const peer of peers) {
      const { audio, neteq, video } = peer;
      const previous = before.get(peer.peer_id);
      const heard = riseOf(audio, previous?.audio);
      const seen = riseOf(isVisible ? video : undefined, previous?.video);
      const expand = (neteq?.packets_per_second ?? 2) < 2 ? undefined : neteq?.operations_per_second?.expand;
      const level = judge({
        concealment: (heard('concealedSamples') - heard('silentConcealedSamples')) / heard('totalSamplesReceived'),
        expand,
        audio_packet_loss: lossOf(heard),
        video_packet_loss: lossOf(seen),
        // About a second lies between two collections; the aggregator has the time between two beacons.
        video_freeze: seen('totalFreezesDuration'),
      });
      const energy = audio?.totalAudioEnergy ?? 0;
      worth.set(peer, level + energy / (1 + energy));
    }
    before = new Map(peers.map((peer) => [peer.peer_id, peer]));
    rawBefore = raw;
    return { levels, ranked: [...peers].sort((a, b) => (worth.get(b) as number) - (worth.get(a) as number)) };
  };
}

function lossOf(rise: Rise): number {
  const lost = rise('packetsLost');
  const packets = lost + rise('packetsReceived');
  return packets < PACKETS_MIN ? Number.NaN : lost / packets;
}

/** How much a counter has risen; NaN when that is unknown. */
type Rise = (member: string) => number;

function riseOf(now: Numbers | undefined, before: Numbers | undefined): Rise {
  return (member) => (now?.[member] as number) - (before?.[member] as number);
}

/** For tests: the fleet, played for a while, and what its beacons say about each session and each stream. */
import type { AudioStats, Peer, VideoStats } from '../shared/beacon.ts';
import { createFleet, type Posting } from './fleet.ts';
import { EPISODES, type EpisodeKind, isUnderWay } from './timetable.ts';

export const START_MS = 1_800_000_000_000;

/** The fleet in steps of a clock, as the demo has one. */
export function play({ seed, forMs, stepMs = 50 }: { seed: number; forMs: number; stepMs?: number }) {
  const fleet = createFleet({ seed, startMs: START_MS });
  const sent: Posting[] = [];
  const sizes = [fleet.size()];
  for (let atMs = START_MS; atMs < START_MS + forMs; atMs += stepMs) {
    sent.push(...fleet.advance(atMs));
    sizes.push(fleet.size());
  }
  return { sent, sizes };
}

export type Step = { readonly before: Posting; readonly after: Posting };

/** Consecutive beacons of each session. */
export function stepsOf(sent: readonly Posting[]): Step[] {
  return [...Map.groupBy(sent, ({ beacon }) => beacon.session_id).values()].flatMap((beacons) =>
    beacons.slice(1).map((after, i) => ({ before: beacons[i] as Posting, after })),
  );
}

/** One stream between two beacons of its receiver: the newest figures, and how far the counters moved. */
export type Stream = {
  readonly receiver: Posting;
  readonly from: string;
  readonly seconds: number;
  readonly peer: Peer;
  readonly audio: Required<AudioStats> | undefined;
  readonly video: Required<VideoStats> | undefined;
};

export function streamsOf(steps: readonly Step[]): Stream[] {
  return steps.flatMap(({ before, after }) =>
    after.beacon.peers.flatMap((peer) => {
      const earlier = before.beacon.peers.find(({ peer_id }) => peer_id === peer.peer_id);
      if (!earlier) return [];
      const stream = { receiver: after, from: peer.peer_id, seconds: (after.atMs - before.atMs) / 1000, peer };
      return [{ ...stream, audio: moved(earlier.audio, peer.audio), video: moved(earlier.video, peer.video) }];
    }),
  );
}

function moved<Stats extends { [Name in keyof Stats]?: number }>(
  before: Stats | undefined,
  after: Stats | undefined,
): Required<Stats> | undefined {
  if (!before || !after) return undefined;
  const names = Object.keys(after) as (keyof Stats)[];
  return Object.fromEntries(names.map((name) => [name, Number(after[name]) - Number(before[name])])) as Required<Stats>;
}

/** Whether an episode of this kind was under way for the whole step. */
export function isAll(kind: EpisodeKind, { before, after }: Step): boolean {
  return EPISODES.some(
    (episode) =>
      episode.kind === kind &&
      isUnderWay(episode, before.atMs - START_MS) &&
      isUnderWay(episode, after.atMs - START_MS) &&
      after.atMs - before.atMs < episode.lastsMs,
  );
}

/** Whether no episode was under way at either end of the step. */
export function isQuiet({ before, after }: Step): boolean {
  return EPISODES.every(
    (episode) => !isUnderWay(episode, before.atMs - START_MS) && !isUnderWay(episode, after.atMs - START_MS),
  );
}

export function lossOf({ packetsLost, packetsReceived }: { packetsLost: number; packetsReceived: number }): number {
  return packetsLost / (packetsLost + packetsReceived);
}

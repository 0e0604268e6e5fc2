/** A living session and what it contributes, computed from its newest beacon on demand. */
import type { Beacon } from '../../../shared/beacon.ts';
import { type Figures, figuresOf, toMillionth } from './figures.ts';
import type { CellKey } from './ledger.ts';
import type { PeerRises } from './rises.ts';
import type { Runs } from './runs.ts';

export type Living = {
  readonly key: string;
  region: string;
  cell: CellKey;
  readonly runs: Runs;
  newest: Beacon;
  newestAtMs: number;
  /** Differences of the newest beacon's peers to the one before; none in the first beacon of a run. */
  rises: readonly PeerRises[];
  /** From the beacon before of the same run to the newest. */
  elapsedSeconds: number | undefined;
  /** The last `dropped` that the client reported. */
  clientDropped: number;
  /** The step of the reap clock at which it expires. */
  dueStep: number;
};

export function meetingOf({ newest }: Living): string {
  return newest.meeting_id;
}

export function participantOf({ newest }: Living): string {
  return newest.participant_id;
}

/** The newest sample of the newest beacon. */
export function rttOf({ newest }: Living): number | undefined {
  const rtt = newest.rtt?.at(-1);
  return rtt === undefined ? undefined : toMillionth(rtt);
}

/** In the order of the newest beacon. */
export function figuresOfPeers(session: Living): Figures[] {
  const { newest, rises, elapsedSeconds } = session;
  const ofSession = { rttSeconds: rttOf(session), elapsedSeconds, isHidden: newest.state?.visible === false };
  return newest.peers.map((peer, i) => figuresOf({ peer, rises: rises[i] ?? { audio: {}, video: {} }, ...ofSession }));
}

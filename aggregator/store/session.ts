/** The record of one living session: it owns everything that the session contributes. */

import type { Publisher } from '../attribution/publisher.ts';
import type { Expiring } from '../expiry/wheel.ts';
import type { Standing } from '../live/breakdown.ts';
import type { Cell } from '../live/population.ts';
import type { Runs } from './arrival/runs.ts';
import type { SeriesHolder } from './detail/series-budget.ts';
import type { Presence } from './roster.ts';
import type { Uplink } from './uplink.ts';

export interface Session extends Expiring<Session>, Runs, SeriesHolder {
  readonly id: string;
  /** Number of the record, rising: a scrape passes over what began after it did. */
  readonly born: number;
  /** When the first beacon of its run came that this process read, and whether that was not the run's first one. */
  beganAtMs: number;
  isBegunEarlier: boolean;
  participantId: string;
  presence: Presence<Session>;
  cell: Cell;
  /** When the edge received the beacon that its values are of, by the broker's clock: a late one that came since moves no value. */
  receivedAtMs: number;
  /** About how long it lets pass between two beacons, ms, by which it is told when it has gone quiet. */
  intervalMs: number;
  /** It has been silent for more than two of them: it lives, and is not judged. */
  isQuiet: boolean;
  /** The slot of the wheel in which it has been silent for a TTL; `due` is earlier while it is not quiet. */
  expires: number;
  /** Newest RTT in seconds, NaN when the newest beacon had none. */
  rtt: number;
  /** Rows of the peer table, in the order of the newest beacon. */
  peers: number[];
  /** As which it is heard by others. */
  readonly publisher: Publisher;
  /** `arrivals` of its meeting when its newest beacon came. */
  arrivalsSeen: number;
  /** Whether it is among the sessions that may be impaired. */
  isSuspect: boolean;
  clientDropped: number;
  /** Newest readings of what the connection counts; -1 when unknown. */
  connectionFailures: number;
  iceRestarts: number;
  /** How many peers its newest beacon leaves out. */
  omittedPeers: number;
  /** What its newest beacon says it is of. */
  standing: Standing;
  /** Of what it sends; undefined until it says so. */
  uplink: Uplink | undefined;
  /** Newest share of what it sends that is lost, NaN when unknown. */
  uplinkLoss: number;
  /** Labels as the exposition writes them, kept from the first time that they are written. */
  labels: string;
}

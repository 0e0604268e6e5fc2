/**
 * What media servers publish of their clients, into the store. Their subjects have no lane: every shard reads them, and
 * keeps the meetings of its own lanes. The region and the type of the server are those of the subject, whatever the packet says.
 */
import { SERVER_TYPES, type ServerType } from '../../../shared/beacon.ts';
import { laneNumberOf, type MediaSubject, parseMediaSubject, type Shard } from '../../../shared/subjects.ts';
import { createReports } from '../../store/report/report.ts';
import type { Sessions } from '../../store/sessions.ts';
import { createHealthReader, ELSEWHERE } from './health-reader.ts';
import { createIdHash } from './id-hash.ts';
import { createRecent } from './recent.ts';

export type Packets = {
  /** Takes in a packet. @returns false when its subject is no media server's whose packets are read */
  take(subject: string, data: Uint8Array, times: PacketTimes): boolean;
};

/** As ingest has them of every message. Times are the broker's, ms since the epoch. */
export type PacketTimes = {
  readonly storedAtMs: number;
  readonly nowMs: number;
  readonly isHistory?: boolean;
  readonly passedMs?: number | undefined;
};

export type PacketsOptions = {
  readonly sessions: Sessions;
  /** Types of media servers whose packets are read. */
  readonly serverTypes: readonly ServerType[];
  readonly shard: Shard;
  readonly lanes: number;
  /** The key of the hashes that stand for ids. */
  readonly idHashSecret: string;
};

/** Subjects are as many as there are media servers, or as somebody makes up. */
const SUBJECTS_MAX = 4_096;

export function createPackets({ sessions, serverTypes, shard, lanes, idHashSecret }: PacketsOptions): Packets {
  const isOurs = (id: string) => laneNumberOf(id, lanes) % shard.count === shard.index;
  const read = createHealthReader({ hash: createIdHash(idHashSecret), isOurs });
  const reports = createReports();
  const regions = new Set(sessions.regions);
  const types = new Set(SERVER_TYPES.filter((type) => serverTypes.includes(type)));
  const subjects = createRecent<MediaSubject>(SUBJECTS_MAX);
  for (const region of regions) sessions.totals(region).packets.isRead = true;

  function find(subject: string): MediaSubject | undefined {
    const known = subjects.get(subject);
    if (known) return known;
    const parsed = parseMediaSubject(subject);
    if (!parsed || !regions.has(parsed.region) || !types.has(parsed.serverType)) return undefined;
    subjects.set(subject, parsed);
    return parsed;
  }

  /** Whether the packet that was read last got as far as its meeting, which is ours then. */
  function hasMeeting(): boolean {
    return reports.list[0]?.meetingId !== '';
  }

  return {
    take(subject, data, { storedAtMs, nowMs, isHistory = false, passedMs = storedAtMs }) {
      const media = find(subject);
      if (!media) return false;
      const { region, serverType, serverId } = media;
      const outcome = read(data, serverType, reports);
      if (outcome === ELSEWHERE) return true;
      if (outcome !== 'read') {
        // Every shard sees one that is damaged before its meeting: the one that the server's id is on counts it.
        if (hasMeeting() || isOurs(serverId)) sessions.tally(region, isHistory).packets.rejected[outcome]++;
        return true;
      }
      reports.isHistory = isHistory;
      reports.place(0, storedAtMs, Math.max(storedAtMs, passedMs));
      sessions.apply(region, reports, nowMs);
      return true;
    },
  };
}

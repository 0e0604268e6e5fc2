/** Simulated clients: who they are, the number of their next beacon, and counters that only rise until they are reset. */
import type { AudioStats, Beacon, Peer, VideoStats } from '../../shared/beacon.ts';
import type { Content, PeerContent } from './content.ts';
import { CLIENTS, type Numbered, type Post, REGIONS } from './steps.ts';

export type Clients = {
  /** The next beacon of a client, as the edge decodes it. */
  beacon(post: Post): Beacon;
  /** Where the client is now. */
  regionOf(client: number): string;
  roam(client: number): void;
  rename(client: number, participant: number): void;
  /** A reload that keeps the id. @param saysStarted whether the new page says when it started */
  reload(client: number, saysStarted: boolean): void;
};

type Client = {
  readonly meeting: string;
  readonly session: string;
  participant: string;
  region: number;
  /** Of the page, and of the earlier pages that reported it. */
  started: number | undefined;
  starts: number;
  seq: number;
  readonly counters: Map<string, Counters>;
};

type Counters = { readonly audio: AudioStats; readonly video: VideoStats };

export function createClients(): Clients {
  const clients = Array.from(
    { length: CLIENTS },
    (_, i): Client => ({
      meeting: `m-${i % 3}`,
      session: `s-${Math.floor(i / 3)}`,
      participant: `p-${i % 4}`,
      region: i % REGIONS.length,
      // Every second client is a current one; the others are older.
      started: i % 2 === 0 ? 0 : undefined,
      starts: 1,
      seq: 0,
      counters: new Map(),
    }),
  );
  const clientOf = (client: number) => clients[client] as Client;

  return {
    beacon({ client, seq, content, isLeaving }) {
      const { meeting, session, participant, started, counters } = clientOf(client);
      return {
        v: 1,
        meeting_id: meeting,
        session_id: session,
        participant_id: participant,
        seq: nextSeq(clientOf(client), seq),
        peers: content.peers.map((peer) => readPeer(counters, peer)),
        ...(started !== undefined && { started }),
        ...membersOf(content),
        ...(isLeaving && { leaving: true as const }),
      };
    },
    regionOf: (client) => REGIONS[clientOf(client).region] as string,
    roam(client) {
      const one = clientOf(client);
      one.region = (one.region + 1) % REGIONS.length;
    },
    rename(client, participant) {
      clientOf(client).participant = `p-${participant}`;
    },
    reload(client, saysStarted) {
      const one = clientOf(client);
      one.started = saysStarted ? one.starts++ : undefined;
      one.seq = 0;
      one.counters.clear();
    },
  };
}

function membersOf({ rtt, server, dropped, visible }: Content): Partial<Beacon> {
  return {
    // The wire has no empty lists.
    ...(rtt && rtt.length > 0 && { rtt: [...rtt] }),
    ...(server && { server }),
    ...(dropped !== undefined && { dropped }),
    ...(visible !== undefined && { state: { visible } }),
  };
}

function nextSeq(client: Client, numbered: Numbered): number {
  if (numbered.by === 'back') return Math.max(0, client.seq - 1 - numbered.count);
  if (numbered.by === 'skip') client.seq += numbered.count;
  return client.seq++;
}

/** Counters rise by the given amounts; an absent one is left out of the beacon and keeps its value at the client. */
function readPeer(counters: Map<string, Counters>, { peer_id, audio, neteq, video, isReset }: PeerContent): Peer {
  const before = (!isReset && counters.get(peer_id)) || { audio: {}, video: {} };
  const read = { audio: risen(before.audio, audio), video: risen(before.video, video) };
  counters.set(peer_id, { audio: { ...before.audio, ...read.audio }, video: { ...before.video, ...read.video } });
  return {
    peer_id,
    ...(audio && { audio: read.audio }),
    ...(neteq && { neteq }),
    ...(video && { video: read.video }),
  };
}

/** Not a counter. */
const NEWEST = ['jitter', 'framesPerSecond'];

function risen<Stats extends { [name: string]: number | undefined }>(before: Stats, rises: Stats | undefined): Stats {
  const read = Object.entries(rises ?? {}).map(([name, rise]): [string, number] => {
    const sum = (NEWEST.includes(name) ? 0 : (before[name] ?? 0)) + (rise ?? 0);
    return [name, Math.min(Number.MAX_SAFE_INTEGER, sum)];
  });
  return Object.fromEntries(read) as Stats;
}

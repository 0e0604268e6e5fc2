/** What the clients of a simulated meeting count and report: one beacon each every 5 s. */
import type { Beacon, Peer } from '../../shared/beacon.ts';
import type { Meeting, Person } from './meetings.ts';
import type { Random } from './random.ts';

export const INTERVAL_SECONDS = 5;

const SAMPLES = 48_000 * INTERVAL_SECONDS;
const PACKETS = 50 * INTERVAL_SECONDS;
/** Of a muted sender with DTX. */
const DTX_PACKETS = 5 * INTERVAL_SECONDS;
/** A burst of loss in one stream although nothing is broken: its probability, and the share that is lost. */
const BURST = { chance: 0.002, least: 0.05, most: 0.25 };

/** What one receiver has counted of one sender since the call began. */
type Counters = { samples: number; concealed: number; received: number; lost: number };

export type Clients = {
  /** The next beacon of each person in the meeting. */
  round(): Beacon[];
};

export function createClients(random: Random, meeting: Meeting): Clients {
  const { people, server } = meeting;
  const counters = new Map<string, Counters>();
  /** The loss of each uplink in the previous interval: a receiver's interval overlaps two of the sender's. */
  let previous = people.map(({ uplinkLoss }) => uplinkLoss);
  /** How far each receiver's interval reaches into the sender's newest one. */
  const phase = people.map(() => random.next());
  let seq = 0;

  function peerOf(receiver: number, sender: number, uplinkLoss: number): Peer {
    const [from, to] = [people[sender] as Person, people[receiver] as Person];
    const isSilent = from.isMuted && from.usesDtx;
    const sent = isSilent ? DTX_PACKETS : PACKETS;
    const burst = random.chance(BURST.chance) ? random.between(BURST.least, BURST.most) : 0;
    const reaches = (1 - uplinkLoss) * (1 - server.loss) * (1 - meeting.loss) * (1 - to.downlinkLoss) * (1 - burst);
    const lost = random.binomial(sent, 1 - reaches);
    // Lost audio is concealed, except what is retransmitted in time; silence needs no concealment.
    const concealed = isSilent ? 0 : (lost / sent) * random.between(0.6, 0.9);
    if (to.hasNetEq) return netEqPeer(from.id, concealed, (sent - lost) / INTERVAL_SECONDS);
    const key = `${from.id} ${to.id}`;
    const counted = counters.get(key) ?? { samples: 0, concealed: 0, received: 0, lost: 0 };
    counters.set(key, counted);
    counted.samples += SAMPLES;
    counted.concealed += Math.round(SAMPLES * concealed);
    counted.received += sent - lost;
    counted.lost += lost;
    return w3cPeer(from.id, counted);
  }

  return {
    round() {
      const now = people.map((person) => random.binomial(PACKETS, person.uplinkLoss) / PACKETS);
      const beacons = people.map((person, receiver): Beacon => {
        const share = phase[receiver] as number;
        const peers = people.flatMap((_, sender) => {
          const uplinkLoss = share * (now[sender] as number) + (1 - share) * (previous[sender] as number);
          return sender === receiver ? [] : [peerOf(receiver, sender, uplinkLoss)];
        });
        return {
          v: 1,
          meeting_id: meeting.id,
          session_id: person.id,
          participant_id: person.id,
          seq,
          server: { url: server.url, type: 'webrtc' },
          rtt: [person.rttSeconds * random.between(0.95, 1.05)],
          peers,
        };
      });
      previous = now;
      seq++;
      return beacons;
    },
  };
}

function w3cPeer(peer_id: string, { samples, concealed, received, lost }: Counters): Peer {
  return {
    peer_id,
    audio: {
      totalSamplesReceived: samples,
      concealedSamples: concealed,
      silentConcealedSamples: 0,
      packetsReceived: received,
      packetsLost: lost,
    },
  };
}

function netEqPeer(peer_id: string, concealed: number, packetsPerSecond: number): Peer {
  return {
    peer_id,
    neteq: { buffer: 0.08, packets_per_second: packetsPerSecond, operations_per_second: { expand: 100 * concealed } },
  };
}

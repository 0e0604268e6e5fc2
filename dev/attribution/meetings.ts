/**
 * Meetings with known faults: people on servers, where some uplinks, downlinks and servers lose packets. A seed gives the
 * same world every time.
 */
import type { Random } from './random.ts';

export type Person = {
  readonly id: string;
  readonly isMuted: boolean;
  /** Sends Opus with DTX: five packets a second while muted, else as many as anybody. */
  readonly usesDtx: boolean;
  /** A client with a NetEQ of its own, rather than with W3C counters. */
  readonly hasNetEq: boolean;
  /** Share of the packets lost in each direction. */
  readonly uplinkLoss: number;
  readonly downlinkLoss: number;
  readonly hasBadUplink: boolean;
  readonly hasBadDownlink: boolean;
  readonly rttSeconds: number;
};

export type Meeting = {
  readonly id: string;
  readonly server: Server;
  /** Share lost by the process that forwards only this meeting, whatever the rest of the server does. */
  readonly loss: number;
  readonly isBad: boolean;
  readonly people: readonly Person[];
};

export type Server = { readonly url: string; readonly loss: number; readonly isBad: boolean };

export type World = { readonly servers: readonly Server[]; readonly meetings: readonly Meeting[] };

/** Probabilities that something is broken. */
export type Faults = {
  /** Of each person's uplink, and independently of the downlink. */
  readonly link: number;
  readonly server: number;
  /** Of the process that forwards one meeting. */
  readonly meeting: number;
};

const SERVERS = 3;
const MEETINGS_A_SERVER = { least: 4, most: 12 };
const PEOPLE = { least: 2, most: 20 };
/** Share that a broken link or server loses. */
const BAD_LOSS = { least: 0.12, most: 0.45 };
const MUTED = 0.5;
const DTX = 0.7;
const NETEQ = 0.3;

export function createWorld(random: Random, faults: Faults): World {
  const servers: Server[] = [];
  const meetings: Meeting[] = [];
  for (let s = 0; s < SERVERS; s++) {
    const isBad = random.chance(faults.server);
    const server = { url: `https://media-${s}.example.com`, loss: isBad ? badLoss(random) : 0, isBad };
    servers.push(server);
    for (let m = random.integer(MEETINGS_A_SERVER.least, MEETINGS_A_SERVER.most); m > 0; m--) {
      const id = `m-${s}-${m}`;
      // Small meetings are the usual ones.
      const size = Math.round(PEOPLE.least + (PEOPLE.most - PEOPLE.least) * random.next() ** 2);
      const people = Array.from({ length: size }, (_, p) => createPerson(random, faults, `${id}-${p}`));
      const isMeetingBad = random.chance(faults.meeting);
      meetings.push({ id, server, loss: isMeetingBad ? badLoss(random) : 0, isBad: isMeetingBad, people });
    }
  }
  return { servers, meetings };
}

function createPerson(random: Random, faults: Faults, id: string): Person {
  const hasBadUplink = random.chance(faults.link);
  const hasBadDownlink = random.chance(faults.link);
  return {
    id,
    isMuted: random.chance(MUTED),
    usesDtx: random.chance(DTX),
    hasNetEq: random.chance(NETEQ),
    uplinkLoss: hasBadUplink ? badLoss(random) : healthyLoss(random),
    downlinkLoss: hasBadDownlink ? badLoss(random) : healthyLoss(random),
    hasBadUplink,
    hasBadDownlink,
    // Full queues add delay, too, sometimes beyond the objective.
    rttSeconds: random.between(0.02, 0.12) + (hasBadUplink || hasBadDownlink ? random.between(0, 0.25) : 0),
  };
}

function badLoss(random: Random): number {
  return random.between(BAD_LOSS.least, BAD_LOSS.most);
}

/** Mostly almost none; up to 3 % on a poor Wi-Fi. */
function healthyLoss(random: Random): number {
  return random.chance(0.1) ? random.between(0.005, 0.03) : random.between(0, 0.005);
}

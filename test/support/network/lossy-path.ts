/**
 * A network path between the two ends of a call that delays, reorders and loses their packets, as Linux's `tc netem`
 * does: every packet is lost with the same probability, or arrives after the delay plus or minus the jitter, so that
 * packets overtake each other. In user space, because netem is a kernel module that many machines lack, and needs root.
 * It keeps count of what it did, so that a test can compare what was measured with what is true.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

export type Impairment = {
  /** In one direction. */
  readonly delayMs: number;
  /** Each packet is delayed by up to this much more or less, uniformly. */
  readonly jitterMs: number;
  /** From 0 to 1. */
  readonly lossRatio: number;
};

/** What happened to packets since the impairment was last set. */
export type Truth = {
  /** The mean delay of both directions together. */
  readonly roundTripSeconds: number;
  /** Of a payload type, toward both ends. */
  rtp(payloadType: number): { readonly packets: number; readonly lossRatio: number };
};

export type LossyPath = {
  /** Hands a session description on to the other end. The only candidate in it is the path's. */
  carry(description: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit>;
  /** From now on; counting begins anew. */
  impair(impairment: Impairment): void;
  truth(): Truth;
  /** Packets that are on their way are lost. */
  stop(): void;
};

type Address = { readonly address: string; readonly port: number };
/** An end of the call: where it is, and the socket that stands in for it towards the other one. */
type End = Address & { readonly standIn: Socket };
type Direction = { delayMs: number; passed: number; readonly rtp: Map<number, RtpCount> };
type RtpCount = { passed: number; lost: number };

const NONE: Impairment = { delayMs: 0, jitterMs: 0, lossRatio: 0 };
/** `a=candidate:<foundation> <component> udp <priority> <IPv4 address> <port> typ host` */
const HOST_CANDIDATE = /^(a=candidate:\S+ 1 udp \d+ )([\d.]+) (\d+)( typ host.*)$/im;
const OTHER_CANDIDATES = /^a=(?:candidate:.*|end-of-candidates)\r\n/gm;

/**
 * Both ends bundle their media and gather all candidates before they send a description.
 * @param random from 0 up to 1
 * @example
 * const path = createLossyPath(Math.random);
 * await answering.setRemoteDescription(await path.carry(offering.localDescription));
 */
export function createLossyPath(random: () => number): LossyPath {
  const ends: { offer?: End; answer?: End } = {};
  const timers = new Set<NodeJS.Timeout>();
  let impairment = NONE;
  let directions = newDirections();

  function receive(packet: Buffer, to: 'offer' | 'answer'): void {
    const { delayMs, jitterMs, lossRatio } = impairment;
    const direction = directions[to];
    const isLost = random() < lossRatio;
    countRtp(direction, packet, isLost);
    if (isLost) return;
    const receivedAtMs = performance.now();
    const timer = setTimeout(
      () => {
        timers.delete(timer);
        direction.passed++;
        // What it really was: a timer of a busy process is late.
        direction.delayMs += performance.now() - receivedAtMs;
        const end = ends[to];
        // Of a packet that arrives, the sender is the other end's stand-in.
        const from = ends[to === 'offer' ? 'answer' : 'offer'];
        if (end) from?.standIn.send(packet, end.port, end.address);
      },
      delayMs + (2 * random() - 1) * jitterMs,
    );
    timers.add(timer);
  }

  return {
    async carry({ type, sdp = '' }) {
      if (type !== 'offer' && type !== 'answer') throw new Error(`the path carries no ${type}`);
      const [candidate, before = '', address = '', port, after = ''] = HOST_CANDIDATE.exec(sdp) ?? [];
      if (candidate === undefined) throw new Error(`no IPv4 host candidate in this ${type}:\n${sdp}`);
      const standIn = createSocket('udp4').on('message', (packet) => receive(packet, type));
      standIn.bind(0, address);
      await once(standIn, 'listening');
      ends[type] = { address, port: Number(port), standIn };
      const own = `${before}${address} ${standIn.address().port}${after}\r\n`;
      // With its media bundled, an end uses the candidates of the first media section alone.
      const [session = '', ...sections] = sdp.replace(OTHER_CANDIDATES, '').split(/(?=^m=)/m);
      return { type, sdp: session + sections.map((section, index) => (index ? section : section + own)).join('') };
    },
    impair(next) {
      impairment = next;
      directions = newDirections();
    },
    truth() {
      const both = Object.values(directions);
      return {
        roundTripSeconds: both.reduce((sum, { delayMs, passed }) => sum + delayMs / passed, 0) / 1_000,
        rtp(payloadType) {
          const counts = both.flatMap(({ rtp }) => rtp.get(payloadType) ?? []);
          const lost = counts.reduce((sum, count) => sum + count.lost, 0);
          const packets = counts.reduce((sum, count) => sum + count.passed, lost);
          return { packets, lossRatio: lost / packets };
        },
      };
    },
    stop() {
      for (const timer of timers) clearTimeout(timer);
      for (const end of Object.values(ends)) end.standIn.close();
    },
  };
}

function newDirections(): { readonly offer: Direction; readonly answer: Direction } {
  const direction = (): Direction => ({ delayMs: 0, passed: 0, rtp: new Map() });
  return { offer: direction(), answer: direction() };
}

/** The payload type is not encrypted; STUN and DTLS begin with smaller bytes, and types 64 to 95 are RTCP (RFC 7983, RFC 5761). */
function countRtp({ rtp }: Direction, packet: Buffer, isLost: boolean): void {
  const [first = 0, second = 0] = packet;
  const payloadType = second & 0x7f;
  if (first < 128 || first > 191 || (payloadType >= 64 && payloadType <= 95)) return;
  const count = rtp.get(payloadType) ?? { passed: 0, lost: 0 };
  rtp.set(payloadType, count);
  if (isLost) count.lost++;
  else count.passed++;
}

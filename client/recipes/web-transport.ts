/**
 * A client with a media stack of its own over WebTransport, with NetEQ in WebAssembly: nothing has a `getStats()`, so once
 * a second it pushes. RTT is measured by datagrams that the media server sends back as they are.
 */
import type { Peer, Reporter } from '../reporter.ts';

type NetEq = NonNullable<Peer['neteq']>;
type Operations = NonNullable<NetEq['operations_per_second']>;

/** What NetEQ says about one peer; the counts are cumulative since its decoder began. */
export type NetEqReading = {
  readonly bufferSeconds: number;
  readonly packets: number;
  readonly operations: Readonly<Operations>;
};

/** What the recipe needs of the application. */
export type MediaStack = {
  /** Sends a datagram to the media server, which returns it as it is. */
  sendDatagram(bytes: Uint8Array): void;
  /** Of each peer that is heard now, by the peer's `sessionId`. */
  readNetEq(): Iterable<readonly [sessionId: string, reading: NetEqReading]>;
  /** What this client sends now: muted is false. */
  readSending(): { readonly audio: boolean; readonly video: boolean };
};

export type WebTransportReporting = {
  /** The WebTransport session is open. @param seconds since joining began */
  connected(url: string, seconds: number): void;
  /** Call it once a second, with `performance.now()`. */
  tick(nowMs: number): void;
  /** @returns whether the datagram was an echo of the recipe's own; any other one is the application's */
  receive(datagram: Uint8Array, nowMs: number): boolean;
};

/** The first byte of a ping. Choose one with which no datagram of your protocol begins. */
const PING = 0xed;
/** That byte, then the time at which it was sent, as a double. */
const PING_BYTES = 9;
/** An echo that is later than this is lost: edgepulse rejects an RTT of more than 10 s. */
const LOST_MS = 10_000;

/**
 * @example
 * const reporting = reportWebTransport(reporter, mediaStack);
 * await transport.ready;
 * reporting.connected(url, (performance.now() - beganAtMs) / 1000);
 * const timer = setInterval(() => reporting.tick(performance.now()), 1000);
 * // In the loop that reads `transport.datagrams.readable`:
 * if (!reporting.receive(datagram, performance.now())) handle(datagram);
 */
export function reportWebTransport(reporter: Reporter, media: MediaStack): WebTransportReporting {
  let before = new Map<string, NetEqReading>();
  let tickedAtMs = 0;

  function pushPeers(seconds: number): void {
    const readings = new Map(media.readNetEq());
    for (const [sessionId, now] of readings) {
      const previous = before.get(sessionId);
      reporter.reportPeer(sessionId, { neteq: { buffer: now.bufferSeconds, ...ratesOf(now, previous, seconds) } });
    }
    for (const sessionId of before.keys()) if (!readings.has(sessionId)) reporter.reportPeer(sessionId, undefined);
    before = readings;
  }

  return {
    connected(url, seconds) {
      reporter.update({ server: { url, type: 'webtransport' }, join: { result: 'ok', seconds } });
    },
    tick(nowMs) {
      const { audio, video } = media.readSending();
      reporter.update({ state: { audio_sending: audio, video_sending: video } });
      pushPeers((nowMs - tickedAtMs) / 1_000);
      tickedAtMs = nowMs;
      const ping = new DataView(new ArrayBuffer(PING_BYTES));
      ping.setUint8(0, PING);
      ping.setFloat64(1, nowMs);
      media.sendDatagram(new Uint8Array(ping.buffer));
    },
    receive({ buffer, byteOffset, byteLength }, nowMs) {
      if (byteLength !== PING_BYTES) return false;
      const echo = new DataView(buffer, byteOffset, byteLength);
      if (echo.getUint8(0) !== PING) return false;
      const rttMs = nowMs - echo.getFloat64(1);
      if (rttMs >= 0 && rttMs <= LOST_MS) reporter.reportRtt(rttMs / 1_000);
      return true;
    },
  };
}

/** Rates of the second between two readings; none for a peer that is new, or whose decoder began anew. */
function ratesOf(now: NetEqReading, before: NetEqReading | undefined, seconds: number): NetEq {
  if (!before || now.packets < before.packets) return {};
  const operations: Operations = {};
  for (const name of Object.keys(now.operations) as (keyof Operations)[]) {
    operations[name] = Math.max(0, (now.operations[name] ?? 0) - (before.operations[name] ?? 0)) / seconds;
  }
  return { packets_per_second: (now.packets - before.packets) / seconds, operations_per_second: operations };
}

/**
 * The reporter: tells edgepulse how this client's call is going. A page imports this file, which wires the parts and
 * keeps two promises: it never throws into the page, and it leaves nothing behind after `stop()`.
 */
import { type Beacon, BODY_BYTES_MAX, isId, type Peer } from '../shared/beacon.ts';
import type { RegionInfo } from '../shared/region-info.ts';
import { bytesOf, fitBeacon } from './budget.ts';
import { type Collection, createCollect } from './collect.ts';
import { createConnections } from './connections.ts';
import { createJudge } from './figures.ts';
import { createJoinLog } from './join.ts';
import { isVisible, watchPage } from './lifecycle.ts';
import type { Knowledge, Reporter, ReporterOptions } from './options.ts';
import { createOutbox, type Draft } from './outbox.ts';
import { createRtt } from './rtt.ts';
import { createSchedule } from './schedule.ts';
import { type Answer, fetchRegion, postBeacon } from './send.ts';

export type { Beacon, Peer, Server } from '../shared/beacon.ts';
export type { PeerOf, ReceivedStream } from './collect.ts';
export type { Connection } from './connections.ts';
export type { Join } from './join.ts';
export type { Knowledge, Platform, Reporter, ReporterOptions } from './options.ts';

const COLLECT_MS = 1_000;
/** On a hidden page audio still counts, at a fifth of the cost. */
const COLLECT_HIDDEN_MS = 5_000;
/** Pushed figures expire, so that a client that is stuck does not freeze those of its peers. */
const PUSHED_MS = 15_000;

/**
 * Starts reporting.
 * @example
 * const reporter = startReporter({ endpoint: 'https://edge.example.com', token, meetingId, sessionId });
 * reporter.addPeerConnection(pc, { peerOf: theirSessionId });
 */
export function startReporter(options: ReporterOptions): Reporter {
  const { meetingId, sessionId, participantId = sessionId, platform = 'web' } = options;
  const { refreshToken, beforeSend, onRejected, sampleRate = 1, autoStart = true } = options;
  const endpoint = `${options.endpoint}`.replace(/\/$/, '');
  const url = `${endpoint}/v1/beacons`;
  const now = () => performance.now();
  const random = Math.random;
  const lifetime = new AbortController();
  const { signal } = lifetime;
  // A session that is not sampled ends before it starts.
  if (random() >= sampleRate) lifetime.abort();

  const join = createJoinLog();
  const rtt = createRtt();
  const collect = createCollect(rtt);
  const judge = createJudge();
  const schedule = createSchedule(random);
  const connections = createConnections({ join, now, onUrgent: schedule.hurry, signal });
  const outbox = createOutbox<Beacon>({ random, onDropped: (beacon) => rtt.giveBack(beacon.rtt) });
  const pushed = new Map<string, { readonly peer: Peer; readonly atMs: number }>();

  let { token } = options;
  let started: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let region: RegionInfo | undefined;
  let known: Knowledge = {};
  let newest: Collection = { peers: [] };
  let bytesInFlight = 0;
  let isCollecting = false;
  /** It does not end when a connection is added that does not come up, as in a mesh of which somebody is the first. */
  let isInSession = false;
  /** Fingerprint of the last beacon's members that are not figures, to tell whether they changed. */
  let said = '';

  const isRunning = () => started && !signal.aborted;

  /** The members that are not measured. */
  function describe(): object {
    const { connection, state } = connections.describe();
    return {
      client: { platform, engine: engineOf(navigator.userAgent) },
      state: { visible: isVisible(), ...state, ...known.state },
      server: known.server,
      path: newest.path,
      connection,
    };
  }

  function fingerprint(): string {
    return JSON.stringify([describe(), newest.peers.map(({ peer_id }) => peer_id).sort()]);
  }

  /** @returns undefined when it must not be sent: a `beforeSend` that throws lets nothing through */
  function compose(seq: number, leaving?: true): Beacon | undefined {
    // JSON omits undefined members.
    const beacon = {
      v: 1,
      meeting_id: meetingId,
      session_id: sessionId,
      participant_id: participantId,
      seq,
      started,
      dropped: outbox.dropped || undefined,
      ...describe(),
      rtt: rtt.take(now()),
      join: join.pending(now()),
      sent: newest.sent,
      leaving,
      peers: newest.peers,
    } as Beacon;
    try {
      // A copy: it may be changed in place, and the counters here go on.
      return beforeSend ? beforeSend(structuredClone(beacon)) : beacon;
    } catch {
      return undefined;
    }
  }

  function post(content: Beacon, keepalive: boolean): Promise<Answer> {
    const body = fitBeacon({ ...content, token }, BODY_BYTES_MAX);
    bytesInFlight = bytesOf(body);
    return postBeacon(url, body, keepalive);
  }

  async function send(draft: Draft<Beacon>): Promise<void> {
    // A retry goes without keepalive: the page's other requests may have used up the room for those.
    const isNew = !draft.content;
    const content = draft.content ?? compose(draft.seq);
    if (!content) return outbox.withdraw();
    draft.content = content;
    let answer = await post(content, isNew);
    if (answer.status === 401 && refreshToken) {
      try {
        token = await refreshToken();
        answer = await post(content, isNew);
      } catch {
        // The beacon stays rejected, and the next one asks for a token again.
      }
    }
    const { status, reason } = answer;
    bytesInFlight = 0;
    outbox.settle(answer, now());
    if (status === 204) {
      join.acknowledge(content.join);
      await askRegion();
    } else if (reason) onRejected?.({ status, reason });
  }

  /** Runs in a handler of a page that may be gone in a moment, so nothing here is asynchronous. */
  const sendLast = guard((leaving?: true) => {
    if (!hasSession()) return;
    const draft = outbox.takeLast();
    const content = compose(draft.seq, leaving);
    draft.content = content;
    markSent();
    const isSent =
      content && navigator.sendBeacon(url, fitBeacon({ ...content, token }, BODY_BYTES_MAX - bytesInFlight));
    if (!isSent) outbox.drop(draft);
  });

  function markSent(): void {
    said = fingerprint();
    schedule.sent(now());
  }

  /** No session begins while a call is being joined, or when joining failed; with pushed figures, one needs no connection. */
  function hasSession(): boolean {
    isInSession ||= connections.wasConnected || !(connections.count || join.result);
    return isInSession;
  }

  async function askRegion(): Promise<void> {
    region ??= await fetchRegion(endpoint);
  }

  async function refresh(): Promise<void> {
    newest = collect(await connections.collect(), now());
    for (const [peerId, { peer, atMs }] of pushed) {
      if (now() - atMs > PUSHED_MS) pushed.delete(peerId);
      else {
        // A client may receive the peer's video by a connection, and push what its own NetEQ says.
        const received = newest.peers.find(({ peer_id }) => peer_id === peerId);
        if (received) Object.assign(received, peer);
        else newest.peers.push(peer);
      }
    }
    const { levels, ranked } = judge({
      peers: newest.peers,
      rtt: rtt.newest,
      objectives: region?.objectives,
      isVisible: isVisible(),
    });
    newest = { ...newest, peers: ranked };
    schedule.note(levels, now());
  }

  function pump(): void {
    if (!isRunning()) return;
    const isWorthIt = hasSession() || join.pending(now());
    if (isWorthIt && schedule.isDue(now(), region?.ttl_seconds ?? 0, fingerprint() !== said)) {
      outbox.offer();
      markSent();
    }
    const draft = outbox.take(now());
    if (draft) send(draft).catch(outbox.withdraw);
  }

  async function tick(): Promise<void> {
    if (!isRunning()) return;
    clearTimeout(timer);
    timer = setTimeout(tick, isVisible() ? COLLECT_MS : COLLECT_HIDDEN_MS);
    if (isCollecting) return;
    isCollecting = true;
    await refresh().then(pump).catch(ignore);
    isCollecting = false;
  }

  function start(): void {
    if (started || signal.aborted) return;
    started = Date.now();
    watchPage(
      {
        onHidden: sendLast,
        onGone: (mayReturn) => (mayReturn ? sendLast : stop)(),
        onShown: tick,
      },
      signal,
    );
    void askRegion();
    // At a random time within a second, so that clients don't all notice a shared incident at the same moment.
    timer = setTimeout(tick, random() * COLLECT_MS);
  }

  function stop(): void {
    if (isRunning()) sendLast(true);
    lifetime.abort();
    clearTimeout(timer);
  }

  const reporter: Reporter = {
    addPeerConnection(connection, { peerOf } = {}) {
      if (!signal.aborted) connections.add(connection, peerOf);
    },
    reportRtt(seconds) {
      isInSession = true;
      rtt.add(seconds, now());
    },
    reportPeer(peerId, figures) {
      isInSession = true;
      if (figures && isId(peerId) && isRunning())
        pushed.set(peerId, { peer: { peer_id: peerId, ...figures }, atMs: now() });
      else pushed.delete(peerId);
    },
    update(knowledge) {
      known = { ...known, ...knowledge };
      if (knowledge.join) join.set(knowledge.join);
    },
    flush() {
      schedule.hurry();
      void tick();
    },
    start,
    stop,
  };
  for (const name of Object.keys(reporter) as (keyof Reporter)[]) reporter[name] = guard<never[]>(reporter[name]);
  if (autoStart) reporter.start();
  return reporter;
}

/** For errors of a browser or a callback: the next tick tries again. */
function ignore(): void {}

function engineOf(userAgent: string): NonNullable<Beacon['client']>['engine'] & string {
  // On iOS every browser is WebKit, and none has these names in its user agent.
  if (/Chrom/.test(userAgent)) return 'chromium';
  return /Firefox/.test(userAgent) ? 'gecko' : /AppleWebKit/.test(userAgent) ? 'webkit' : 'other';
}

/** The page must not notice a failure of the reporter: missing beacons show at edgepulse. */
function guard<Arguments extends unknown[]>(act: (...args: Arguments) => void): (...args: Arguments) => void {
  return (...args) => {
    try {
      act(...args);
    } catch {}
  };
}

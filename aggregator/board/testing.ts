/** Overviews for the board's tests, of the aggregator's own store: the board reads what is really answered. */
import type { Server } from '../../shared/beacon.ts';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { STREAM_READING } from '../../test/support/metrics/expose.ts';
import { ALL_REGIONS, createHistory } from '../history/history.ts';
import type { HistoryOverview, Overview } from '../http/answers.ts';
import { createFleet } from '../http/overview/fleet.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { applyEntry } from '../store/testing.ts';

export const NOW = 1_800_000_000_000;
const SHARD = { index: 0, count: 1 };

/** When the aggregator started. */
export const STARTED = NOW - 60_000;

export const WEBRTC: Server = { url: 'https://media-1.example.com', type: 'webrtc' };
export const WEBSOCKET: Server = { url: 'wss://media-2.example.com', type: 'websocket' };

/** Sessions that are alike. Figures that are left out are not reported. */
export type TestSessions = {
  readonly count: number;
  readonly rtt?: number;
  readonly buffer?: number;
  /** Operations per second; the ratio of concealment follows from them. */
  readonly expand?: number;
  readonly server?: Server;
};

export type Store = {
  readonly sessions: Sessions;
  /** Brings a region's groups in, one received stream for each session. */
  add(region: string, ...groups: TestSessions[]): void;
  /** What `GET /api/v1/overview` answers, read from its JSON. */
  overview(): Overview;
};

/** @param regions whose feed is up @param silent regions whose feed has not been up yet */
export function createStore(regions: readonly string[], silent: readonly string[] = []): Store {
  const servers = [WEBRTC.url, WEBSOCKET.url];
  const sessions = createSessions({
    regions: [...regions, ...silent],
    servers,
    ttlSeconds: 30,
    maxSessions: 10_000,
    maxSessionSeries: 0,
  });
  for (const region of regions) sessions.feedUp(region, NOW);
  let born = 0;
  return {
    sessions,
    add(region, ...groups) {
      for (const { count, rtt, buffer, expand, server = WEBRTC } of groups) {
        for (let i = 0; i < count; i++) {
          const id = `s-${born++}`;
          const neteq = {
            ...(buffer === undefined ? {} : { buffer }),
            ...(expand === undefined ? {} : { operations_per_second: { expand } }),
          };
          const beacon = validBeacon({
            meeting_id: `m-${region}`,
            session_id: id,
            participant_id: id,
            server,
            rtt: rtt === undefined ? [] : [rtt],
            peers: [{ peer_id: 'other', neteq }],
          });
          applyEntry(sessions, region, { receivedAtMs: NOW, colo: 'SIN', beacon }, NOW);
        }
      }
    },
    overview() {
      const source = { sessions, version: '1.2.3', startedAtMs: STARTED, shard: SHARD, stream: () => STREAM_READING };
      const options = { source, shards: undefined, regions: sessions.regions, wallClock: () => NOW };
      const slices = createFleet(options).overview();
      let slice = slices.next();
      while (!slice.done) slice = slices.next();
      return JSON.parse(JSON.stringify({ ...slice.value, history: noHistory(sessions.regions) }));
    },
  };
}

/** What is answered before the first step was recorded. */
function noHistory(regions: readonly string[]): HistoryOverview {
  const { timesMs, of } = createHistory(regions).read();
  const ofRegions = Object.fromEntries(regions.map((region) => [region, of(region)]));
  return { step_seconds: 5, times_ms: timesMs, all: of(ALL_REGIONS), regions: ofRegions };
}

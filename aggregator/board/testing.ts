/** Scrapes for the board's tests, written by the aggregator's own store: the board reads what is really exposed. */
import type { Server } from '../../shared/beacon.ts';
import { validBeacon } from '../../test/support/edge/beacon.ts';
import { expose } from '../metrics/exposition.ts';
import { createMetrics } from '../metrics/self-metrics.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { applyEntry } from '../store/testing.ts';

export const NOW = 1_800_000_000_000;

export const WEBRTC: Server = { url: 'https://media-1.example.com', type: 'webrtc' };
export const WEBSOCKET: Server = { url: 'wss://media-2.example.com', type: 'websocket' };

/** Sessions that are alike. Figures that are left out are not reported. */
export type Group = {
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
  add(region: string, ...groups: Group[]): void;
  /** What `?collect[]=population&collect[]=process` answers. */
  text(): Promise<string>;
};

export function createStore(regions: readonly string[]): Store {
  const servers = [WEBRTC.url, WEBSOCKET.url];
  const sessions = createSessions({ regions, servers, ttlSeconds: 30, maxSessions: 10_000, maxSessionSeries: 0 });
  for (const region of regions) sessions.feedUp(region, NOW);
  const metrics = createMetrics(sessions, { version: '1.2.3', storeBound: 0 });
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
          applyEntry(sessions, region, { received_at: NOW, colo: 'SIN', beacon }, NOW);
        }
      }
    },
    async text() {
      const collect = new Set(['population', 'process'] as const);
      let text = [...expose(sessions, { nowMs: NOW, collect, openMetrics: false })].join('');
      for await (const family of metrics.text(false)) text += family;
      return text;
    },
  };
}

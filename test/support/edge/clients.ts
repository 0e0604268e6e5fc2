/** Clients that post real beacons and remember every answer: one side of the edge's account. */

import { pause } from '../poll.ts';
import { postBeacon } from '../processes/system.ts';
import type { WorkerProcess } from '../processes/worker.ts';
import { validBeacon } from './beacon.ts';
import { testToken } from './tokens.ts';

const REGIONS = ['apac', 'eu-west'];
const SESSIONS = 12;
const MEETINGS = 4;

/** Names one beacon: `{session} {seq}`. */
export type BeaconKey = string;

export type EdgeClients = {
  /** Posts `count` beacons: all sessions at once, each session's one after another. */
  post(count: number): Promise<void>;
  /** Posts up to `perSecond` until {@link EdgeClients.stopLoad}. */
  startLoad(perSecond: number): void;
  stopLoad(): Promise<void>;
  /** Each beacon's status; undefined for one that got no answer. */
  answers(): ReadonlyMap<BeaconKey, number | undefined>;
  /** The longest that an answer took, in ms. */
  slowestMs(): number;
};

type Session = { readonly meeting: string; readonly session: string; readonly region: string; readonly token: string };

/** @param regions where the sessions are, in turn */
export async function createEdgeClients(
  worker: Pick<WorkerProcess, 'url'>,
  regions: readonly string[] = REGIONS,
): Promise<EdgeClients> {
  const sessions = await Promise.all(Array.from({ length: SESSIONS }, (_, index) => createSession(index, regions)));
  const next = new Map<string, number>();
  const answers = new Map<BeaconKey, number | undefined>();
  let slowestMs = 0;
  let load: Promise<unknown> | undefined;
  let loading = false;

  async function postOne({ meeting, session, region, token }: Session): Promise<void> {
    const seq = next.get(session) ?? 0;
    next.set(session, seq + 1);
    answers.set(`${session} ${seq}`, undefined);
    const beacon = validBeacon({ meeting_id: meeting, session_id: session, seq });
    const startedAt = performance.now();
    const answer = await postBeacon(worker, beacon, { region, token }).catch(() => undefined);
    slowestMs = Math.max(slowestMs, performance.now() - startedAt);
    await answer?.arrayBuffer();
    answers.set(`${session} ${seq}`, answer?.status);
  }

  return {
    async post(count) {
      await Promise.all(
        sessions.map(async (session, index) => {
          for (let n = index; n < count; n += SESSIONS) await postOne(session);
        }),
      );
    },
    startLoad(perSecond) {
      const intervalMs = (1_000 * SESSIONS) / perSecond;
      loading = true;
      load = Promise.all(
        sessions.map(async (session) => {
          while (loading) await Promise.all([postOne(session), pause(intervalMs)]);
        }),
      );
    },
    async stopLoad() {
      loading = false;
      await load;
    },
    answers: () => answers,
    slowestMs: () => slowestMs,
  };
}

async function createSession(index: number, regions: readonly string[]): Promise<Session> {
  const meeting = `m-${index % MEETINGS}`;
  const session = `s-${index}`;
  const region = regions[index % regions.length] ?? 'apac';
  return { meeting, session, region, token: await testToken({ meeting, session }) };
}

/** How joining went, since the first connection was added: reported until it has been acknowledged. Pure: the clock is an argument. */
import type { Beacon } from '../shared/beacon.ts';

export type Join = NonNullable<Beacon['join']>;

export type JoinLog = {
  /** Joining begins, unless it already has. */
  begin(nowMs: number): void;
  /** A connection is up, or failed at a stage. Anything after a success is not part of joining. */
  end(result: NonNullable<Join['result']>, nowMs: number): void;
  /** The first packet of a kind came. */
  firstMedia(kind: string, nowMs: number): void;
  /** The application's own report, which replaces the measured one. */
  set(join: Join): void;
  readonly result: Join['result'];
  /** What a beacon reports now: undefined while nothing is known, while media may still arrive, and once acknowledged. */
  pending(nowMs: number): Join | undefined;
  /** A beacon with this was accepted. */
  acknowledge(join: Join | undefined): void;
};

/** It is reported only once, so it waits for the first audio and video, but not forever: not everybody receives both. */
const MEDIA_WAIT_MS = 5_000;

export function createJoinLog(): JoinLog {
  let beganAtMs: number | undefined;
  let waitUntilMs = 0;
  let join: Join = {};
  let acknowledged: Join['result'];

  const since = (nowMs: number) => Math.round(nowMs - (beganAtMs as number)) / 1_000;

  return {
    begin(nowMs) {
      beganAtMs ??= nowMs;
    },
    end(result, nowMs) {
      if (beganAtMs === undefined || join.result === 'ok') return;
      join = { ...join, result };
      if (result !== 'ok') return;
      join.seconds = since(nowMs);
      waitUntilMs = nowMs + MEDIA_WAIT_MS;
    },
    firstMedia(kind, nowMs) {
      if (beganAtMs === undefined) return;
      join = { [`first_${kind}_seconds`]: since(nowMs), ...join };
    },
    set(known) {
      join = known;
    },
    get result() {
      return join.result;
    },
    pending(nowMs) {
      const isComplete = nowMs >= waitUntilMs || (join.first_audio_seconds && join.first_video_seconds);
      return isComplete && join.result && join.result !== acknowledged ? join : undefined;
    },
    acknowledge(said) {
      if (said) acknowledged = said.result;
    },
  };
}

/**
 * NATS subjects, lanes and shards. Arithmetic alone decides which shard owns a meeting's beacons, so
 * that worker and aggregator need no coordination.
 *
 * A subject is `health.diagnostics.{region}.{service_type}.{server_id}`. Beacons from the edge have
 * `edge` as the service type and their lane, `f00`, `f01`, ..., as the server id.
 */

export const STREAM = 'HEALTH';
export const SUBJECT_ROOT = 'health.diagnostics';
export const STREAM_SUBJECTS = `${SUBJECT_ROOT}.>`;
export const SERVICE_TYPE = 'edge';

export const LANES_MAX = 256;

const REGION = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const LANE = /^f[0-9]{2,3}$/;

/** A region's name is a subject token and a label value: lower-case letters, digits, inner hyphens, at most 32. */
export function isRegionName(value: unknown): value is string {
  return typeof value === 'string' && REGION.test(value);
}

export function isLane(value: unknown): value is string {
  return typeof value === 'string' && LANE.test(value);
}

/** `3` -> `f03`. */
export function laneName(lane: number): string {
  return `f${String(lane).padStart(2, '0')}`;
}

/** A meeting's lane: 32-bit FNV-1a of its id modulo `lanes`, the same on every isolate and in every region. */
export function laneOf(meetingId: string, lanes: number): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < meetingId.length; i++) {
    hash = Math.imul(hash ^ meetingId.charCodeAt(i), 0x01000193);
  }
  return laneName((hash >>> 0) % lanes);
}

export type Shard = { readonly index: number; readonly count: number };

/** The lanes that a shard owns: those whose number modulo the shard count is the shard's index. */
export function lanesOf(shard: Shard, lanes: number): string[] {
  const owned: string[] = [];
  for (let lane = shard.index; lane < lanes; lane += shard.count) owned.push(laneName(lane));
  return owned;
}

/** @throws RangeError when the region or lane is no valid subject token, which is a bug in the caller */
export function edgeSubject(region: string, lane: string): string {
  if (!isRegionName(region) || !(isLane(lane) || lane === '*')) {
    throw new RangeError(`not a valid region and lane: ${JSON.stringify([region, lane])}`);
  }
  return `${SUBJECT_ROOT}.${region}.${SERVICE_TYPE}.${lane}`;
}

/** The region and lane of an edge subject, or undefined for any other subject. */
export function parseEdgeSubject(subject: string): { region: string; lane: string } | undefined {
  const [health, diagnostics, region, service, lane, ...rest] = subject.split('.');
  if (`${health}.${diagnostics}` !== SUBJECT_ROOT || service !== SERVICE_TYPE || rest.length > 0) return undefined;
  return isRegionName(region) && isLane(lane) ? { region, lane } : undefined;
}

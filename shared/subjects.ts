/**
 * NATS subjects, lanes and shards. Arithmetic alone decides which shard owns a meeting's beacons, so
 * that worker and aggregator need no coordination.
 *
 * A subject is `health.diagnostics.{region}.{service_type}.{server_id}`. Beacons from the edge have
 * `edge` as the service type and their lane, `f00`, `f01`, ..., as the server id. The counters of
 * a Forwarder have `forwarder` and its slot, `0`, `1`, ... What media servers publish of their clients has
 * their own type (`websocket`, `webtransport`, ...) and the server's id, which may be of several tokens.
 */

import { SERVER_TYPES, type ServerType } from './beacon.ts';

export const STREAM = 'HEALTH';
export const SUBJECT_ROOT = 'health.diagnostics';
export const STREAM_SUBJECTS = `${SUBJECT_ROOT}.>`;
export const SERVICE_TYPE = 'edge';

export const FORWARDER_SERVICE_TYPE = 'forwarder';

export const LANES_MAX = 256;
/** The most Forwarders of a region, so that state per Forwarder is bounded. */
export const FORWARDERS_MAX = 256;

const REGION = /^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/;
const LANE = /^f[0-9]{2,3}$/;
const SLOT = /^(0|[1-9][0-9]{0,2})$/;

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

/** The name of a meeting's lane. */
export function laneOf(meetingId: string, lanes: number): string {
  return laneName(laneNumberOf(meetingId, lanes));
}

/** A meeting's lane: 32-bit FNV-1a of its id modulo `lanes`, the same on every isolate and in every region. */
export function laneNumberOf(meetingId: string, lanes: number): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < meetingId.length; i++) {
    hash = Math.imul(hash ^ meetingId.charCodeAt(i), 0x01000193);
  }
  return (hash >>> 0) % lanes;
}

/** The number of a Forwarder among those of its region. */
export function isSlot(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) < FORWARDERS_MAX;
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

/**
 * Where a Forwarder publishes its own counters.
 * @param slot its number, or `*` for every Forwarder of the region
 * @throws RangeError as {@link edgeSubject} does
 */
export function forwarderSubject(region: string, slot: number | '*'): string {
  if (!isRegionName(region) || !(slot === '*' || isSlot(slot))) {
    throw new RangeError(`no subject token: ${JSON.stringify([region, slot])}`);
  }
  return `${SUBJECT_ROOT}.${region}.${FORWARDER_SERVICE_TYPE}.${slot}`;
}

/** The region and slot of a Forwarder's subject, or undefined for any other subject. */
export function parseForwarderSubject(subject: string): { region: string; slot: number } | undefined {
  const [health, diagnostics, region, service, slot, ...rest] = subject.split('.');
  if (`${health}.${diagnostics}` !== SUBJECT_ROOT || service !== FORWARDER_SERVICE_TYPE) return undefined;
  if (rest.length > 0 || !isRegionName(region) || slot === undefined || !SLOT.test(slot)) return undefined;
  return isSlot(Number(slot)) ? { region, slot: Number(slot) } : undefined;
}

/** What a media server publishes, by its subject. */
export type MediaSubject = { readonly region: string; readonly serverType: ServerType; readonly serverId: string };

/** All that media servers of the type publish in the region. @throws RangeError as {@link edgeSubject} does */
export function mediaSubjects(region: string, serverType: ServerType): string {
  if (!isRegionName(region)) throw new RangeError(`no subject token: ${JSON.stringify(region)}`);
  return `${SUBJECT_ROOT}.${region}.${serverType}.>`;
}

/** The parts of a media server's subject, or undefined for any other subject. */
export function parseMediaSubject(subject: string): MediaSubject | undefined {
  const [health, diagnostics, region, service, ...server] = subject.split('.');
  const serverType = SERVER_TYPES.find((type) => type === service);
  if (`${health}.${diagnostics}` !== SUBJECT_ROOT || !isRegionName(region)) return undefined;
  if (!serverType || server.length === 0 || server.includes('')) return undefined;
  return { region, serverType, serverId: server.join('.') };
}

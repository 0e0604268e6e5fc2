/**
 * Which subjects of the stream somebody owns: by the topology alone, some shard of some aggregator reads each
 * lane of each configured region, and every Forwarder's counters. Anything else is stored, acknowledged to the
 * edge, and read by nobody.
 */
import type { ServerType } from '../../../shared/beacon.ts';
import {
  FORWARDER_SERVICE_TYPE,
  isRegionName,
  lanesOf,
  parseForwarderSubject,
  parseMediaSubject,
  SERVICE_TYPE,
  SUBJECT_ROOT,
} from '../../../shared/subjects.ts';

/** Why nobody owns a subject: the first part of it that the topology does not have. */
export const UNOWNED_REASONS = ['unknown_region', 'unknown_service_type', 'unknown_lane', 'malformed'] as const;
export type UnownedReason = (typeof UNOWNED_REASONS)[number];

export type Ownership = {
  /** @returns undefined when the topology says who reads the subject, this process or another one */
  unownedReason(subject: string): UnownedReason | undefined;
};

/** All REGIONS of the environment, not only those that this process consumes, LANES, and MEDIA_SERVER_TYPES. */
export type OwnedTopology = {
  readonly regions: readonly string[];
  readonly lanes: number;
  readonly mediaServerTypes?: readonly ServerType[] | undefined;
};

export function createOwnership(topology: OwnedTopology): Ownership {
  const mediaServerTypes = new Set<string>(topology.mediaServerTypes);
  const regions = new Set(topology.regions);
  const lanes = new Set(lanesOf({ index: 0, count: 1 }, topology.lanes));

  return {
    unownedReason(subject) {
      const media = parseMediaSubject(subject);
      // The server's id may be of several tokens.
      if (media && mediaServerTypes.has(media.serverType))
        return regions.has(media.region) ? undefined : 'unknown_region';
      const [health, diagnostics, region, serviceType, serverId, ...rest] = subject.split('.');
      if (`${health}.${diagnostics}` !== SUBJECT_ROOT || serverId === undefined || rest.length > 0) return 'malformed';
      if (!isRegionName(region)) return 'malformed';
      if (!regions.has(region)) return 'unknown_region';
      if (serviceType === SERVICE_TYPE) return lanes.has(serverId) ? undefined : 'unknown_lane';
      if (serviceType !== FORWARDER_SERVICE_TYPE) return 'unknown_service_type';
      return parseForwarderSubject(subject) ? undefined : 'malformed';
    },
  };
}

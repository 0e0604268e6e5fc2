/**
 * Which subjects of the stream somebody owns: by the topology alone, some shard of some aggregator reads each
 * lane of each configured region, and every Forwarder's counters. Anything else is stored, acknowledged to the
 * edge, and read by nobody.
 */
import {
  FORWARDER_SERVICE_TYPE,
  isRegionName,
  lanesOf,
  parseForwarderSubject,
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

/** @param topology all REGIONS of the environment, not only those that this process consumes, and LANES */
export function createOwnership(topology: { readonly regions: readonly string[]; readonly lanes: number }): Ownership {
  const regions = new Set(topology.regions);
  const lanes = new Set(lanesOf({ index: 0, count: 1 }, topology.lanes));

  return {
    unownedReason(subject) {
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

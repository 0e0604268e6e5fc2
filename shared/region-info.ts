/** The answer of `GET /v1/region`: the client's region, and what a reporter paces itself by. */
import type { Objective, ObjectiveName } from './objectives.ts';

export type RegionInfo = {
  /** The region that the sender's beacons are tagged with. */
  readonly region: string;
  /** A session that sends nothing for this long is gone. */
  readonly ttl_seconds: number;
  readonly objectives: { readonly [Name in ObjectiveName]: Objective };
};

/** What `GET /v1/region` tells a client: where it is, and what a reporter paces itself by. */
import type { Objective, ObjectiveName } from './objectives.ts';

export type RegionInfo = {
  /** The region that the request's sender is tagged with. */
  readonly region: string;
  /** A session that sends nothing for so long is gone. */
  readonly ttl_seconds: number;
  readonly objectives: { readonly [Name in ObjectiveName]: Objective };
};

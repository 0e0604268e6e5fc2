/**
 * Where a request came in: its region and Cloudflare data centre, from `request.cf` alone. Nothing that a
 * client sends counts, except the header that development can enable.
 */
import { chooseRegion, type Region } from '../../shared/regions.ts';
import { type Reject, reject } from '../../shared/reject.ts';

export const REGION_HEADER = 'x-dev-region';

/** Where a request came in. */
export type RequestPlace = {
  readonly region: Region;
  /** The data centre's IATA code, or empty where it is unknown. */
  readonly colo: string;
  /** Set when the request asks for a region that does not exist, which only development's header can do. */
  readonly rejected?: Reject;
};

export type PlaceOf = (request: Request) => RequestPlace;

const COLO = /^[A-Z]{3}$/;

export function createPlaceOf(regions: readonly Region[], devRegionHeader: boolean): PlaceOf {
  const byColo = new Map(
    regions.flatMap((region) => region.colos.map((colo) => [colo, { region, colo }] as const)).reverse(),
  );
  const byName = new Map(regions.map((region) => [region.name, region]));

  function placeOf(request: Request): RequestPlace {
    const cf: Partial<IncomingRequestCfProperties> = request.cf ?? {};
    const { colo } = cf;
    const listed = byColo.get(colo ?? '');
    if (listed) return listed;
    return { region: chooseRegion(regions, cf), colo: colo !== undefined && COLO.test(colo) ? colo : '' };
  }

  if (!devRegionHeader) return placeOf;
  const known = [...byName.keys()].join(', ');
  const unknownRegion = reject('unknown_region', `${REGION_HEADER} is not one of ${known}`);
  return (request) => {
    const name = request.headers.get(REGION_HEADER);
    const region = byName.get(name ?? '');
    if (region) return { region, colo: '' };
    // Otherwise a misspelt name would silently post to another region.
    return name === null ? placeOf(request) : { ...placeOf(request), rejected: unknownRegion };
  };
}

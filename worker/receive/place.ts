/**
 * Where a request came in: its region and Cloudflare data centre, from `request.cf` alone. Nothing that a
 * client sends takes part, but for the header that development can switch on.
 */
import { chooseRegion, type Region } from '../../shared/regions.ts';

export const REGION_HEADER = 'x-dev-region';

/** `colo` is the data centre's IATA code, or empty where it is unknown. */
export type RequestPlace = { readonly region: Region; readonly colo: string };

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
    const known = byColo.get(colo ?? '');
    if (known) return known;
    return { region: chooseRegion(regions, cf), colo: colo !== undefined && COLO.test(colo) ? colo : '' };
  }

  if (!devRegionHeader) return placeOf;
  return (request) => {
    const region = byName.get(request.headers.get(REGION_HEADER) ?? '');
    return region ? { region, colo: '' } : placeOf(request);
  };
}

/**
 * The region table and the choice of a region from Cloudflare's own geography. Pure: nothing a
 * client sends takes part in the choice.
 */
import * as v from 'valibot';
import { isRegionName } from './subjects.ts';

/** Durable Object location hints that Cloudflare knows. */
const LOCATION_HINTS = ['wnam', 'enam', 'sam', 'weur', 'eeur', 'apac', 'oc', 'afr', 'me'] as const;

const RegionSchema = v.strictObject({
  name: v.custom<string>(
    isRegionName,
    'is not a region name (lower-case letters, digits and inner hyphens, at most 32)',
  ),
  /** Degrees north and east of the region's centre. */
  latitude: v.pipe(v.number(), v.minValue(-90), v.maxValue(90)),
  longitude: v.pipe(v.number(), v.minValue(-180), v.maxValue(180)),
  hint: v.optional(v.picklist(LOCATION_HINTS)),
  /** IATA codes of the Cloudflare data centres that always belong to this region. */
  colos: v.optional(v.array(v.pipe(v.string(), v.regex(/^[A-Z]{3}$/))), []),
  /** NATS servers of the region's cluster; without any, `NATS_URL` is used. The edge connects over TCP, not WebSocket. */
  nats: v.optional(v.array(v.pipe(v.string(), v.regex(/^(nats|tls):\/\/[^\s]+$/))), []),
  /** The JetStream domain that holds the region's stream, by convention its name; absent where NATS has no domains. */
  domain: v.optional(
    v.custom<string>(
      isRegionName,
      'is not a JetStream domain (lower-case letters, digits and inner hyphens, at most 32)',
    ),
  ),
  /** Regions whose NATS the Forwarders use, in this order, while the region's own is away. */
  fallback: v.optional(v.array(v.string()), []),
});

const RegionTable = v.pipe(
  v.array(RegionSchema),
  v.minLength(1, 'has no region'),
  v.maxLength(64, 'has more than 64 regions'),
  v.check((regions) => new Set(regions.map((region) => region.name)).size === regions.length, 'lists a region twice'),
  v.rawCheck(({ dataset, addIssue }) => {
    if (dataset.typed) for (const message of fallbackProblems(dataset.value)) addIssue({ message });
  }),
);
const RegionText = v.pipe(v.string(), v.parseJson(undefined, 'is not JSON'), RegionTable);

/** The configured regions, or their JSON, as an environment variable holds them; the first is the default. */
export const RegionsSchema = v.lazy((value) => (typeof value === 'string' ? RegionText : RegionTable));

export type Region = v.InferOutput<typeof RegionSchema>;

/** Where a request came in, according to Cloudflare (`request.cf`); coordinates arrive as strings. */
export type Place = { readonly colo?: unknown; readonly latitude?: unknown; readonly longitude?: unknown };

/** Fallback regions that can't work, one line each. */
function fallbackProblems(regions: readonly Region[]): string[] {
  const byName = new Map(regions.map((region) => [region.name, region]));
  return regions.flatMap(({ name, domain, fallback }) => [
    ...(new Set(fallback).size === fallback.length ? [] : [`lists a fallback of ${name} twice`]),
    ...fallback.flatMap((other) => {
      if (other === name) return [`has ${name} as its own fallback`];
      const region = byName.get(other);
      if (!region) return [`has a fallback of ${name} that is not a region: ${other}`];
      if (region.nats.length === 0) return [`has a fallback of ${name} without nats servers: ${other}`];
      // The same stream: it would be away too, and the aggregator would read it twice.
      const isSame = domain !== undefined && region.domain === domain;
      return isSame ? [`has a fallback of ${name} in its own domain: ${other}`] : [];
    }),
  ]);
}

/** The colo's own region, else the one with the nearest centre, else the first of the table. */
export function chooseRegion(regions: readonly Region[], place: Place): Region {
  const byColo = regions.find((region) => region.colos.includes(place.colo as string));
  if (byColo) return byColo;
  const latitude = coordinate(place.latitude, 90);
  const longitude = coordinate(place.longitude, 180);
  const fallback = regions[0];
  if (!fallback) throw new RangeError('the region table is empty');
  if (latitude === undefined || longitude === undefined) return fallback;
  let nearest = fallback;
  let least = Number.POSITIVE_INFINITY;
  for (const region of regions) {
    const angle = centralAngle(latitude, longitude, region.latitude, region.longitude);
    if (angle < least) {
      least = angle;
      nearest = region;
    }
  }
  return nearest;
}

function coordinate(value: unknown, max: number): number | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const degrees = value === '' ? Number.NaN : Number(value);
  return Math.abs(degrees) <= max ? degrees : undefined;
}

/** Great-circle angle in radians by the haversine formula. */
function centralAngle(latitudeA: number, longitudeA: number, latitudeB: number, longitudeB: number): number {
  const radians = Math.PI / 180;
  const dLatitude = Math.sin(((latitudeB - latitudeA) * radians) / 2);
  const dLongitude = Math.sin(((longitudeB - longitudeA) * radians) / 2);
  const h =
    dLatitude * dLatitude + Math.cos(latitudeA * radians) * Math.cos(latitudeB * radians) * dLongitude * dLongitude;
  return 2 * Math.asin(Math.min(1, Math.sqrt(h)));
}

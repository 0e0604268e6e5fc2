/** What was counted since the process started: every observation is kept as it was, and summed on demand. */
import { FIELDS, type Field } from './plausibility.ts';

/** Labels of a cell of the population, as one text. */
export type CellKey = string;

export const MEDIA_COUNTERS = [
  'audio_samples',
  'concealed_samples',
  'silent_concealed_samples',
  'accelerated_samples',
  'decelerated_samples',
  'video_freezes',
] as const;

/** Of a cell. Its series exist from the first beacon that named it. */
export type CellLedger = { readonly rtt: number[] } & {
  [Name in (typeof MEDIA_COUNTERS)[number]]: number;
};

/** Of a region. */
export type RegionLedger = {
  applied: number;
  duplicate: number;
  late: number;
  invalid: number;
  lost: number;
  clientDropped: number;
  left: number;
  stale: number;
  refused: number;
  repeatedBatches: number;
  /** Beacons in batches, by their Forwarders' counts. */
  accepted: number;
  readonly implausible: { [Name in Field]: number };
  /** Time of each beacon from the edge to the aggregator, in seconds. */
  readonly delays: number[];
};

export type Ledger = {
  /** During history: an earlier process has counted it, so counts go where nobody reads them. */
  isHistory: boolean;
  cell(key: CellKey): CellLedger;
  region(name: string): RegionLedger;
  readonly cells: ReadonlyMap<CellKey, CellLedger>;
};

export function createLedger(regions: readonly string[]): Ledger {
  const cells = new Map<CellKey, CellLedger>();
  const ofRegions = new Map(regions.map((region) => [region, emptyRegion()]));
  const ledger: Ledger = {
    isHistory: false,
    cells,
    cell(key) {
      const known = cells.get(key) ?? emptyCell();
      cells.set(key, known);
      return ledger.isHistory ? emptyCell() : known;
    },
    region: (name) => (ledger.isHistory ? emptyRegion() : (ofRegions.get(name) as RegionLedger)),
  };
  return ledger;
}

function emptyCell(): CellLedger {
  const counters = MEDIA_COUNTERS.map((name) => [name, 0]);
  return { rtt: [], ...(Object.fromEntries(counters) as { [Name in (typeof MEDIA_COUNTERS)[number]]: number }) };
}

function emptyRegion(): RegionLedger {
  return {
    applied: 0,
    duplicate: 0,
    late: 0,
    invalid: 0,
    lost: 0,
    clientDropped: 0,
    left: 0,
    stale: 0,
    refused: 0,
    repeatedBatches: 0,
    accepted: 0,
    implausible: Object.fromEntries(FIELDS.map((field) => [field, 0])) as RegionLedger['implausible'],
    delays: [],
  };
}

/**
 * Living sessions by what they say of themselves: for each region, how many are of each combination of closed sets. A
 * session is of at most one combination of each kind, and of none when it says nothing of it.
 */
import { CLIENT, PATH, SENT_VIDEO } from '../../shared/session-members.ts';

/** A label, and the values that it can have beside `unknown`. */
type Dimension = { readonly label: string; readonly values: readonly string[] };

/** The kinds, and the labels of each. */
export const BREAKDOWNS = {
  path: [
    { label: 'candidate_type', values: PATH.candidate_type },
    { label: 'protocol', values: PATH.protocol },
  ],
  client: [
    { label: 'platform', values: CLIENT.platform },
    { label: 'engine', values: CLIENT.engine },
  ],
  /** Of those that send video: what limits it. Sending with a reason that is not known is a value of its own. */
  videoSender: [{ label: 'quality_limitation_reason', values: [...SENT_VIDEO.qualityLimitationReason, 'unknown'] }],
} as const satisfies { readonly [kind: string]: readonly Dimension[] };

export type BreakdownKind = keyof typeof BREAKDOWNS;

/** A combination of a kind: its number, from 1 (0 is of none), and its labels. */
export type Combination = { readonly number: number; readonly labels: { readonly [label: string]: string } };

/** Every combination of each kind. */
export const COMBINATIONS: { readonly [Kind in BreakdownKind]: readonly Combination[] } = {
  path: combinationsOf(BREAKDOWNS.path),
  client: combinationsOf(BREAKDOWNS.client),
  videoSender: combinationsOf(BREAKDOWNS.videoSender),
};

/** What a session is of, packed: a combination of each kind. */
export type Standing = number;

/** That of a session that says nothing of itself. */
export const NO_STANDING: Standing = 0;

const PROTOCOLS = PATH.protocol.length + 1;
const ENGINES = CLIENT.engine.length + 1;
const REASON_UNKNOWN = SENT_VIDEO.qualityLimitationReason.length + 1;

/** Values by their place in their set, from 1; 0 is unknown. */
export type StandingParts = {
  readonly candidateType: number;
  readonly protocol: number;
  readonly platform: number;
  readonly engine: number;
  readonly isSendingVideo: boolean;
  readonly qualityLimitationReason: number;
};

export function standingOf(parts: StandingParts): Standing {
  const path = parts.candidateType * PROTOCOLS + parts.protocol;
  const client = parts.platform * ENGINES + parts.engine;
  const videoSender = parts.isSendingVideo ? parts.qualityLimitationReason || REASON_UNKNOWN : 0;
  return (videoSender << 16) | (client << 8) | path;
}

/** What a session says that it is of, with a combination of each kind that it says something of. */
export type StandingLabels = { readonly [Kind in BreakdownKind]?: Combination['labels'] };

export function labelsOf(standing: Standing): StandingLabels {
  const labels: { -readonly [Kind in BreakdownKind]?: Combination['labels'] } = {};
  for (const [kind, number] of Object.entries(partsOf(standing)) as [BreakdownKind, number][]) {
    const found = COMBINATIONS[kind].find((combination) => combination.number === number);
    if (found) labels[kind] = found.labels;
  }
  return labels;
}

function partsOf(standing: Standing): { readonly [Kind in BreakdownKind]: number } {
  return { path: standing & 0xff, client: (standing >> 8) & 0xff, videoSender: standing >> 16 };
}

export type BreakdownReadings = {
  /** How many are of the combination. */
  count(region: string, kind: BreakdownKind, combination: number): number;
};

export type Breakdown = BreakdownReadings & {
  /** Replaces what one session is of in the region; {@link NO_STANDING} for nothing. */
  replace(region: string, before: Standing, after: Standing): void;
};

export function createBreakdown(regions: readonly string[]): Breakdown {
  const counts = new Map(regions.map((region) => [region, createCounts()]));

  function countsOf(region: string): Counts {
    const ofRegion = counts.get(region);
    if (!ofRegion) throw new RangeError(`no such region: ${region}`);
    return ofRegion;
  }

  return {
    replace(region, before, after) {
      if (before === after) return;
      const ofRegion = countsOf(region);
      add(ofRegion, before, -1);
      add(ofRegion, after, 1);
    },
    count: (region, kind, combination) => countsOf(region)[kind][combination] as number,
  };
}

/** By combination, that of none included. */
type Counts = { readonly [Kind in BreakdownKind]: Float64Array };

function createCounts(): Counts {
  return {
    path: new Float64Array(COMBINATIONS.path.length + 1),
    client: new Float64Array(COMBINATIONS.client.length + 1),
    videoSender: new Float64Array(COMBINATIONS.videoSender.length + 1),
  };
}

function add(counts: Counts, standing: Standing, change: 1 | -1): void {
  const { path, client, videoSender } = partsOf(standing);
  addTo(counts.path, path, change);
  addTo(counts.client, client, change);
  addTo(counts.videoSender, videoSender, change);
}

function addTo(counts: Float64Array, combination: number, change: number): void {
  if (combination > 0) counts[combination] = (counts[combination] as number) + change;
}

/** The last label counts fastest, `unknown` first. */
function combinationsOf(dimensions: readonly Dimension[]): Combination[] {
  let all: { readonly [label: string]: string }[] = [{}];
  for (const { label, values } of dimensions) {
    const named = values.includes('unknown') ? values : ['unknown', ...values];
    all = all.flatMap((labels) => named.map((value) => ({ ...labels, [label]: value })));
  }
  // Where nothing is known is no combination, unless it is a value of its own.
  const isNone = dimensions.every(({ values }) => !values.includes('unknown'));
  return all.map((labels, i) => ({ number: isNone ? i : i + 1, labels })).filter(({ number }) => number > 0);
}

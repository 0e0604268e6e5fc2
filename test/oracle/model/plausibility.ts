/** What a session can have counted in the time that passed: docs/wire-format.md, "What is plausible". */
import type { PeerRises } from './rises.ts';

const SAMPLES = 50_400;

/** Maximum rates per second. */
const MOST = {
  seq: 1,
  dropped: 1,
  jitterBufferDelay: SAMPLES * 60,
  jitterBufferTargetDelay: SAMPLES * 60,
  jitterBufferEmittedCount: SAMPLES,
  concealedSamples: SAMPLES,
  silentConcealedSamples: SAMPLES,
  removedSamplesForAcceleration: SAMPLES,
  insertedSamplesForDeceleration: SAMPLES,
  totalSamplesReceived: SAMPLES,
  packetsReceived: 10_000,
  packetsLost: 10_000,
  framesDecoded: 1_000,
  framesDropped: 1_000,
  freezeCount: 10,
} as const;

export type Field = keyof typeof MOST;
export const FIELDS = Object.keys(MOST) as readonly Field[];

/** Rounded as the aggregator rounds, since growth that takes exactly the available time could go either way. */
function secondsFor(field: Field, growth: number): number {
  return growth * (1 / MOST[field]);
}

/** Pairs of a part and its whole. */
const PARTS = [
  ['concealedSamples', 'totalSamplesReceived'],
  ['removedSamplesForAcceleration', 'totalSamplesReceived'],
  ['insertedSamplesForDeceleration', 'totalSamplesReceived'],
  ['silentConcealedSamples', 'concealedSamples'],
  ['silentConcealedSamples', 'totalSamplesReceived'],
] as const;
const PART_AHEAD_SAMPLES = 4_800;

/** One beacon, checked against the time that its session has not accounted for yet. */
export type Check = {
  allows(field: Field, growth: number): boolean;
  /** The plausible differences. */
  believed(rises: PeerRises): PeerRises;
  /** The moment up to which the session has then accounted for its time. */
  accountedUntilMs(): number;
};

export type CheckOptions = {
  readonly accountedUntilMs: number;
  readonly atMs: number;
  readonly ttlMs: number;
  readonly onImplausible: (field: Field) => void;
};

export function createCheck({ accountedUntilMs, atMs, ttlMs, onImplausible }: CheckOptions): Check {
  const availableSeconds = Math.max(0, atMs - accountedUntilMs) / 1000;
  let neededSeconds = 0;

  function isTooMuch(name: string, growth: number): name is Field {
    return name in MOST && secondsFor(name as Field, growth) > availableSeconds;
  }

  function need(name: string, growth: number): void {
    if (name in MOST) neededSeconds = Math.max(neededSeconds, secondsFor(name as Field, growth));
  }

  function believe<Rises extends { readonly [name: string]: number | undefined }>(rises: Rises): Rises {
    const implausible = Object.entries(rises)
      .filter(([name, growth]) => isTooMuch(name, growth ?? 0) || isAhead(rises, name))
      .map(([name]) => name as Field);
    for (const field of implausible) onImplausible(field);
    if (implausible.length > 0) return {} as Rises;
    for (const [name, growth] of Object.entries(rises)) need(name, growth ?? 0);
    return withinWhole(rises);
  }

  return {
    allows(field, growth) {
      if (isTooMuch(field, growth)) {
        onImplausible(field);
        return false;
      }
      need(field, growth);
      return true;
    },
    believed: ({ audio, video }) => ({ audio: believe(audio), video: believe(video) }),
    accountedUntilMs: () => Math.max(accountedUntilMs + neededSeconds * 1000, atMs - ttlMs),
  };
}

function isAhead(rises: { readonly [name: string]: number | undefined }, name: string): boolean {
  return PARTS.some(([part, whole]) => {
    const [ofPart, ofWhole] = [rises[part], rises[whole]];
    return part === name && ofPart !== undefined && ofWhole !== undefined && ofPart - ofWhole > PART_AHEAD_SAMPLES;
  });
}

/** A part counts at most as much as its whole. */
function withinWhole<Rises extends { readonly [name: string]: number | undefined }>(rises: Rises): Rises {
  const within: { [name: string]: number | undefined } = { ...rises };
  for (const [part, whole] of PARTS) {
    const [ofPart, ofWhole] = [within[part], within[whole]];
    if (ofPart !== undefined && ofWhole !== undefined) within[part] = Math.min(ofPart, ofWhole);
  }
  return within as Rises;
}

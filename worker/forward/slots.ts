/**
 * Which of a region's Forwarders an isolate calls. It picks a slot at random once, so isolates spread evenly over
 * the slots without coordination; an overloaded object is avoided for a while if there is another.
 */

/** How long an overloaded Forwarder is avoided. */
export const AVOID_MS = 30_000;

export type Slots = {
  /** The slot to call now: the isolate's own unless that is overloaded and another one is not. */
  choose(region: string): number;
  /** Avoids a slot of a region for {@link AVOID_MS}. */
  avoid(region: string, slot: number): void;
};

export type SlotsOptions = {
  /** Forwarders of each region. */
  readonly forwarders: number;
  /** At least 0, below 1. */
  readonly random: () => number;
  /** Ms, for differences. */
  readonly now: () => number;
};

export function createSlots({ forwarders, random, now }: SlotsOptions): Slots {
  /** Drawn with the first call: workerd allows no randomness while a module loads. */
  let own: number | undefined;
  const avoidedAtMs = new Map<string, number>();

  function isAvoided(region: string, slot: number): boolean {
    const atMs = avoidedAtMs.get(`${region}:${slot}`);
    return atMs !== undefined && Math.abs(now() - atMs) < AVOID_MS;
  }

  return {
    choose(region) {
      own ??= Math.floor(random() * forwarders);
      if (avoidedAtMs.size === 0 || !isAvoided(region, own)) return own;
      const others = Array.from({ length: forwarders }, (_, slot) => slot).filter((slot) => !isAvoided(region, slot));
      return others[Math.floor(random() * others.length)] ?? own;
    },
    avoid(region, slot) {
      avoidedAtMs.set(`${region}:${slot}`, now());
    },
  };
}

/**
 * How far the edge's clock is from the broker's: nothing is decided by it, but an operator wants to know. A batch
 * says when it was sent, and the broker when it stored it; the way in between makes the edge look behind, so that
 * of each Forwarder the largest difference of a while is the truest.
 */

export type EdgeSkew = {
  /**
   * @param aheadMs when the Forwarder sent a batch, less when the broker stored it
   * @returns the skew of the Forwarder whose clock is furthest off, in ms; positive when it is ahead. It stands
   *   until another while has passed, and is NaN during the first.
   */
  observe(slot: number, aheadMs: number, nowMs: number): number;
};

const WINDOW_MS = 10_000;

export function createEdgeSkew(): EdgeSkew {
  /** Bounded, since slots are. */
  const best = new Map<number, number>();
  let sinceMs = Number.NaN;
  let skewMs = Number.NaN;

  return {
    observe(slot, aheadMs, nowMs) {
      if (Number.isNaN(sinceMs) || nowMs < sinceMs) sinceMs = nowMs;
      const before = best.get(slot);
      if (before === undefined || aheadMs > before) best.set(slot, aheadMs);
      if (nowMs - sinceMs < WINDOW_MS) return skewMs;
      skewMs = 0;
      for (const ahead of best.values()) if (Math.abs(ahead) > Math.abs(skewMs)) skewMs = ahead;
      best.clear();
      sinceMs = nowMs;
      return skewMs;
    },
  };
}

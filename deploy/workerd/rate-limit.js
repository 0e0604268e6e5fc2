/**
 * Cloudflare's rate-limit binding for a workerd of one's own, which has none: the same method, counting in memory. Plain
 * JavaScript, since workerd loads it as it is, as the module of a wrapped binding. Counts are those of one process, and gone
 * when it ends.
 */

/** Keys that are counted in one period, about 10 MB of them. Further ones are let through: what is limited are floods. */
const KEYS_MAX = 100_000;

/**
 * @param {{ limit: number, period: number, now?: () => number, keysMax?: number }} options `limit` calls for each key are
 *   let through in a period of so many seconds
 */
export function createRateLimit({ limit, period, now = Date.now, keysMax = KEYS_MAX }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  let endsAtMs = Number.NEGATIVE_INFINITY;
  return {
    /** @param {{ key: string }} call */
    async limit({ key }) {
      const nowMs = now();
      // Further ahead than a period: the clock was set back.
      if (nowMs >= endsAtMs || endsAtMs - nowMs > period * 1000) {
        counts.clear();
        endsAtMs = nowMs + period * 1000;
      }
      const count = (counts.get(key) ?? 0) + 1;
      if (count > 1 || counts.size < keysMax) counts.set(key, count);
      return { success: count <= limit };
    },
  };
}

/** Entries of a `getStats()` report, and the numbers that are picked from them by the names of a schema. */

/** One entry. Browsers and type definitions differ in their members, so each one is read by its name. */
export type Stat = { readonly id: string; readonly type: string; readonly [member: string]: unknown };

/** What `RTCPeerConnection.getStats()` resolves to, as far as it is read here. */
export type StatsReport = { get(id: string): Stat | undefined; values(): Iterable<Stat> };

export type Numbers = { [member: string]: number };

/** Signed in W3C: duplicate packets make it fall, which is not a reset. */
const SIGNED_MEMBER = 'packetsLost';

/** @param names an object whose keys are the members to pick */
export function pickNumbers(stat: Stat, names: object): Numbers {
  const picked: Numbers = {};
  for (const member in names) if (typeof stat[member] === 'number') picked[member] = stat[member];
  return picked;
}

/** Adds to `totals` the differences of a stream's counters since `before`, which is empty for a new stream. */
export function addDifferences(totals: Numbers, now: Numbers, before: Numbers): void {
  const members = Object.keys(now);
  const from = (member: string) => before[member] ?? 0;
  // When a counter went down, all counters of the stream restarted at zero.
  const wasReset = members.some((member) => member !== SIGNED_MEMBER && (now[member] as number) < from(member));
  for (const member of members) {
    const difference = (now[member] as number) - (wasReset ? 0 : from(member));
    // Sums of fractions have long tails, and each digit is a byte in every beacon.
    totals[member] = +((totals[member] ?? 0) + difference).toPrecision(12);
  }
}

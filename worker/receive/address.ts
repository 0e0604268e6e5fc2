/**
 * Client addresses: how long one is blocked, and its rate-limit key: the whole IPv4 address, or the /64 of an IPv6
 * address, which is what one customer gets. Otherwise a sender would have 2^64 addresses, each with its own limit.
 */

/** How long an address over its limit is remembered: the `period` of ADDRESS_LIMIT in wrangler.toml. */
export const BLOCK_MS = 60_000;

/** An IPv6 address with an embedded IPv4 address has at most 45 characters. */
const LENGTH_MAX = 45;
const GROUPS = 8;
const PREFIX_GROUPS = 4;

/** @param ip `cf-connecting-ip`, which Cloudflare sets and a client can't; empty where there is no Cloudflare */
export function addressKeyOf(ip: string): string {
  if (ip.length > LENGTH_MAX || !ip.includes(':')) return ip.slice(0, LENGTH_MAX);
  const lower = ip.toLowerCase();
  // An IPv4-mapped IPv6 address shares the limit of the IPv4 address.
  if (lower.startsWith('::ffff:') && lower.includes('.')) return lower.slice('::ffff:'.length);
  const [head = '', tail] = lower.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return `${groups.slice(0, PREFIX_GROUPS).join(':')}::/64`;
}

/** Groups without leading zeros, so that each network has one way of being written. */
function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16).toString(16));
}

/**
 * Client addresses: for how long one is blocked, and the key that it is limited by: IPv4 whole, IPv6 by its /64, which is what one customer is given. A
 * sender who owns a /64 would otherwise have 2^64 addresses, each with a limit of its own.
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
  // An IPv4 address in IPv6's clothes shares its limit with the plain one.
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

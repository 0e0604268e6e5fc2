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
  const [head = '', tail] = lower.split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = tail === undefined ? 0 : Math.max(0, GROUPS - before.length - after.length);
  const groups = [...before, ...Array<string>(zeros).fill('0'), ...after];
  return mappedIpv4Of(groups) ?? `${groups.slice(0, PREFIX_GROUPS).join(':')}::/64`;
}

/** An IPv4 address in IPv6's clothes shares its limit with the plain one, however it is written. */
function mappedIpv4Of(groups: readonly string[]): string | undefined {
  if (groups.length !== GROUPS || groups.slice(0, 6).join(':') !== '0:0:0:0:0:ffff') return undefined;
  return groups
    .slice(6)
    .map((group) => Number.parseInt(group, 16))
    .flatMap((value) => [value >> 8, value & 0xff])
    .join('.');
}

/** Groups without leading zeros, so that each network has one way of being written; the last may be dotted IPv4. */
function groupsOf(part: string): string[] {
  return part === '' ? [] : part.split(':').flatMap((group) => (group.includes('.') ? dottedOf(group) : hexOf(group)));
}

function dottedOf(ipv4: string): string[] {
  const [a = 0, b = 0, c = 0, d = 0] = ipv4.split('.').map(Number);
  return [a * 256 + b, c * 256 + d].map((value) => value.toString(16));
}

function hexOf(group: string): string {
  return Number.parseInt(group, 16).toString(16);
}

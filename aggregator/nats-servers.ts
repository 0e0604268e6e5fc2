/** NATS servers as a setting of the aggregator says them. */
import * as v from 'valibot';

/** What a setting says of NATS servers. */
export type NatsServers = {
  /** `host:port` each. */
  readonly servers: readonly string[];
  readonly tls: boolean;
  /** User name and password, when the setting carries them. */
  readonly login: { readonly user: string; readonly pass: string } | undefined;
};

/** NATS_URL and NATS_FALLBACK_URL: a list of addresses, read into what it says of the servers. */
export const NatsServersText = v.pipe(
  v.string(),
  v.transform((list) => namesIn(list)),
  v.minLength(1, 'is empty'),
  v.everyItem((url) => natsServer(url) !== undefined, 'is not a list of nats://host:port or tls://host:port'),
  v.check(
    (urls) => new Set(urls.map((url) => JSON.stringify(natsServer(url)?.login))).size === 1,
    'has servers with different user names or passwords',
  ),
  v.transform((urls) => natsServers(urls)),
);

function natsServers(urls: readonly string[]): NatsServers {
  const servers = urls.flatMap((url) => natsServer(url) ?? []);
  return {
    servers: servers.map(({ address }) => address),
    tls: servers.some(({ tls }) => tls),
    login: servers[0]?.login,
  };
}

type NatsServer = { address: string; tls: boolean; login: { user: string; pass: string } | undefined };

function natsServer(text: string): NatsServer | undefined {
  const url = text.includes('://') ? text : `nats://${text}`;
  if (!/^(nats|tls):\/\/[^\s/?#]+\/?$/.test(url) || !URL.canParse(url)) return undefined;
  const { protocol, host, username, password } = new URL(url);
  if (!host) return undefined;
  const login = username ? { user: decodeURIComponent(username), pass: decodeURIComponent(password) } : undefined;
  return { address: host, tls: protocol === 'tls:', login };
}

/** The items of a list with commas. */
export function namesIn(list: string): string[] {
  return list.split(',').flatMap((item) => item.trim() || []);
}

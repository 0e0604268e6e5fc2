/**
 * The closed set of media servers: a client's `server.url` becomes the origin of a configured
 * server or `other`, so that no path, query or made-up URL becomes a label.
 */
import * as v from 'valibot';

/** Label of a server that is not configured. */
export const OTHER_SERVER = 'other';
/** Label, for url and type, of a session that has no elected server. */
export const NO_SERVER = 'none';

const SERVERS_MAX = 256;

/** A list of server URLs, or one comma-separated string; reduced to distinct origins. */
export const ServersSchema = v.pipe(
  v.union([
    v.array(v.string()),
    v.pipe(
      v.string(),
      v.transform((list) => list.split(',').flatMap((item) => item.trim() || [])),
    ),
  ]),
  v.maxLength(SERVERS_MAX, `has more than ${SERVERS_MAX} servers`),
  v.rawTransform(({ dataset, addIssue, NEVER }) => {
    const origins = new Set<string>();
    for (const url of dataset.value) {
      const origin = serverOrigin(url);
      if (origin === undefined) {
        addIssue({ message: `is not a server URL: ${JSON.stringify(url)}` });
        return NEVER;
      }
      origins.add(origin);
    }
    return [...origins];
  }),
);

/** Maps a client's server URL to its label. Bounded work: the URL's length is limited by the beacon schema. */
export type ServerLabel = (url: string) => string;

export function serverLabeler(origins: readonly string[]): ServerLabel {
  // Maps a string to our own copy of it, so that the label retains no message.
  const known = new Map(origins.map((origin) => [origin, origin]));
  return (url) => {
    // The edge has already reduced the URL, so this is the common case behind NATS.
    const label = known.get(url);
    if (label !== undefined) return label;
    const origin = serverOrigin(url);
    return (origin !== undefined && known.get(origin)) || OTHER_SERVER;
  };
}

/** `wss://Media-1.example:443/a?b` -> `wss://media-1.example`; undefined for a URL without a host. */
function serverOrigin(url: string): string | undefined {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  if (!parsed?.host) return undefined;
  return `${parsed.protocol}//${parsed.host}`;
}

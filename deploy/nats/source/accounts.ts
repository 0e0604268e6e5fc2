/**
 * Who may do what in NATS: the accounts and users of accounts.conf, made from the names of the regions. The same file
 * is included by every server, since a region's Forwarders publish through another region when their own is down, and
 * its aggregator follows them there.
 */
import { isRegionName, STREAM, SUBJECT_ROOT } from '../../../shared/subjects.ts';

export type Permissions = {
  readonly publish: { readonly allow: readonly string[]; readonly deny?: readonly string[] };
  readonly subscribe: { readonly allow: readonly string[]; readonly deny?: readonly string[] };
};

/** `edge-eu-west` -> `EDGE_EU_WEST_PASSWORD`, the environment variable of nats-server. */
export function passwordVariable(user: string): string {
  return `${constantCase(user)}_PASSWORD`;
}

/** All users of accounts.conf. */
export function usersOf(regions: readonly string[]): string[] {
  const ofRegions = regions.flatMap((region) => [`edge-${region}`, `aggregator-${region}`, `leaf-${region}`]);
  return ['sys', 'operator', 'rooms', ...ofRegions];
}

/** What a region's Forwarders may do: publish to their region and hear the acknowledgements. */
export function edgePermissions(region: string): Permissions {
  const place = `${SUBJECT_ROOT}.${region}`;
  return {
    publish: { allow: [`${place}.edge.*`, `${place}.forwarder.*`] },
    subscribe: { allow: [`_INBOX.edge.${region}.>`] },
  };
}

/**
 * What an aggregator may do: make ordered consumers of its regions, in the connection's own JetStream domain and in
 * any other, and answer their flow control. It can't publish a beacon, nor consume another region.
 */
export function aggregatorPermissions(regions: readonly string[]): Permissions {
  const apis = ['$JS.API', '$JS.*.API'];
  return {
    publish: {
      allow: [
        `$JS.FC.${STREAM}.>`,
        ...apis.map((api) => `${api}.STREAM.INFO.${STREAM}`),
        ...regions.flatMap((region) =>
          apis.map((api) => `${api}.CONSUMER.CREATE.${STREAM}.*.${SUBJECT_ROOT}.${region}.>`),
        ),
      ],
    },
    subscribe: { allow: ['_INBOX.aggregator.>'] },
  };
}

/** Of JetStream's API, what aggregators don't need: nobody changes or reads a stream from another region. */
const NOT_ACROSS = [
  ...['CREATE', 'UPDATE', 'DELETE', 'PURGE', 'SNAPSHOT', 'RESTORE', 'MSG', 'PEER', 'LEADER', 'TEMPLATE'].map(
    (verb) => `STREAM.${verb}.>`,
  ),
  'STREAM.LIST',
  'STREAM.NAMES',
  'STREAM.TEMPLATES',
  ...['DURABLE', 'DELETE', 'LIST', 'NAMES', 'INFO', 'MSG', 'LEADER', 'PAUSE', 'RESET', 'UNPIN'].map(
    (verb) => `CONSUMER.${verb}.>`,
  ),
].map((request) => `$JS.*.API.${request}`);

/**
 * What crosses between a region and a hub, both ways: requests of aggregators for another domain's stream, its
 * deliveries to their inboxes, and flow control. Permissions of a leaf node must allow the subjects that the region
 * announces as they are (`$JS.apac.API.STREAM.>`), hence the denials. Between hubs, a gateway wraps the subject of
 * an answer in `_GR_`.
 */
export function leafPermissions(): Permissions {
  const allow = ['$JS.*.API.STREAM.>', '$JS.*.API.CONSUMER.>', `$JS.FC.${STREAM}.>`, '_INBOX.aggregator.>', '_GR_.>'];
  const both = { allow, deny: NOT_ACROSS };
  return { publish: both, subscribe: both };
}

/** The text of accounts.conf. @throws RangeError for an invalid region name, since it would become part of a subject */
export function accountsConfig(regions: readonly string[]): string {
  const wrong = regions.find((region) => !isRegionName(region));
  if (wrong !== undefined) throw new RangeError(`${JSON.stringify(wrong)} is not the name of a region`);
  return `# Accounts and users with passwords: made by \`npm run nats-accounts\` from REGIONS of wrangler.toml, and included by
# every region and hub. A password is a variable of nats-server's environment, in double quotes: best its bcrypt hash.

system_account: SYS

accounts {
  # For people who look after the servers.
  SYS {
    users = [{ user: sys, password: $SYS_PASSWORD }]
  }
  # The stream HEALTH and its aggregators. Where a server has no JetStream, as a hub, this enables nothing.
  EDGEPULSE {
    jetstream: enabled
    exports = [
${regions.map((region) => `      { service: "${SUBJECT_ROOT}.${region}.*.*", accounts: [${edgeAccount(region)}] }`).join('\n')}
    ]
    # Of the users below without permissions of their own, leaf-{region}: what crosses between a region and a hub.
    default_permissions: {
${permissionsConfig(leafPermissions(), '      ')}
    }
    users = [
      # For people and for the process that creates the stream HEALTH. Never at the edge.
${userConfig('operator', { publish: { allow: ['>'] }, subscribe: { allow: ['>'] } })}
${regions.map((region) => userConfig(`aggregator-${region}`, aggregatorPermissions([region]))).join('\n')}
      # A region's servers, as leaf nodes of a hub.
${regions.map(leafUserConfig).join('\n')}
    ]
  }
  # A region's Forwarders publish to their own region and hear the acknowledgements in an inbox of their own.
${regions.map(edgeAccountConfig).join('\n')}
  # The rooms' own traffic: neither side can name a subject of the other.
  ROOMS {
    users = [
${userConfig('rooms', { publish: { allow: ['room.>'] }, subscribe: { allow: ['room.>'] } })}
    ]
  }
}
`;
}

function edgeAccountConfig(region: string): string {
  return `  ${edgeAccount(region)} {
    imports = [{ service: { account: EDGEPULSE, subject: "${SUBJECT_ROOT}.${region}.*.*" } }]
    users = [
${userConfig(`edge-${region}`, edgePermissions(region))}
    ]
  }`;
}

function edgeAccount(region: string): string {
  return `EDGE_${constantCase(region)}`;
}

function leafUserConfig(region: string): string {
  const user = `leaf-${region}`;
  return `      { user: ${user}, password: $${passwordVariable(user)}, allowed_connection_types: [LEAFNODE] }`;
}

function userConfig(user: string, permissions: Permissions): string {
  return `      { user: ${user}, password: $${passwordVariable(user)}, permissions: {
${permissionsConfig(permissions, '          ')} } }`;
}

function permissionsConfig({ publish, subscribe }: Permissions, indent: string): string {
  return `${indent}publish: ${subjects(publish, indent)}\n${indent}subscribe: ${subjects(subscribe, indent)}`;
}

function subjects({ allow, deny }: Permissions['publish'], indent: string): string {
  if (deny === undefined) return list(allow, indent);
  return `{\n${indent}  allow: ${list(allow, `${indent}  `)}\n${indent}  deny: ${list(deny, `${indent}  `)}\n${indent}}`;
}

/** On lines of about 100 characters. */
function list(all: readonly string[], indent: string): string {
  const lines: string[] = [];
  for (const subject of all.map((name) => `"${name}"`)) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + subject.length < 100) lines[lines.length - 1] = `${line}, ${subject}`;
    else lines.push(subject);
  }
  return `[${lines.join(`,\n${indent}  `)}]`;
}

function constantCase(name: string): string {
  return name.toUpperCase().replaceAll('-', '_');
}

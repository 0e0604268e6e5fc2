/** Which brokers the regions are read from, and over which connection each is reached. */
import { type Broker, type BrokerOptions, createBroker } from './broker.ts';
import { type Connector, createConnector, type NatsAccess } from './connection.ts';
import type { FeedErrors } from './feed-errors.ts';
import { pause } from './pause.ts';

/** A region, and where its messages are. */
export type FeedRegion = {
  readonly name: string;
  /** The JetStream domain of its NATS; undefined for that of the server which is connected to. */
  readonly domain?: string | undefined;
  /** Regions through whose NATS its Forwarders publish when they can't reach its own. */
  readonly fallbacks?: readonly { readonly name: string; readonly domain?: string | undefined }[];
};

export type BrokersOptions = Pick<BrokerOptions, 'topologyRegions' | 'lanes' | 'ttlSeconds' | 'log'> & {
  /** NATS_URL. */
  readonly access: NatsAccess;
  /** NATS_FALLBACK_URL: fallbacks are read over it, and over `access` without it. */
  readonly fallbackAccess?: NatsAccess | undefined;
  readonly regions: readonly FeedRegion[];
};

/** Where a region's messages are. @param name of the region whose NATS it is */
export type Place = { readonly name: string; readonly broker: Broker };

export type Brokers = {
  readonly connectors: readonly Connector[];
  /** The one at home of the first region comes first: by its clock go all times, unless it can't be reached. */
  readonly all: readonly Broker[];
  /** Home first. A fallback that is the same stream as one before it is none. */
  of(region: FeedRegion): readonly Place[];
  /** Resolves when a broker may be read: the others give the first one a moment to say what time it is. */
  begin(broker: Broker): Promise<void>;
};

const FIRST_MS = 2_000;

export function createBrokers(
  options: BrokersOptions & { readonly errors: FeedErrors; readonly signal: AbortSignal },
  onDisconnected: (connector: Connector, reason: string) => void,
): Brokers {
  const { regions, access, fallbackAccess, errors, signal } = options;
  const home = connect('NATS_URL', access);
  const isElsewhere = fallbackAccess !== undefined && regions.some(({ fallbacks = [] }) => fallbacks.length > 0);
  const elsewhere = isElsewhere ? connect('NATS_FALLBACK_URL', fallbackAccess) : home;
  const planned = new Map<
    string,
    { connector: Connector; domain: string | undefined; isHome: boolean; regions: string[] }
  >();
  const keys = new Map(regions.map((region) => [region.name, planRegion(region)]));
  const brokers = new Map([...planned].map(([key, plan]) => [key, createBroker({ ...options, ...plan })]));
  const all = [...brokers.values()];

  function connect(setting: string, to: NatsAccess): Connector {
    const log = setting === 'NATS_URL' ? options.log : options.log.child({ connection: setting });
    const connector: Connector = createConnector({
      access: to,
      setting,
      errors,
      log,
      signal,
      onDisconnected: () => onDisconnected(connector, 'disconnected'),
    });
    return connector;
  }

  function plan(region: string, connector: Connector, domain: string | undefined, isHome: boolean): string {
    const key = `${connector === home ? 'home' : 'elsewhere'} ${domain ?? ''}`;
    const known = planned.get(key) ?? { connector, domain, isHome: false, regions: [] };
    planned.set(key, { ...known, isHome: known.isHome || isHome, regions: [...known.regions, region] });
    return key;
  }

  /** @returns what identifies each of its brokers, with the name of the region whose it is */
  function planRegion({ name, domain, fallbacks = [] }: FeedRegion): ReadonlyMap<string, string> {
    const places = new Map([[plan(name, home, domain, true), name]]);
    for (const fallback of fallbacks) {
      const key = plan(name, elsewhere, fallback.domain, false);
      if (!places.has(key)) places.set(key, fallback.name);
    }
    return places;
  }

  return {
    connectors: [...new Set([home, elsewhere])],
    all,
    of: ({ name }) =>
      [...(keys.get(name) ?? [])].flatMap(([key, of]) => {
        const broker = brokers.get(key);
        return broker ? [{ name: of, broker }] : [];
      }),
    async begin(broker) {
      const [first] = all;
      if (first && broker !== first) await Promise.race([first.clockSet, pause(FIRST_MS, signal)]);
    },
  };
}

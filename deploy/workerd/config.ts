/**
 * The configuration of a workerd that runs the worker by itself, in Cap'n Proto's text: its bindings, its Durable Objects on
 * disk, and where it listens.
 * @see https://github.com/cloudflare/workerd/blob/main/src/workerd/server/workerd.capnp
 */

/** A binding's value, or the environment variable that has it: null in the worker where that is not set. */
export type Binding = { readonly value: unknown } | { readonly fromEnvironment: string };

export type RateLimit = { readonly limit: number; readonly period: number };

export type WorkerdOptions = {
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  /** By name; a string becomes text, everything else JSON. */
  readonly bindings: { readonly [name: string]: Binding };
  /** By the name of the binding. Those that workerd has none of: see rate-limit.js. */
  readonly rateLimits?: { readonly [name: string]: RateLimit };
  /** Whether the worker's `scheduled` is called once a minute: see schedule.js. */
  readonly everyMinute?: boolean;
  /** `host:port` of the socket `http`. */
  readonly address: string;
  /** In which of a request's headers `request.cf` is, as JSON. Absent: a request has none. */
  readonly cfHeader?: string;
  /** PEM of authorities that TLS of outgoing connections trusts in addition to the public ones. */
  readonly trustedCertificates?: readonly string[];
};

/** Files beside the configuration. */
export const BUNDLE_FILE = 'index.js';
export const RATE_LIMIT_FILE = 'rate-limit.js';
export const SCHEDULE_FILE = 'schedule.js';

/** A part of the key that the objects' ids are derived from: with another one, what is spooled would never be sent. */
const FORWARDER_KEY = 'forwarder';
const SCHEDULE_KEY = 'schedule';

/** Beacons are spooled in the folder of the service `storage`, by default `storage` where workerd is started. */
export function workerdConfig(options: WorkerdOptions): string {
  const { bindings, rateLimits = {}, everyMinute = false, address, cfHeader, trustedCertificates = [] } = options;
  const limited = Object.entries(rateLimits);
  const extension = `(modules = [(name = "edgepulse:rate-limit", internal = true, esModule = embed ${quote(RATE_LIMIT_FILE)})])`;
  const cf = cfHeader === undefined ? '' : `cfBlobHeader = ${quote(cfHeader)}`;
  const tls = `(trustBrowserCas = true, trustedCertificates = [${trustedCertificates.map(quote).join(', ')}])`;
  // The first one is the main module.
  const modules = [...(everyMinute ? [SCHEDULE_FILE] : []), BUNDLE_FILE].map(
    (file) => `(name = ${quote(file)}, esModule = embed ${quote(file)})`,
  );
  const classes = { Forwarder: FORWARDER_KEY, ...(everyMinute ? { Schedule: SCHEDULE_KEY } : {}) };
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "storage", disk = (path = "storage", writable = true)),
    (name = "internet", network = (allow = ["public", "private"], tlsOptions = ${tls})),
  ],
  sockets = [(name = "http", address = ${quote(address)}, http = (${cf}), service = "worker")],
  extensions = [${limited.length > 0 ? extension : ''}],
);
const worker :Workerd.Worker = (
  modules = [${modules.join(', ')}],
  compatibilityDate = ${quote(options.compatibilityDate)},
  compatibilityFlags = [${options.compatibilityFlags.map(quote).join(', ')}],
  bindings = [
    ${Object.keys(classes).map(namespaceBinding).join(',\n    ')},
    ${[...Object.entries(bindings).map(bindingText), ...limited.map(rateLimitText)].join(',\n    ')}
  ],
  durableObjectNamespaces = [${Object.entries(classes).map(namespaceText).join(', ')}],
  durableObjectStorage = (localDisk = "storage"),
  globalOutbound = "internet",
);
`;
}

/** Bound under the name of the class in capitals. */
function namespaceBinding(className: string): string {
  return `(name = ${quote(className.toUpperCase())}, durableObjectNamespace = ${quote(className)})`;
}

function namespaceText([className, key]: [string, string]): string {
  return `(className = ${quote(className)}, uniqueKey = ${quote(key)}, enableSql = true)`;
}

function bindingText([name, binding]: [string, Binding]): string {
  if ('fromEnvironment' in binding)
    return `(name = ${quote(name)}, fromEnvironment = ${quote(binding.fromEnvironment)})`;
  const { value } = binding;
  const kind = typeof value === 'string' ? `text = ${quote(value)}` : `json = ${quote(JSON.stringify(value))}`;
  return `(name = ${quote(name)}, ${kind})`;
}

function rateLimitText([name, { limit, period }]: [string, RateLimit]): string {
  const inner = `(name = "limit", json = "${limit}"), (name = "period", json = "${period}")`;
  return `(name = ${quote(name)}, wrapped = (moduleName = "edgepulse:rate-limit", entrypoint = "createRateLimit", innerBindings = [${inner}]))`;
}

/** Cap'n Proto's text takes JSON's escapes except \\u, which only control characters would need. */
function quote(text: string): string {
  return JSON.stringify(text);
}

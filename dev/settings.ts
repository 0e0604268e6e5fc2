/** What `npm start` reads from the environment, checked once; what the apps read themselves is passed on as it is. */
import * as v from 'valibot';
import { DEVELOPMENT_SECRET } from './token.ts';

export type Settings = {
  readonly workerPort: number;
  readonly aggregatorPort: number;
  /** Undefined: a nats-server of our own. */
  readonly natsUrl: string | undefined;
  readonly secret: string;
  /** Of a session, as the aggregator will read it; only told to the reader here. */
  readonly ttlSeconds: string;
  /** Where the aggregator listens. */
  readonly host: string;
  readonly metricsToken: string | undefined;
  /** Settings of the worker that override wrangler.toml's. */
  readonly workerVars: { readonly [name: string]: string };
};

type Environment = { readonly [name: string]: string | undefined };

/** The worker's settings that the environment may override in development. */
const WORKER_VARS = ['SERVERS', 'REGIONS', 'LANES', 'ALLOWED_ORIGINS', 'BEACON_JWKS_URL'] as const;

const Port = v.pipe(
  v.string(),
  v.regex(/^\d{1,5}$/, 'is not a port'),
  v.transform(Number),
  v.minValue(1, 'is not a port'),
  v.maxValue(65_535, 'is not a port'),
);

const Schema = v.object({
  WORKER_PORT: v.optional(Port, '8787'),
  AGGREGATOR_PORT: v.optional(Port, '9464'),
  NATS_URL: v.optional(v.string()),
  BEACON_SECRET: v.optional(v.string(), DEVELOPMENT_SECRET),
  SESSION_TTL_SECONDS: v.optional(v.string(), '30'),
  HOST: v.optional(v.string(), '0.0.0.0'),
  METRICS_TOKEN: v.optional(v.string()),
});

/** @throws with every problem, one line each */
export function readSettings(env: Environment): Settings {
  // An empty variable counts as not set, as it does for the apps.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''));
  const parsed = v.safeParse(Schema, given);
  if (!parsed.success) {
    throw new TypeError(parsed.issues.map((issue) => `${v.getDotPath(issue)}: ${issue.message}`).join('\n'));
  }
  const values = parsed.output;
  if (values.WORKER_PORT === values.AGGREGATOR_PORT) {
    throw new TypeError(`WORKER_PORT and AGGREGATOR_PORT are both ${values.WORKER_PORT}`);
  }
  return {
    workerPort: values.WORKER_PORT,
    aggregatorPort: values.AGGREGATOR_PORT,
    natsUrl: values.NATS_URL,
    secret: values.BEACON_SECRET,
    ttlSeconds: values.SESSION_TTL_SECONDS,
    host: values.HOST,
    metricsToken: values.METRICS_TOKEN,
    workerVars: Object.fromEntries(WORKER_VARS.flatMap((name) => (given[name] ? [[name, given[name]]] : []))),
  };
}

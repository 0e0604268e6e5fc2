/** Secrets and switches that are no part of wrangler.toml: they join the `Env` that `wrangler types` generates from it. */
interface __BaseEnv_Env {
  /** One of these two is required. */
  BEACON_SECRET?: string;
  BEACON_JWKS_URL?: string;
  NATS_URL?: string;
  /** The text of a NATS credentials file. */
  NATS_CREDS?: string;
  DEV_REGION_HEADER?: 'on' | 'off';
}

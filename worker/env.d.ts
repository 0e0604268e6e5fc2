/** Secrets and switches that are no part of wrangler.toml: they join the `Env` that `wrangler types` generates from it. */
interface __BaseEnv_Env {
  /** One of these two is required. */
  BEACON_SECRET?: string;
  BEACON_JWKS_URL?: string;
  /** Canaries are signed with it; without one, with BEACON_SECRET. */
  CANARY_SECRET?: string;
  NATS_URL?: string;
  /** The text of a NATS credentials file, for regions without a `NATS_CREDS_{REGION}` of their own. */
  NATS_CREDS?: string;
}

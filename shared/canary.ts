/**
 * A canary (`Canary` of edgepulse.proto): what a Cron Trigger sends on each lane once a minute, so that "nobody is
 * calling" can be told from "broken". It is a field of its own in a batch without entries: no population and no counter
 * of beacons sees it, and an aggregator that does not know it skips it.
 */
import type { PbfWriter } from 'pbf';
import { ascii, message, unsigned } from './wire.ts';

export type Canary = {
  /** The edge's clock when the Cron Trigger ran, ms since the Unix epoch. */
  readonly sentAtMs: number;
  /** HMAC-SHA-256 of {@link canaryText}, base64url; empty where the edge has no secret to sign with. */
  readonly signature: string;
};

/** What is signed. */
export type CanaryClaim = { readonly region: string; readonly lane: string; readonly sentAtMs: number };

/** How often one is sent on each lane: the `crons` of wrangler.toml. */
export const CANARY_INTERVAL_MS = 60_000;

export const CANARY_FIELD = { sentAtMs: 1, signature: 2 } as const;

export const CANARY_WIRE = message('canary', {
  [CANARY_FIELD.sentAtMs]: unsigned('sentAtMs'),
  [CANARY_FIELD.signature]: ascii('signature'),
});

export function writeCanary({ sentAtMs, signature }: Canary, out: PbfWriter): void {
  out.writeVarintField(CANARY_FIELD.sentAtMs, sentAtMs);
  if (signature !== '') out.writeStringField(CANARY_FIELD.signature, signature);
}

/** It has spaces, which the signing input of a JWT has not: with the same secret, neither signature is good for the other. */
export function canaryText({ region, lane, sentAtMs }: CanaryClaim): string {
  return `edgepulse canary ${region} ${lane} ${sentAtMs}`;
}

/**
 * Sends the canaries of a Cron Trigger: through one Forwarder of each region, a signed one for each lane. They go where
 * beacons go, and end where NATS has stored them; what comes of them is for the aggregators to say.
 */
import { CANARY_INTERVAL_MS, canaryText } from '../../shared/canary.ts';
import type { Region } from '../../shared/regions.ts';
import { laneName } from '../../shared/subjects.ts';
import type { Log } from '../log.ts';
import { type CanaryPort, forwarderName } from './call.ts';

export type CanarySenderOptions = {
  /** The Forwarder of that name, near its region. */
  readonly find: (name: string, hint: Region['hint']) => CanaryPort;
  readonly regions: readonly Region[];
  /** Forwarders of each region; each minute it is another one's turn. */
  readonly forwarders: number;
  readonly lanes: number;
  readonly topology: string;
  /** What they are signed with; without one, they are not. */
  readonly secret: string | undefined;
  /** The wall clock, ms since the epoch. */
  readonly now: () => number;
  readonly log: Log;
};

/** Never rejects: what did not get through is logged, and shows in `edgepulse_canary_age_seconds`. */
export type CanarySender = () => Promise<void>;

export function createCanarySender(options: CanarySenderOptions): CanarySender {
  const { find, regions, forwarders, lanes, topology, secret, now, log } = options;
  let key: Promise<CryptoKey> | undefined;

  async function signatureOf(text: string): Promise<string> {
    if (secret === undefined) return '';
    key ??= importKey(secret);
    const signature = await crypto.subtle.sign('HMAC', await key, new TextEncoder().encode(text));
    const base64 = btoa(String.fromCharCode(...new Uint8Array(signature)));
    return base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  }

  async function sendTo({ name: region, hint }: Region, sentAtMs: number): Promise<void> {
    const slot = Math.floor(sentAtMs / CANARY_INTERVAL_MS) % forwarders;
    try {
      const names = Array.from({ length: lanes }, (_, lane) => laneName(lane));
      const signatures = await Promise.all(names.map((lane) => signatureOf(canaryText({ region, lane, sentAtMs }))));
      const { missing } = await find(forwarderName({ region, slot }), hint).canary({ sentAtMs, signatures, topology });
      if (missing.length > 0) log.warn('canary not acknowledged by NATS', { region, slot, lanes: missing });
    } catch (error) {
      log.warn('canary not taken by its forwarder', { region, slot, error });
    }
  }

  return async () => {
    const sentAtMs = now();
    await Promise.all(regions.map((region) => sendTo(region, sentAtMs)));
  };
}

function importKey(secret: string): Promise<CryptoKey> {
  return crypto.subtle.importKey('raw', new TextEncoder().encode(secret), { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ]);
}

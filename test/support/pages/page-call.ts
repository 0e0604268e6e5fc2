/** A page in a call: what it posts with, what of it was on the wire, and what /metrics counted meanwhile. */
import type { Page } from 'playwright-core';
import { expect, onTestFinished } from 'vitest';
import { validBeacon } from '../edge/beacon.ts';
import { testToken } from '../edge/tokens.ts';
import type { Scrape } from '../metrics/scrape.ts';
import { eventually } from '../poll.ts';
import type { Chromium } from '../processes/chromium.ts';
import type { System } from '../processes/system.ts';
import { startWireTap, type TappedRequest } from './wire-tap.ts';

const FAMILIES = ['edgepulse_edge_beacons_total', 'edgepulse_beacons_total', 'edgepulse_sessions_reaped_total'];

/** By reason where there is one, else by outcome. */
export type Counts = { readonly [what: string]: number };

export type PageCall = {
  readonly page: Page;
  readonly token: string;
  /** Where to post: a tap in front of the worker. */
  readonly url: string;
  /** A beacon of the session, with the token in it unless `more` says otherwise. */
  body(seq: number, more?: object): string;
  /** The requests that were on the wire. */
  wire(): TappedRequest[];
  /** Waits until /metrics has counted exactly this since the page was opened. */
  counted(expected: Counts): Promise<Scrape>;
  /** The session's own series; undefined when there is none. */
  rttIn(scrape: Scrape): number | undefined;
};

export type JoinOptions = {
  readonly system: System;
  readonly chromium: Chromium;
  /** Where the edge places requests from this machine. */
  readonly region: string;
  /** Whose page it is. */
  readonly origin: string;
  readonly session: string;
};

/** Opens the page; it is closed when the test has finished. */
export async function joinCall({ system, chromium, region, origin, session }: JoinOptions): Promise<PageCall> {
  const tap = await startWireTap(system.worker.url);
  onTestFinished(tap.stop);
  const page = await chromium.open(origin);
  onTestFinished(() => page.context().close());
  const token = await testToken({ session });
  const countsOf = (scrape: Scrape): Counts => {
    const samples = FAMILIES.flatMap((family) => scrape.all(family, { region }));
    return Object.fromEntries(samples.map(({ labels, value }) => [labels.reason || labels.outcome, value]));
  };
  const before = countsOf(await system.aggregator.metrics());
  return {
    page,
    token,
    url: `${tap.url}/v1/beacons`,
    body: (seq, more) => JSON.stringify({ ...validBeacon({ session_id: session, seq }), token, ...more }),
    wire: tap.requests,
    async counted(expected) {
      await eventually(
        async () => expect(difference(countsOf(await system.aggregator.metrics()), before)).toEqual(expected),
        { deadlineMs: 20_000 },
      );
      // Another one: a scrape is written in slices, and may count the first beacon of a session whose series it leaves out.
      return system.aggregator.metrics();
    },
    rttIn: (scrape) => scrape.value('edgepulse_session_rtt_seconds', { region, session_id: session }),
  };
}

/** Of what changed. */
function difference(after: Counts, before: Counts): Counts {
  const differences = Object.entries(after).map(([what, count]) => [what, count - (before[what] ?? 0)] as const);
  return Object.fromEntries(differences.filter(([, count]) => count !== 0));
}

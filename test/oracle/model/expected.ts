/** What /metrics must say for a model: every sample of every edgepulse family, computed only from who is alive and what was seen. */
import { PUBLISH_SECONDS_BUCKETS } from '../../../shared/forwarder-counters.ts';
import { REJECT_REASONS } from '../../../shared/reject.ts';
import { detailOf, ofMeeting, ofSession } from './detail.ts';
import { PEER_MEASURES } from './figures.ts';
import { MEDIA_COUNTERS } from './ledger.ts';
import { LIVE, type LiveMeasure, quantilesOf } from './live-families.ts';
import { figuresOfPeers, type Living, meetingOf, participantOf, rttOf } from './living.ts';
import type { Model } from './model.ts';
import { FIELDS } from './plausibility.ts';
import type { Moment } from './region-time.ts';
import { createSampleSheet, type Expected, type Labels, type SampleSheet } from './sample-sheet.ts';

const DELAY_BOUNDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

/** What the process knows, whatever its input. */
export type Surroundings = {
  readonly version: string;
  readonly seriesBound: number;
  readonly reachSeconds: number;
  readonly lanes: number;
  /** The label of every series; empty without shards. */
  readonly shard: string;
};

export function expectedOf(model: Model, at: Moment, surroundings: Surroundings): Expected {
  const sheet = createSampleSheet(surroundings.shard);
  const heard = model.options.regions.filter((region) => !model.timeOf(region).isWithdrawn(at.brokerMs));
  const living = [...model.living.values()].filter(({ region }) => heard.includes(region));
  writePopulation(sheet, living, heard);
  writeCumulative(sheet, model);
  writeDetail(sheet, model, living);
  for (const region of model.options.regions) {
    writeRegion(sheet, model, region, surroundings);
    writeEdge(sheet, model, region);
  }
  writeProcess(sheet, model, surroundings);
  return sheet.samples;
}

function writePopulation(sheet: SampleSheet, living: readonly Living[], heard: readonly string[]): void {
  for (const region of heard) {
    const here = living.filter((session) => session.region === region);
    sheet.add('edgepulse_meetings', { region }, new Set(here.map(meetingOf)).size);
    const people = new Set(here.map((session) => `${meetingOf(session)} ${participantOf(session)}`));
    sheet.add('edgepulse_participants', { region }, people.size);
  }
  for (const cell of new Set(living.map((session) => session.cell))) {
    const here = living.filter((session) => session.cell === cell);
    const figures = here.flatMap(figuresOfPeers);
    sheet.add('edgepulse_sessions', cellLabels(cell), here.length);
    sheet.add('edgepulse_peer_connections', cellLabels(cell), figures.length);
    writeLive(sheet, 'rtt', cell, known(here.map(rttOf)));
    for (const measure of PEER_MEASURES) writeLive(sheet, measure, cell, known(figures.map((of) => of[measure])));
  }
}

function writeLive(sheet: SampleSheet, measure: LiveMeasure, cell: string, values: readonly number[]): void {
  if (values.length === 0) return;
  const { family, quantiles, bounds } = LIVE[measure];
  sheet.histogram(family, cellLabels(cell), { bounds, values });
  const sorted = [...values].sort((a, b) => a - b);
  for (const percent of quantilesOf(measure)) {
    // Nearest rank: the smallest value that at least that share does not exceed.
    const rank = Math.ceil((percent * sorted.length) / 100);
    const exact = sorted[rank - 1] as number;
    sheet.add(quantiles, { ...cellLabels(cell), q: `${percent / 100}` }, exact, exact * 0.01);
  }
}

function writeCumulative(sheet: SampleSheet, { ledger }: Model): void {
  for (const [cell, counts] of ledger.cells) {
    sheet.histogram('edgepulse_rtt_seconds', cellLabels(cell), { bounds: LIVE.rtt.bounds, values: counts.rtt });
    for (const name of MEDIA_COUNTERS) sheet.add(`edgepulse_${name}_total`, cellLabels(cell), counts[name]);
  }
}

function writeDetail(sheet: SampleSheet, { series }: Model, living: readonly Living[]): void {
  for (const session of living) {
    const { region, cell, newest } = session;
    const ids = { region, meeting_id: newest.meeting_id, session_id: newest.session_id };
    if (series.isShown(ofMeeting(session))) {
      const here = living.filter((one) => ofMeeting(one) === ofMeeting(session));
      const labels = { region, meeting_id: newest.meeting_id };
      sheet.set('edgepulse_meeting_participants', labels, new Set(here.map(participantOf)).size);
    }
    if (!series.isShown(ofSession(session))) continue;
    sheet.addKnown('edgepulse_session_rtt_seconds', { ...ids, ...cellLabels(cell) }, rttOf(session));
    figuresOfPeers(session).forEach((figures, i) => {
      const peer = newest.peers[i] as (typeof newest.peers)[number];
      for (const { family, operation, value } of detailOf(figures, peer)) {
        const ofOperation = operation === undefined ? {} : { operation };
        sheet.add(family, { ...ids, peer_id: peer.peer_id, ...ofOperation }, value);
      }
    });
  }
}

function writeRegion(
  sheet: SampleSheet,
  { ledger, timeOf, edgeAhead }: Model,
  region: string,
  { reachSeconds, lanes, shard }: Surroundings,
): void {
  const counts = ledger.region(region);
  const time = timeOf(region);
  const add = (name: string, value: number, labels: Labels = {}) =>
    sheet.add(`edgepulse_${name}`, { region, ...labels }, value);
  for (const outcome of ['applied', 'duplicate', 'late', 'invalid'] as const)
    add('beacons_total', counts[outcome], { outcome });
  add('beacons_lost_total', counts.lost);
  add('client_dropped_beacons_total', counts.clientDropped);
  for (const field of FIELDS) add('implausible_total', counts.implausible[field], { field });
  for (const reason of ['left', 'stale'] as const) add('sessions_reaped_total', counts[reason], { reason });
  add('sessions_refused_total', counts.refused);
  add('batches_repeated_total', counts.repeatedBatches);
  add('feed_up', time.isUp ? 1 : 0);
  sheet.addKnown('edgepulse_feed_lag_seconds', { region }, orUnknown(time.lagSeconds));
  sheet.addKnown('edgepulse_clock_skew_seconds', { region, clock: 'host' }, orUnknown(time.hostSkewSeconds));
  // For a Forwarder's clock, one of the observed differences is shown, once enough time has passed.
  sheet.addOneOf('edgepulse_clock_skew_seconds', { region, clock: 'edge' }, edgeAhead(region));
  add('stream_reach_seconds', reachSeconds);
  add('lanes', lanes);
  const [index = 0, shards = 1] = (shard || '0/1').split('/').map(Number);
  add('owned_lanes', Array.from({ length: lanes }, (_, lane) => lane).filter((lane) => lane % shards === index).length);
  sheet.histogram('edgepulse_ingest_delay_seconds', { region }, { bounds: DELAY_BOUNDS, values: counts.delays });
}

function writeEdge(sheet: SampleSheet, { ledger, forwarders }: Model, region: string): void {
  const sums = forwarders.sums(region);
  const beacons = (outcome: string, reason: string, value: number) =>
    sheet.add('edgepulse_edge_beacons_total', { region, outcome, reason }, value);
  const dropped = sums.droppedExpired + sums.droppedFull + sums.droppedUnpublishable;
  beacons('accepted', '', ledger.region(region).accepted + dropped);
  for (const reason of REJECT_REASONS) beacons('rejected', reason, sums.rejected[reason]);
  beacons('spooled', '', sums.spooled);
  beacons('drained', '', sums.drained);
  beacons('dropped', 'expired', sums.droppedExpired);
  beacons('dropped', 'full', sums.droppedFull);
  beacons('dropped', 'unpublishable', sums.droppedUnpublishable);
  const add = (name: string, value: number) => sheet.add(`edgepulse_${name}`, { region }, value);
  add('edge_publish_errors_total', sums.publishErrors);
  add('edge_jwks_errors_total', sums.jwksErrors);
  add('edge_overloaded_calls_total', sums.overloadedCalls);
  add('forwarder_messages_invalid_total', sums.invalidMessages);
  add('forwarders', forwarders.awake(region));
  add('forwarders_on_fallback', 0);
  add('topology_mismatch', forwarders.hasMismatch(region) ? 1 : 0);
  add('edge_spool_beacons', forwarders.inSpool(region));
  const of = { bounds: PUBLISH_SECONDS_BUCKETS, counts: sums.publishes, sum: sums.publishSeconds };
  sheet.buckets('edgepulse_edge_publish_seconds', { region }, of);
}

function writeProcess(sheet: SampleSheet, { series, options }: Model, { version, seriesBound }: Surroundings): void {
  sheet.add('edgepulse_session_series', {}, series.used);
  sheet.add('edgepulse_session_series_limit', {}, options.maxSessionSeries);
  sheet.add('edgepulse_session_series_dropped_total', {}, series.dropped);
  sheet.add('edgepulse_series_bound', {}, seriesBound);
  sheet.add('edgepulse_build_info', { version }, 1);
  for (const reason of ['unknown_region', 'unknown_service_type', 'unknown_lane', 'malformed'])
    sheet.add('edgepulse_unowned_subjects', { reason }, 0);
}

function cellLabels(cell: string): Labels {
  const [region, server_url, server_type] = JSON.parse(cell) as [string, string, string];
  return { region, server_url, server_type };
}

function known(values: readonly (number | undefined)[]): number[] {
  return values.filter((value) => value !== undefined);
}

function orUnknown(value: number): number | undefined {
  return Number.isNaN(value) ? undefined : value;
}

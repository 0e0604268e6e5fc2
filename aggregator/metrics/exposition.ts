/**
 * The table of families as text, in slices: a generator whose every step does a bounded piece of
 * work, so that a scrape of a million series and the ingest take turns.
 *
 * What begins during a scrape is left to the next one, and a record that moves stays the same
 * record, so no series is written twice in one scrape.
 */
import { NETEQ_OPERATIONS } from '../../shared/beacon.ts';
import { lanesOf, type Shard } from '../../shared/subjects.ts';
import type { FeedErrorCounts } from '../feed/feed-errors.ts';
import type { StreamReading } from '../feed/stream/stream-watch.ts';
import type { Distribution, Summary } from '../live/distribution.ts';
import type { HistogramReading } from '../live/histogram.ts';
import { MEASURES, quantilesOf } from '../live/measures.ts';
import type { Cell } from '../live/population.ts';
import type { ImpairmentReading } from '../store/impaired.ts';
import type { Sessions } from '../store/sessions.ts';
import { FAMILIES } from './families.ts';
import { type CollectGroup, type Family, GROUPS, groupsOf } from './family.ts';
import { createSeriesLabels, type SeriesLabels } from './series-labels.ts';
import {
  type DetailScope,
  eachAttendance,
  eachSession,
  hasDetail,
  heardRegions,
  livingCells,
  type PeerFigure,
  type ProcessReading,
  type RegionReading,
  readRegion,
} from './store-reader.ts';
import {
  type Buckets,
  closeSample,
  escapeLabelValue,
  headerText,
  histogramText,
  joinLabels,
  type LabelText,
  type LabelValue,
  labelText,
  sampleOpener,
  sampleText,
} from './text-format.ts';

export type Collect = ReadonlySet<CollectGroup>;

export type ExposeOptions = {
  readonly nowMs: number;
  readonly collect: Collect;
  /** OpenMetrics 1.0 rather than text 0.0.4. */
  readonly openMetrics: boolean;
  /** About how many lines one step writes. */
  readonly linesAtOnce?: number;
  /** Called with each live distribution, before its text is written. */
  readonly onDistribution?: (name: string, labels: LabelText, distribution: Distribution) => void;
};

export type Exposition = {
  /** Every edgepulse family of the groups, without OpenMetrics' `# EOF`. */
  text(options: ExposeOptions): Generator<string, void, void>;
};

export type ExpositionOptions = {
  readonly sessions: Sessions;
  /** What is known of the streams now. @param region of its own alone */
  readonly stream: (region?: string) => StreamReading;
  /** Without, the process has no feed. */
  readonly feedErrors?: () => FeedErrorCounts;
  /** Written on every series when there is more than one. */
  readonly shard: Shard;
  /** Of each region. */
  readonly lanes: number;
  readonly version: string;
  /** Most series that the process can ever expose, by series-bound.ts. */
  readonly seriesBound: number;
};

/** Well under a millisecond of work. */
const LINES_AT_ONCE = 500;

/** By measure: the quantiles that are shown of it, and their labels. */
const SHOWN_QUANTILES = MEASURES.map(quantilesOf);
const QUANTILE_LABELS = SHOWN_QUANTILES.map((quantiles) => quantiles.map((q) => labelText({ q: `${q}` })));

const OPERATIONS = NETEQ_OPERATIONS.map(escapeLabelValue);

/** One running scrape: what it reads, and the labels that it writes. */
type ScrapeRun = DetailScope & {
  readonly collect: Collect;
  readonly options: ExpositionOptions;
  readonly labels: SeriesLabels;
  readonly living: readonly Cell[];
  /** Of the measure being written: its buckets and its quantiles come from one reading. */
  readonly summaries: Map<Cell, Summary>;
  readonly onDistribution: ExposeOptions['onDistribution'];
  /** Read for the first family that needs it. */
  impairment?: ImpairmentReading;
};

export function createExposition(options: ExpositionOptions): Exposition {
  const { sessions } = options;
  const labels = createSeriesLabels(options.shard);
  return {
    *text({ nowMs, collect, openMetrics, linesAtOnce = LINES_AT_ONCE, onDistribution }) {
      labels.forgetRows(sessions.peers.rows);
      const heard = heardRegions(sessions, nowMs);
      const before = sessions.nextBorn();
      const living = livingCells(sessions, heard);
      const scope: DetailScope = { sessions, heard, before, linesAtOnce };
      const scrape: ScrapeRun = { ...scope, collect, options, labels, living, summaries: new Map(), onDistribution };
      for (const family of FAMILIES) {
        if (!groupsOf(family).some((group) => collect.has(group))) continue;
        yield headerText(family, openMetrics);
        yield* samplesOf(family, scrape);
      }
    },
  };
}

function samplesOf(family: Family, scrape: ScrapeRun): Iterable<string> {
  const { sessions, labels } = scrape;
  const { name } = family;
  switch (family.of) {
    case 'heard region':
      return each(readings(scrape, scrape.heard), (reading) =>
        sampleText(name, labels.region(reading.region), family.value(reading)),
      );
    case 'heard region set':
      return each(readings(scrape, scrape.heard), (reading) =>
        family.series
          .map((series) => known(name, labels.regionSeries(reading.region, series), series.value(reading)))
          .join(''),
      );
    case 'region':
      return each(readings(scrape, sessions.regions), (reading) =>
        family.series
          .map((series) => known(name, labels.regionSeries(reading.region, series), series.value(reading)))
          .join(''),
      );
    case 'region source':
      return each(readings(scrape, sessions.regions), ({ region, feed }) =>
        (feed.sources ?? [])
          .map((source) => sampleText(name, labels.regionSource(region, source), family.value(source)))
          .join(''),
      );
    case 'region histogram':
      return each(readings(scrape, sessions.regions), (reading) =>
        histogramText(name, labels.region(reading.region), bucketsOf(family.histogram(reading))),
      );
    case 'region histogram set':
      return each(readings(scrape, sessions.regions), (reading) =>
        family.series
          .map((series) => observed(name, labels.regionSeries(reading.region, series), series.histogram(reading)))
          .join(''),
      );
    case 'process set':
      return each(family.set, (series) => known(name, labels.process(series.labels), series.value(ofProcess(scrape))));
    case 'process': {
      const reading = ofProcess(scrape);
      return [sampleText(name, labels.process(family.extraLabels?.(reading) ?? {}), family.value(reading))];
    }
    case 'session':
    case 'peer':
    case 'peer operation':
    case 'meeting':
      return detailSamples(family, scrape);
    default:
      return cellSamples(family, scrape);
  }
}

type ImpairmentFamily = Extract<Family, { readonly of: 'impairment' }>;
type DetailFamily = Extract<Family, { readonly of: 'session' | 'peer' | 'peer operation' | 'meeting' }>;
type OperationFamily = Extract<Family, { readonly of: 'peer operation' }>;
type CellFamily = Extract<
  Family,
  { readonly of: 'living cell' | 'impairment' | 'cell' | 'cell histogram' | 'live distribution' | 'live quantiles' }
>;

function cellSamples(family: CellFamily, scrape: ScrapeRun): Iterable<string> {
  const { labels, living } = scrape;
  const { name } = family;
  const everyCell = scrape.sessions.cells();
  switch (family.of) {
    case 'living cell':
      return each(living, (cell) => sampleText(name, labels.cell(cell), family.value(cell)));
    case 'impairment':
      return impairmentSamples(family, scrape);
    case 'cell':
      return each(everyCell, (cell) => sampleText(name, labels.cell(cell), family.value(cell)));
    case 'cell histogram':
      return each(everyCell, (cell) => histogramText(name, labels.cell(cell), bucketsOf(family.histogram(cell))));
    case 'live distribution':
      return liveBuckets(name, family.measure, scrape);
    case 'live quantiles':
      return liveQuantiles(name, family.measure, scrape);
  }
}

function detailSamples(family: DetailFamily, scrape: ScrapeRun): Iterable<string> {
  const { labels } = scrape;
  const { name } = family;
  switch (family.of) {
    case 'session':
      return eachSession(scrape, (session) => known(name, labels.sessionWithServer(session), family.value(session)));
    case 'peer':
      return peerFigures(name, family.value, scrape);
    case 'peer operation':
      return peerOperations(family, scrape);
    case 'meeting':
      return eachAttendance(scrape, (presence) =>
        sampleText(name, labels.attendance(presence), family.value(presence)),
      );
  }
}

function peerFigures(name: string, figureOf: PeerFigure, { labels, ...scope }: ScrapeRun): Iterable<string> {
  const { peers } = scope.sessions;
  const open = sampleOpener(name, 'peer_id');
  return eachSession(scope, (session) => {
    const sample = open(labels.session(session));
    let lines = '';
    for (const row of session.peers) {
      const value = figureOf(peers, row);
      if (!Number.isNaN(value)) lines += closeSample(sample, labels.peerId(row, peers.id(row)), value);
    }
    return lines;
  });
}

function peerOperations({ name, ...family }: OperationFamily, { labels, ...scope }: ScrapeRun): Iterable<string> {
  const { peers } = scope.sessions;
  const operations = GROUPS.flatMap((group) => (scope.collect.has(group) ? (family.operations[group] ?? []) : []));
  const open = sampleOpener(name, 'peer_id', 'operation');
  return eachSession(scope, (session) => {
    const ofSession = labels.session(session);
    let lines = '';
    for (const row of session.peers) {
      // Only peers with a series within the limit are written, so that the limit bounds the other operations too.
      if (!hasDetail(peers, row)) continue;
      const sample = open(ofSession, labels.peerId(row, peers.id(row)));
      for (const operation of operations) {
        const rate = peers.operation(row, operation);
        if (!Number.isNaN(rate)) lines += closeSample(sample, OPERATIONS[operation] as LabelValue, rate);
      }
    }
    return lines;
  });
}

function* impairmentSamples({ name, series }: ImpairmentFamily, scrape: ScrapeRun): Generator<string> {
  const { sessions, labels, living } = scrape;
  if (!scrape.impairment) {
    const reading = sessions.readImpairment();
    let step = reading.next();
    for (; !step.done; step = reading.next()) yield '';
    scrape.impairment = step.value;
  }
  const { impairment } = scrape;
  yield* each(living, (cell) =>
    series
      .map((one) =>
        sampleText(name, joinLabels(labels.cell(cell), labelText(one.labels)), one.value(impairment.of(cell))),
      )
      .join(''),
  );
}

function* liveBuckets(name: string, measure: number, scrape: ScrapeRun): Generator<string> {
  const { living, labels, summaries } = scrape;
  summaries.clear();
  for (const cell of living) {
    const distribution = cell.live[measure];
    if (!distribution || distribution.count === 0) continue;
    const summary = distribution.summarize(SHOWN_QUANTILES[measure] as readonly number[]);
    summaries.set(cell, summary);
    scrape.onDistribution?.(name, labels.cell(cell), distribution);
    yield histogramText(name, labels.cell(cell), summary);
  }
}

/** Of the measure whose buckets were written just before. */
function liveQuantiles(name: string, measure: number, { labels, summaries }: ScrapeRun): Iterable<string> {
  const quantileLabels = QUANTILE_LABELS[measure] as readonly LabelText[];
  return each(summaries, ([cell, { quantiles }]) => {
    const ofCell = labels.cell(cell);
    return quantiles
      .map((value, i) => sampleText(name, joinLabels(ofCell, quantileLabels[i] as LabelText), value))
      .join('');
  });
}

/** Nothing when the value is not known. */
function known(name: string, labels: LabelText, value: number): string {
  return Number.isNaN(value) ? '' : sampleText(name, labels, value);
}

/** Nothing while nothing was observed. */
function observed(name: string, labels: LabelText, histogram: HistogramReading): string {
  const buckets = bucketsOf(histogram);
  return buckets.count === 0 ? '' : histogramText(name, labels, buckets);
}

function ofProcess({ sessions, options: { version, seriesBound, stream, feedErrors } }: ScrapeRun): ProcessReading {
  return {
    budget: sessions.budget,
    ended: sessions.ended,
    version,
    seriesBound,
    stream: stream(),
    feedErrors: feedErrors?.(),
  };
}

function* each<T>(items: Iterable<T>, write: (item: T) => string): Generator<string> {
  for (const item of items) yield write(item);
}

function* readings({ sessions, options }: ScrapeRun, regions: Iterable<string>): Generator<RegionReading> {
  const lanes = { all: options.lanes, owned: lanesOf(options.shard, options.lanes).length };
  for (const region of regions) yield { ...readRegion(sessions, region), stream: options.stream(region), lanes };
}

function bucketsOf({ bounds, counts, sum }: HistogramReading): Buckets {
  let count = 0;
  const cumulative = bounds.map((_, i) => {
    count += counts[i] as number;
    return count;
  });
  count += counts[bounds.length] as number;
  return { bounds, cumulative, count, sum };
}

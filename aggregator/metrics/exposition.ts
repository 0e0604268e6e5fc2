/**
 * The store as exposition text, in slices: a generator whose every step does a bounded piece of
 * work, so that a scrape of a million series and the ingest take turns. Labels are ids and closed
 * sets, so that nothing here needs escaping (shared/beacon.ts and shared/servers.ts see to that).
 *
 * What begins while a scrape is under way is left to the next one; a record that moves is the
 * same record: so no series can stand twice in one scrape.
 */
import { NETEQ_OPERATIONS } from '../../shared/beacon.ts';
import type { Histogram } from '../live/histogram.ts';
import { MEASURE, QUANTILES, SAMPLE_COUNTS } from '../live/measures.ts';
import type { Cell } from '../live/population.ts';
import type { Presence } from '../store/roster.ts';
import type { Session } from '../store/session.ts';
import type { Sessions } from '../store/sessions.ts';
import {
  CUMULATIVE,
  DETAIL,
  type Family,
  INGEST_DELAY,
  LIVE,
  type LiveFamilies,
  POPULATION,
  PUBLISH_SECONDS,
} from './families.ts';

export type Collect = ReadonlySet<'population' | 'sessions' | 'process'>;

export type ExposeOptions = {
  readonly nowMs: number;
  readonly collect: Collect;
  readonly openMetrics: boolean;
  /** About how many lines one step writes. */
  readonly linesAtOnce?: number;
};

/** Well under a millisecond of work. */
const LINES_AT_ONCE = 500;

/** The families of the store. What prom-client writes, and OpenMetrics' `# EOF`, are the caller's to add. */
export function* expose(sessions: Sessions, options: ExposeOptions): Generator<string, void, void> {
  const { nowMs, collect, openMetrics, linesAtOnce = LINES_AT_ONCE } = options;
  const heard = new Set(sessions.regions.filter((region) => !sessions.isWithdrawn(region, nowMs)));
  const head = (family: Family): string => header(family, openMetrics);
  if (collect.has('population')) yield* exposePopulation(sessions, heard, head);
  if (collect.has('process')) {
    yield* exposeHistograms(sessions, INGEST_DELAY, head, (region) => sessions.totals(region).ingestDelay);
    yield* exposeHistograms(sessions, PUBLISH_SECONDS, head, (region) => sessions.totals(region).edge.publishSeconds);
  }
  if (collect.has('sessions')) {
    yield* exposeDetail({ sessions, heard, linesAtOnce, before: sessions.nextBorn() }, head);
  }
}

type Head = (family: Family) => string;

function header({ name, type, unit, help }: Family, openMetrics: boolean): string {
  // OpenMetrics names a counter's family without the suffix of its sample.
  const family = openMetrics && type === 'counter' ? name.replace(/_total$/, '') : name;
  const unitLine = openMetrics && unit !== '' && family.endsWith(`_${unit}`) ? `# UNIT ${family} ${unit}\n` : '';
  return `# HELP ${family} ${help}\n# TYPE ${family} ${type}\n${unitLine}`;
}

function* exposePopulation(sessions: Sessions, heard: ReadonlySet<string>, head: Head): Generator<string, void, void> {
  const cells = [...sessions.cells()];
  const living = cells.filter((cell) => cell.sessions > 0 && heard.has(cell.region));
  const counts: [Family, (cell: Cell) => number][] = [
    [POPULATION.sessions, (cell) => cell.sessions],
    [POPULATION.peerConnections, (cell) => cell.peers],
  ];
  for (const [family, value] of counts) {
    yield head(family) + living.map((cell) => `${family.name}{${cell.labels}} ${value(cell)}\n`).join('');
  }
  const regions = sessions.regions.filter((region) => heard.has(region));
  for (const [family, count] of [
    [POPULATION.meetings, 'meetings'],
    [POPULATION.participants, 'participants'],
  ] as const) {
    const lines = regions.map((region) => `${family.name}{region="${region}"} ${sessions.headcount(region)[count]}\n`);
    yield head(family) + lines.join('');
  }
  for (let m = 0; m < LIVE.length; m++) yield* exposeMeasure(LIVE[m] as LiveFamilies, m, living, head);
  yield* exposeCumulative(cells, head);
}

/** The histogram and then the quantiles of one measure: a family's samples stand together, so one pass keeps the latter. */
function* exposeMeasure(
  { histogram, quantile }: LiveFamilies,
  measure: number,
  living: readonly Cell[],
  head: Head,
): Generator<string, void, void> {
  let quantiles = head(quantile);
  yield head(histogram);
  for (const { live, labels } of living) {
    const distribution = live[measure];
    if (!distribution || distribution.count === 0) continue;
    const { bounds, cumulative, count, sum, quantiles: values } = distribution.summarize(QUANTILES);
    yield histogramLines(histogram.name, labels, { bounds, cumulative, count, sum });
    for (let i = 0; i < values.length; i++) {
      quantiles += `${quantile.name}{${labels},quantile="${QUANTILES[i]}"} ${values[i]}\n`;
    }
  }
  yield quantiles;
}

function* exposeCumulative(cells: readonly Cell[], head: Head): Generator<string, void, void> {
  yield head(CUMULATIVE.rtt);
  for (const { cumulative, labels } of cells) yield cumulativeLines(CUMULATIVE.rtt.name, labels, cumulative.rtt);
  for (const family of SAMPLE_COUNTS) {
    const { name } = CUMULATIVE[family];
    yield head(CUMULATIVE[family]) +
      cells.map((cell) => `${name}{${cell.labels}} ${cell.cumulative[family]}\n`).join('');
  }
}

function* exposeHistograms(
  { regions }: Sessions,
  family: Family,
  head: Head,
  histogramOf: (region: string) => Histogram,
): Generator<string, void, void> {
  yield head(family);
  for (const region of regions) yield cumulativeLines(family.name, `region="${region}"`, histogramOf(region));
}

function cumulativeLines(name: string, labels: string, { bounds, counts, sum }: Histogram): string {
  let count = 0;
  const cumulative = bounds.map((_, i) => {
    count += counts[i] as number;
    return count;
  });
  count += counts[bounds.length] as number;
  return histogramLines(name, labels, { bounds, cumulative, count, sum });
}

function histogramLines(
  name: string,
  labels: string,
  {
    bounds,
    cumulative,
    count,
    sum,
  }: { bounds: readonly number[]; cumulative: readonly number[]; count: number; sum: number },
): string {
  let lines = '';
  for (let i = 0; i < bounds.length; i++) lines += `${name}_bucket{${labels},le="${bounds[i]}"} ${cumulative[i]}\n`;
  return `${lines}${name}_bucket{${labels},le="+Inf"} ${count}\n${name}_sum{${labels}} ${sum}\n${name}_count{${labels}} ${count}\n`;
}

function* exposeDetail(among: Among, head: Head): Generator<string, void, void> {
  const { sessions } = among;
  yield head(DETAIL.sessionRtt);
  yield* eachSession(among, ({ series, rtt, cell }, labels) => {
    if (series < 1) return '';
    const { name } = DETAIL.sessionRtt;
    return `${name}{${labels},server_url="${cell.serverUrl}",server_type="${cell.serverType}"} ${rtt}\n`;
  });
  for (const [family, measure] of [
    [DETAIL.peerBuffer, MEASURE.neteq_buffer],
    [DETAIL.peerConcealment, MEASURE.concealment],
  ] as const) {
    yield head(family);
    yield* eachSession(among, (session, labels) =>
      valueLines(sessions, session, `${family.name}{${labels},peer_id="`, measure),
    );
  }
  yield head(DETAIL.peerOperations);
  yield* eachSession(among, (session, labels) => operationLines(sessions, session, labels));
  yield head(DETAIL.meetingParticipants);
  yield* eachPresence(among, ({ region, meeting, participants }) => {
    const labels = `region="${region}",meeting_id="${meeting.id}"`;
    return `${DETAIL.meetingParticipants.name}{${labels}} ${participants.size}\n`;
  });
}

/** What a scrape of details goes through: sessions of the regions heard, of those that began before it. */
type Among = { sessions: Sessions; heard: ReadonlySet<string>; linesAtOnce: number; before: number };

/** Writes what `lines` says of each session that lived when the scrape began. */
function* eachSession(
  { sessions, heard, linesAtOnce, before }: Among,
  lines: (session: Session, labels: string) => string,
): Generator<string, void, void> {
  let text = '';
  let steps = 0;
  for (const meeting of sessions.meetings()) {
    for (const session of meeting.sessions.values()) {
      if (session.born >= before || !heard.has(session.presence.region)) continue;
      session.labels ||= `region="${session.presence.region}",meeting_id="${meeting.id}",session_id="${session.id}"`;
      text += lines(session, session.labels);
      steps += 1 + session.peers.length;
      if (steps < linesAtOnce) continue;
      yield text;
      text = '';
      steps = 0;
    }
  }
  if (text !== '') yield text;
}

function* eachPresence(
  { sessions, heard, linesAtOnce, before }: Among,
  line: (presence: Presence<Session>) => string,
): Generator<string, void, void> {
  let text = '';
  let steps = 0;
  for (const { presences } of sessions.meetings()) {
    for (const presence of presences) {
      if (presence.series < 1 || presence.born >= before || !heard.has(presence.region)) continue;
      text += line(presence);
      if (++steps < linesAtOnce) continue;
      yield text;
      text = '';
      steps = 0;
    }
  }
  if (text !== '') yield text;
}

function valueLines({ peers }: Sessions, session: Session, prefix: string, measure: number): string {
  let lines = '';
  for (const row of session.peers) {
    if (!peers.isShown(row)) continue;
    const value = peers.value(row, measure);
    if (!Number.isNaN(value)) lines += `${prefix}${peers.id(row)}"} ${value}\n`;
  }
  return lines;
}

function operationLines({ peers }: Sessions, session: Session, labels: string): string {
  const { name } = DETAIL.peerOperations;
  let lines = '';
  for (const row of session.peers) {
    if (!peers.isShown(row)) continue;
    for (let o = 0; o < NETEQ_OPERATIONS.length; o++) {
      const rate = peers.operation(row, o);
      if (Number.isNaN(rate)) continue;
      lines += `${name}{${labels},peer_id="${peers.id(row)}",operation="${NETEQ_OPERATIONS[o]}"} ${rate}\n`;
    }
  }
  return lines;
}

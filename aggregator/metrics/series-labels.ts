/**
 * The labels of every kind of series, escaped and kept as text, so that a scrape only puts them in
 * place. Where a region has several shards, the process's own is on each of them: otherwise
 * `max without (instance, pod)`, which takes replicas together, would take shards together too.
 */
import type { Shard } from '../../shared/subjects.ts';
import type { Cell } from '../live/population.ts';
import type { SourceReading } from '../store/feeds.ts';
import type { Session } from '../store/session.ts';
import type { Labels } from './family.ts';
import type { Attendance } from './store-reader.ts';
import { escapeLabelValue, joinLabels, type LabelText, type LabelValue, labelText } from './text-format.ts';

/** One of the series, or histograms, of a closed set. */
type Labelled = { readonly labels: Labels };

export type SeriesLabels = {
  /** Of a series that the process has one of. */
  process(extra: Labels): LabelText;
  region(region: string): LabelText;
  /** Of one series of a closed set that each region has. */
  regionSeries(region: string, series: Labelled): LabelText;
  /** Of one of the streams that the region is read from. */
  regionSource(region: string, source: Pick<SourceReading, 'name' | 'isHome'>): LabelText;
  cell(cell: Cell): LabelText;
  session(session: Session): LabelText;
  /** Of a session, with the server of its cell. */
  sessionWithServer(session: Session): LabelText;
  attendance(presence: Attendance): LabelText;
  /** The value of `peer_id` for a row of the peer table. */
  peerId(row: number, id: string): LabelValue;
  /** Forgets rows from there on: the peer table is smaller now. */
  forgetRows(from: number): void;
};

export function createSeriesLabels(shard: Shard): SeriesLabels {
  const ofShard = labelText(shard.count > 1 ? { shard: `${shard.index}/${shard.count}` } : {});
  const ofServer = keep(({ serverUrl, serverType }: Cell) =>
    labelText({ server_url: serverUrl, server_type: serverType }),
  );
  const ofCell = keep((cell: Cell) => joinLabels(labelText({ region: cell.region }), ofServer(cell), ofShard));
  const ofSeries = keep((_: Labelled) => new Map<string, LabelText>());

  /** By row of the peer table: an id that was looked at before and needs no escaping. */
  const plainIds: string[] = [];

  function ownLabels(session: Session): LabelText {
    const { id, presence } = session;
    session.labels ||= labelText({ region: presence.region, meeting_id: presence.meeting.id, session_id: id });
    return session.labels as LabelText;
  }

  return {
    process: (extra) => joinLabels(labelText(extra), ofShard),
    region: (region) => joinLabels(labelText({ region }), ofShard),
    regionSeries(region, series) {
      const byRegion = ofSeries(series);
      let text = byRegion.get(region);
      if (text === undefined) {
        text = joinLabels(labelText({ region, ...series.labels }), ofShard);
        byRegion.set(region, text);
      }
      return text;
    },
    regionSource: (region, { name, isHome }) =>
      joinLabels(labelText({ region, source: name, role: isHome ? 'home' : 'fallback' }), ofShard),
    cell: ofCell,
    session: (session) => (ofShard === '' ? ownLabels(session) : (`${ownLabels(session)},${ofShard}` as LabelText)),
    sessionWithServer(session) {
      const labels = `${ownLabels(session)},${ofServer(session.cell)}`;
      return (ofShard === '' ? labels : `${labels},${ofShard}`) as LabelText;
    },
    peerId(row, id) {
      // A million times a scrape, and an id hardly ever changes: comparing it is much cheaper than looking through it.
      if (plainIds[row] === id) return id as LabelValue;
      const value = escapeLabelValue(id);
      if (value === id) plainIds[row] = id;
      return value;
    },
    forgetRows(from) {
      if (plainIds.length > from) plainIds.length = from;
    },
    attendance: ({ region, meeting }) => joinLabels(labelText({ region, meeting_id: meeting.id }), ofShard),
  };
}

/** Computes once for each key, for as long as the key lives. */
function keep<Key extends object, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const kept = new WeakMap<Key, Value>();
  return (key) => {
    let value = kept.get(key);
    if (value === undefined) {
      value = compute(key);
      kept.set(key, value);
    }
    return value;
  };
}

/**
 * Prometheus' protobuf format, from the text that exposition.ts and prom-client write: so the two formats can't tell
 * different figures. Each piece of text becomes messages of its own, a family that needs several pieces has several
 * messages, and nothing is kept but the header of the family that is being written. Prometheus reads that; the length of
 * a whole family would be known only at its end.
 * https://github.com/prometheus/client_model/blob/master/io/prometheus/client/metrics.proto
 */
import { PbfWriter } from 'pbf';
import type { Exponential } from '../../live/distribution.ts';
import { EXPONENTIAL_SCHEMA } from '../../live/scale.ts';
import { type LabelPair, parseComment, parseLabels, parseNumber } from './parse-text.ts';

export type ProtobufEncoder = {
  /** @param text whole lines in format 0.0.4; the lines of a histogram's series stand together */
  encode(text: string): Uint8Array;
  /** A native gauge histogram, in a message of its own. */
  encodeNative(native: NativeHistogram): Uint8Array;
};

export type NativeHistogram = {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly LabelPair[];
  readonly buckets: Exponential;
};

export const PROTOBUF_CONTENT_TYPE =
  'application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited';

/** MetricType, and the field of Metric that has its value. */
const TYPES = {
  counter: { type: 0, field: 3 },
  gauge: { type: 1, field: 2 },
  untyped: { type: 3, field: 5 },
  histogram: { type: 4, field: 7 },
} as const;
const GAUGE_HISTOGRAM = 5;

/** As Prometheus' own clients have it, so that histograms of several of them can be added. */
const ZERO_THRESHOLD = 2 ** -128;

const FAMILY = { name: 1, help: 2, type: 3, metric: 4 } as const;
const LABEL_FIELD = 1;

type Kind = keyof typeof TYPES;
type Header = { readonly name: string; help: string; kind: Kind };
type Classic = {
  readonly labels: readonly LabelPair[];
  count: number;
  sum: number;
  readonly bounds: [number, number][];
};

/** @param isGaugeHistogram families whose buckets, sum and count are gauges each: nothing else may be done with them */
export function createProtobufEncoder(isGaugeHistogram: (name: string) => boolean): ProtobufEncoder {
  let header: Header = { name: '', help: '', kind: 'untyped' };
  return {
    encode(text) {
      const out = createFamilies();
      let start = 0;
      for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
        const line = text.slice(start, end);
        start = end + 1;
        if (line.startsWith('#')) header = readComment(header, line);
        else if (line !== '') encodeSample(line, { header, out, isGauges: isGaugeHistogram(header.name) });
      }
      return out.finish();
    },
    encodeNative({ name, help, labels, buckets }) {
      const writer = new PbfWriter();
      writeHeader(writer, { name, help, type: GAUGE_HISTOGRAM });
      writer.writeMessage(FAMILY.metric, writeNativeMetric, { labels, buckets });
      return delimited(writer);
    },
  };
}

function readComment(header: Header, line: string): Header {
  const { kind, name, text } = parseComment(line);
  if (kind === 'HELP') return { name, help: text, kind: 'untyped' };
  if (kind !== 'TYPE') return header;
  const of = header.name === name ? header : { name, help: '' };
  return { ...of, kind: text in TYPES ? (text as Kind) : 'untyped' };
}

type Families = {
  /** The message of a family in this piece of text, with its header. */
  family(name: string, header: Header, kind: Kind): PbfWriter;
  /** The series of a histogram that its lines are collected in. */
  classic(header: Header, labelText: string): Classic;
  finish(): Uint8Array;
};

function createFamilies(): Families {
  const writers = new Map<string, PbfWriter>();
  const classics = new Map<string, { readonly header: Header; readonly series: Map<string, Classic> }>();
  const family: Families['family'] = (name, { help }, kind) => {
    const known = writers.get(name);
    if (known) return known;
    const writer = new PbfWriter();
    writeHeader(writer, { name, help, type: TYPES[kind].type });
    writers.set(name, writer);
    return writer;
  };
  return {
    family,
    classic(header, labelText) {
      const { series } = classics.get(header.name) ?? { series: new Map<string, Classic>() };
      classics.set(header.name, { header, series });
      const known = series.get(labelText);
      if (known) return known;
      const created: Classic = { labels: parseLabels(labelText), count: 0, sum: 0, bounds: [] };
      series.set(labelText, created);
      return created;
    },
    finish() {
      for (const { header, series } of classics.values()) {
        const writer = family(header.name, header, 'histogram');
        for (const one of series.values()) writer.writeMessage(FAMILY.metric, writeClassicMetric, one);
      }
      const out = new PbfWriter();
      for (const writer of writers.values()) out.writeBytes(writer.finish());
      return out.finish();
    },
  };
}

type Place = { readonly header: Header; readonly out: Families; readonly isGauges: boolean };

const LE = /(?:^|,)le="([^"]*)"/;

function encodeSample(line: string, { header, out, isGauges }: Place): void {
  const space = line.lastIndexOf(' ');
  const brace = line.indexOf('{');
  const hasLabels = brace !== -1 && brace < space;
  const name = line.slice(0, hasLabels ? brace : space);
  const labelText = hasLabels ? line.slice(brace + 1, line.lastIndexOf('}', space)) : '';
  const value = parseNumber(line.slice(space + 1));
  if (header.kind === 'histogram' && !isGauges) {
    const [, le] = name.endsWith('_bucket') ? (LE.exec(labelText) ?? []) : [];
    const withoutLe = le === undefined ? labelText : labelText.replace(LE, '').replace(/^,/, '');
    const series = out.classic(header, withoutLe);
    if (le !== undefined) series.bounds.push([parseNumber(le), value]);
    else if (name.endsWith('_sum')) series.sum = value;
    else series.count = value;
    return;
  }
  const kind = isGauges ? 'gauge' : header.kind;
  const metric = { labels: parseLabels(labelText), value, field: TYPES[kind].field };
  out.family(name, header, kind).writeMessage(FAMILY.metric, writeSimpleMetric, metric);
}

function delimited(message: PbfWriter): Uint8Array {
  const out = new PbfWriter();
  out.writeBytes(message.finish());
  return out.finish();
}

type HeaderFields = { readonly name: string; readonly help: string; readonly type: number };

function writeHeader(writer: PbfWriter, { name, help, type }: HeaderFields): void {
  writer.writeStringField(FAMILY.name, name);
  writer.writeStringField(FAMILY.help, help);
  writer.writeVarintField(FAMILY.type, type);
}

function writeLabels(labels: readonly LabelPair[], writer: PbfWriter): void {
  for (const label of labels) writer.writeMessage(LABEL_FIELD, writeLabel, label);
}

function writeLabel({ name, value }: LabelPair, writer: PbfWriter): void {
  writer.writeStringField(1, name);
  writer.writeStringField(2, value);
}

type Simple = { readonly labels: readonly LabelPair[]; readonly value: number; readonly field: number };

function writeSimpleMetric({ labels, value, field }: Simple, writer: PbfWriter): void {
  writeLabels(labels, writer);
  writer.writeMessage(field, writeValue, value);
}

function writeValue(value: number, writer: PbfWriter): void {
  writer.writeDoubleField(1, value);
}

function writeClassicMetric(series: Classic, writer: PbfWriter): void {
  writeLabels(series.labels, writer);
  writer.writeMessage(TYPES.histogram.field, writeClassic, series);
}

function writeClassic({ count, sum, bounds }: Classic, writer: PbfWriter): void {
  writer.writeVarintField(1, count);
  writer.writeDoubleField(2, sum);
  for (const bound of bounds) writer.writeMessage(3, writeBucket, bound);
}

function writeBucket([bound, cumulative]: readonly [number, number], writer: PbfWriter): void {
  writer.writeVarintField(1, cumulative);
  writer.writeDoubleField(2, bound);
}

type NativeMetric = Pick<NativeHistogram, 'labels' | 'buckets'>;

function writeNativeMetric({ labels, buckets }: NativeMetric, writer: PbfWriter): void {
  writeLabels(labels, writer);
  writer.writeMessage(TYPES.histogram.field, writeNative, buckets);
}

function writeNative({ count, sum, zeros, indices, counts }: Exponential, writer: PbfWriter): void {
  writer.writeVarintField(1, count);
  writer.writeDoubleField(2, sum);
  writer.writeSVarintField(5, EXPONENTIAL_SCHEMA);
  writer.writeDoubleField(6, ZERO_THRESHOLD);
  writer.writeVarintField(7, zeros);
  for (const span of spansOf(indices)) writer.writeMessage(12, writeSpan, span);
  writer.writePackedSVarint(
    13,
    counts.map((inBucket, i) => inBucket - (counts[i - 1] ?? 0)),
  );
}

type Span = { readonly offset: number; length: number };

/** Runs of adjacent buckets: the first from bucket 0, each other from the end of the one before it. */
function spansOf(indices: readonly number[]): Span[] {
  const spans: Span[] = [];
  let next: number | undefined;
  for (const index of indices) {
    const last = spans.at(-1);
    if (last && index === next) last.length++;
    else spans.push({ offset: index - (next ?? 0), length: 1 });
    next = index + 1;
  }
  return spans;
}

function writeSpan({ offset, length }: Span, writer: PbfWriter): void {
  writer.writeSVarintField(1, offset);
  writer.writeVarintField(2, length);
}

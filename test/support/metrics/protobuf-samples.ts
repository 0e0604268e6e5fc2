/** Reads Prometheus' protobuf format by its definition, with a library that the writer does not use. */
import protobuf from 'protobufjs';
import type { Sample } from './exposition-text.ts';

/** The part of io/prometheus/client/metrics.proto that is written: https://github.com/prometheus/client_model */
const DEFINITION = `
syntax = "proto2";
message LabelPair { optional string name = 1; optional string value = 2; }
message Value { optional double value = 1; }
message Bucket { optional uint64 cumulative_count = 1; optional double upper_bound = 2; }
message BucketSpan { optional sint32 offset = 1; optional uint32 length = 2; }
message Histogram {
  optional uint64 sample_count = 1; optional double sample_sum = 2; repeated Bucket bucket = 3;
  optional sint32 schema = 5; optional double zero_threshold = 6; optional uint64 zero_count = 7;
  repeated BucketSpan positive_span = 12; repeated sint64 positive_delta = 13 [packed = true];
}
message Metric {
  repeated LabelPair label = 1; optional Value gauge = 2; optional Value counter = 3; optional Value untyped = 5;
  optional Histogram histogram = 7;
}
message MetricFamily {
  optional string name = 1; optional string help = 2; optional uint32 type = 3; repeated Metric metric = 4;
}`;

type Value = { readonly value: number };
type DecodedHistogram = {
  readonly sampleCount: number;
  readonly sampleSum: number;
  readonly bucket?: readonly { readonly cumulativeCount: number; readonly upperBound: number }[];
  readonly schema?: number;
  readonly zeroCount?: number;
  readonly positiveSpan?: readonly { readonly offset: number; readonly length: number }[];
  readonly positiveDelta?: readonly number[];
};
type DecodedMetric = {
  readonly label?: readonly { readonly name: string; readonly value: string }[];
  readonly gauge?: Value;
  readonly counter?: Value;
  readonly untyped?: Value;
  readonly histogram?: DecodedHistogram;
};
type Decoded = {
  readonly name: string;
  readonly help: string;
  readonly type: number;
  readonly metric?: readonly DecodedMetric[];
};

export type Native = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
  readonly zeros: number;
  /** Of buckets that are not empty: upper bound, and the count in the bucket. */
  readonly buckets: readonly (readonly [upper: number, count: number])[];
};

export type ProtobufScrape = {
  /** As text has them: a classic histogram is its buckets, sum and count. */
  readonly samples: readonly Sample[];
  readonly natives: readonly Native[];
  /** By family: help and type, as text has it. */
  readonly headers: ReadonlyMap<string, { readonly help: string; readonly type: string }>;
};

const TYPES = ['counter', 'gauge', 'summary', 'untyped', 'histogram', 'gaugehistogram'];
const { root } = protobuf.parse(DEFINITION, { keepCase: false });
const FAMILY = root.lookupType('MetricFamily');

/** @throws on what is no sequence of delimited families */
export function readProtobuf(bytes: Uint8Array): ProtobufScrape {
  const samples: Sample[] = [];
  const natives: Native[] = [];
  const headers = new Map<string, { help: string; type: string }>();
  const reader = protobuf.Reader.create(bytes);
  while (reader.pos < reader.len) {
    const family = FAMILY.toObject(FAMILY.decodeDelimited(reader), { longs: Number }) as Decoded;
    headers.set(family.name, { help: family.help, type: TYPES[family.type] ?? 'unknown' });
    for (const metric of family.metric ?? []) {
      const labels = Object.fromEntries((metric.label ?? []).map(({ name, value }) => [name, value]));
      const simple = metric.gauge ?? metric.counter ?? metric.untyped;
      if (simple) samples.push({ name: family.name, labels, value: simple.value });
      else if (metric.histogram?.schema !== undefined) natives.push(nativeOf(family.name, labels, metric.histogram));
      else if (metric.histogram) samples.push(...classicOf(family.name, labels, metric.histogram));
    }
  }
  return { samples, natives, headers };
}

function classicOf(name: string, labels: Record<string, string>, histogram: DecodedHistogram): Sample[] {
  const le = (bound: number) => (bound === Number.POSITIVE_INFINITY ? '+Inf' : `${bound}`);
  return [
    ...(histogram.bucket ?? []).map(({ cumulativeCount, upperBound }) => ({
      name: `${name}_bucket`,
      labels: { ...labels, le: le(upperBound) },
      value: cumulativeCount,
    })),
    { name: `${name}_sum`, labels, value: histogram.sampleSum },
    { name: `${name}_count`, labels, value: histogram.sampleCount },
  ];
}

function nativeOf(name: string, labels: Record<string, string>, histogram: DecodedHistogram): Native {
  const { schema = 0, positiveSpan = [], positiveDelta = [] } = histogram;
  const buckets: [number, number][] = [];
  let index = 0;
  let count = 0;
  for (const { offset, length } of positiveSpan) {
    index += offset;
    for (let i = 0; i < length; i++) {
      count += positiveDelta[buckets.length] ?? Number.NaN;
      buckets.push([2 ** (index++ / 2 ** schema), count]);
    }
  }
  const { sampleCount, sampleSum, zeroCount = 0 } = histogram;
  return { name, labels, count: sampleCount, sum: sampleSum, zeros: zeroCount, buckets };
}

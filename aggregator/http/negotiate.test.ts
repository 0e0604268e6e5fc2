import { describe, expect, it } from 'vitest';
import { wantsGzip, wantsOpenMetrics, wantsProtobuf } from './negotiate.ts';

const PROMETHEUS_3 =
  'application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';

describe('wantsOpenMetrics', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['text/html,*/*;q=0.8', false],
    ['text/plain;version=0.0.4', false],
    [PROMETHEUS_3, true],
    ['application/openmetrics-text', true],
    ['Application/OpenMetrics-Text; version="1.0.0"', true],
    ['application/openmetrics-text; version=0.0.1', false],
    ['application/openmetrics-text;q=0', false],
    ['application/openmetrics-text;q=0.3,text/plain;q=0.5', false],
    ['application/openmetrics-text;q=0.5,text/plain;q=0.3', true],
    ['application/openmetrics-text;q=0.5,text/plain;version=1.0.0', true],
    ['application/openmetrics-text;q=nonsense', false],
    [',,;;=', false],
  ])('%s -> %s', (accept, expected) => {
    expect(wantsOpenMetrics(accept)).toBe(expected);
  });
});

const PROTOBUF = 'application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited';

describe('wantsProtobuf', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ['*/*', false],
    [PROMETHEUS_3, false],
    [PROTOBUF, true],
    // Prometheus 2.42 and 3 with native histograms.
    [`${PROTOBUF},application/openmetrics-text;version=1.0.0;q=0.8,text/plain;version=0.0.4;q=0.5,*/*;q=0.1`, true],
    [`${PROTOBUF};escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.2`, true],
    [`${PROTOBUF};q=0.3,text/plain;q=0.5`, false],
    [`${PROTOBUF};q=0`, false],
    ['application/vnd.google.protobuf', false],
    ['application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text', false],
    ['application/vnd.google.protobuf;proto=another.Message;encoding=delimited', false],
  ])('%s -> %s', (accept, expected) => {
    expect(wantsProtobuf(accept)).toBe(expected);
  });
});

describe('wantsGzip', () => {
  it.each<[string | undefined, boolean]>([
    [undefined, false],
    ['identity', false],
    ['gzip', true],
    ['br, GZIP;q=0.5', true],
    ['gzip;q=0', false],
    ['gzip;q=0, *', false],
    ['*', true],
    ['*;q=0', false],
  ])('%s -> %s', (acceptEncoding, expected) => {
    expect(wantsGzip(acceptEncoding)).toBe(expected);
  });
});

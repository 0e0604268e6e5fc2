import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseMetrics } from '../../test/support/metrics/exposition-text.ts';
import {
  closeSample,
  escapeLabelValue,
  headerText,
  histogramText,
  joinLabels,
  labelText,
  sampleOpener,
  sampleText,
} from './text-format.ts';

const counter = {
  name: 'x_beacons_total',
  type: 'counter',
  unit: 'beacons',
  help: 'a\\b\n"c"',
  collect: 'process',
} as const;

it('heads a family in either format', () => {
  expect(headerText(counter, false)).toBe('# HELP x_beacons_total a\\\\b\\n"c"\n# TYPE x_beacons_total counter\n');
  expect(headerText(counter, true)).toBe(
    '# HELP x_beacons a\\\\b\\n\\"c\\"\n# TYPE x_beacons counter\n# UNIT x_beacons beacons\n',
  );
});

it('writes no unit that the name does not end with', () => {
  expect(headerText({ ...counter, name: 'x_beacons_lost_total' }, true)).not.toContain('# UNIT');
});

it.each([
  [1.5, '1.5'],
  [Number.NaN, 'NaN'],
  [Number.POSITIVE_INFINITY, '+Inf'],
  [Number.NEGATIVE_INFINITY, '-Inf'],
])('writes %d as the format has it', (value, text) => {
  expect(sampleText('x', labelText({}), value)).toBe(`x ${text}\n`);
});

it('reads back as it was written, whatever the label values are', () => {
  const value = fc.oneof(fc.string(), fc.constantFrom('"', '\\', '\n', '\\n', '"} 1\nx{y="'));
  fc.assert(
    fc.property(value, value, value, (a, b, c) => {
      const before = joinLabels(labelText({ a }), labelText({}), labelText({ b }));
      const one = closeSample(sampleOpener('x', 'c')(before), escapeLabelValue(c), 1);
      const two = closeSample(sampleOpener('x', 'd', 'c')(before, escapeLabelValue(a)), escapeLabelValue(c), 2);
      expect(parseMetrics(sampleText('x', before, 0) + one + two)).toEqual([
        { name: 'x', labels: { a, b }, value: 0 },
        { name: 'x', labels: { a, b, c }, value: 1 },
        { name: 'x', labels: { a, b, d: a, c }, value: 2 },
      ]);
    }),
  );
});

it.each(['', 'a="1"'])('writes a histogram with the labels %j', (labels) => {
  const buckets = { bounds: [0.1], cumulative: [1], count: 2, sum: 0.5 };
  const of = labelText(labels === '' ? {} : { a: '1' });
  const bucket = labels === '' ? '' : `${labels},`;
  const rest = labels === '' ? '' : `{${labels}}`;
  expect(histogramText('h', of, buckets)).toBe(
    `h_bucket{${bucket}le="0.1"} 1\nh_bucket{${bucket}le="+Inf"} 2\nh_sum${rest} 0.5\nh_count${rest} 2\n`,
  );
});

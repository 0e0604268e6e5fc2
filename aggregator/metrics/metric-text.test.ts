import { expect, it } from 'vitest';
import { familyText } from './metric-text.ts';

it('writes a counter in either format', () => {
  const counter = { name: 'x_total', help: 'Help.', type: 'counter', values: [{ labels: { a: '1' }, value: 2.5 }] };
  expect(familyText(counter, false)).toBe('# HELP x_total Help.\n# TYPE x_total counter\nx_total{a="1"} 2.5\n');
  expect(familyText(counter, true)).toBe('# HELP x Help.\n# TYPE x counter\nx_total{a="1"} 2.5\n');
});

it('escapes help and values, and leaves out what is not known', () => {
  const values = [
    { labels: { a: 'q"b\\n\n' }, value: 1 },
    { labels: { a: 'nan' }, value: Number.NaN },
  ];
  expect(familyText({ name: 'g', help: 'a\\b\n"c"', type: 'gauge', values }, true)).toBe(
    '# HELP g a\\\\b\\n"c"\n# TYPE g gauge\ng{a="q\\"b\\\\n\\n"} 1\n',
  );
});

it('writes histograms by the names of their samples', () => {
  const values = [
    { metricName: 'h_bucket', labels: { le: 0.1 }, value: 1 },
    { metricName: 'h_sum', labels: {}, value: 0.05 },
  ];
  expect(familyText({ name: 'h', help: 'H.', type: 'histogram', values }, false)).toBe(
    '# HELP h H.\n# TYPE h histogram\nh_bucket{le="0.1"} 1\nh_sum 0.05\n',
  );
});

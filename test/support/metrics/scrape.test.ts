import { describe, expect, it } from 'vitest';
import { parseScrape } from './scrape.ts';

describe('the reader of a scrape', () => {
  it('reads what the format allows', () => {
    const { samples, types, value, sum } = parseScrape(
      [
        '# HELP a_total A \\\\ and \\n.',
        '# TYPE a_total counter',
        'a_total{x="1",y="q\\"\\\\\\n,{}"} 3',
        'a_total{x="2",y=""} 4e-3',
        '# TYPE h histogram',
        'h_bucket{le="+Inf"} 1',
        'h_sum 0.5',
        'h_count 1',
        'bare NaN',
        '',
      ].join('\n'),
    );
    expect(samples).toHaveLength(6);
    expect(types.get('h')).toBe('histogram');
    expect(value('a_total', { x: '1' })).toBe(3);
    expect(value('a_total', { y: 'q"\\\n,{}' })).toBe(3);
    expect(sum('a_total')).toBeCloseTo(3.004);
    expect(sum('a_total', { x: '3' })).toBe(0);
    expect(sum('h_count')).toBe(1);
    expect(() => sum('absent')).toThrow('absent');
    expect(value('bare')).toBeNaN();
    expect(value('absent')).toBeUndefined();
  });

  it.each([
    ['a sample twice', 'a{x="1"} 1\na{x="1"} 2\n'],
    ['a family in two places', '# TYPE a gauge\na 1\nb 1\na{x="1"} 2\n'],
    ['a type twice', '# TYPE a gauge\n# TYPE a gauge\na 1\n'],
    ['an unknown type', '# TYPE a gaugehistogram\na 1\n'],
    ['a bare quote', 'a{x="1"2"} 1\n'],
    ['an unknown escape', 'a{x="\\t"} 1\n'],
    ['a timestamp', 'a 1 1800000000000\n'],
    ['no value', 'a \n'],
    ['a value in words', 'a one\n'],
    ['a bad name', '1a 1\n'],
    ['a last line without an end', 'a 1'],
    ['an empty line of spaces', 'a 1\n  \n'],
  ])('rejects %s', (_, text) => {
    expect(() => parseScrape(text)).toThrow();
  });
});

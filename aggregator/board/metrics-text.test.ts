import { describe, expect, it } from 'vitest';
import { parseMetricsText } from './metrics-text.js';

/** Samples as plain objects, to compare with. */
function read(text: string) {
  return Object.fromEntries(
    [...parseMetricsText(text)].map(([name, samples]) => [
      name,
      samples.map(({ labels, value }) => [Object.fromEntries(labels), value]),
    ]),
  );
}

describe('the reader of the text format', () => {
  it.each([
    ['no labels', 'up 1', { up: [[{}, 1]] }],
    ['empty braces', 'up{} 0', { up: [[{}, 0]] }],
    ['labels', 'a{x="1",y=""} 4e-3', { a: [[{ x: '1', y: '' }, 0.004]] }],
    ['a comma after the last label', 'a{x="1",} 2', { a: [[{ x: '1' }, 2]] }],
    ['escapes', 'a{x="q\\"\\\\\\n,{}"} 3', { a: [[{ x: 'q"\\\n,{}' }, 3]] }],
    [
      'a label that is a name of Object',
      'a{__proto__="x",constructor="y"} 1',
      {
        a: [
          [
            Object.fromEntries([
              ['__proto__', 'x'],
              ['constructor', 'y'],
            ]),
            1,
          ],
        ],
      },
    ],
    ['a timestamp', 'a 1 1800000000000', { a: [[{}, 1]] }],
    [
      'infinities',
      'a +Inf\na -Inf',
      {
        a: [
          [{}, Infinity],
          [{}, -Infinity],
        ],
      },
    ],
    ['not a number', 'a NaN', { a: [[{}, Number.NaN]] }],
    ['comments and blank lines', '# HELP a b\n# TYPE a gauge\n\na 1\n', { a: [[{}, 1]] }],
  ])('reads %s', (_, text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each(['1a 2', 'a{x=1} 2', 'a{x="1"', 'a{x="1" y="2"} 3', 'a', 'a ', 'a b', 'a{} 0x', '<html>'])(
    'shows nothing of a text with the line %j',
    (line) => {
      expect(() => parseMetricsText(`up 1\n${line}\n`)).toThrow(SyntaxError);
    },
  );
});

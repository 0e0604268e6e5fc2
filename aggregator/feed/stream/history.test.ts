import { expect, it } from 'vitest';
import { createHistory, type History } from './history.ts';

const SEQUENCES = [1, 41, 42, 43, 1_000];

function included(history: History): number[] {
  return SEQUENCES.filter(history.includes);
}

it.each<[string, { created?: string; lastSequence: number }[], number[]]>([
  ['what the first look found', [{ lastSequence: 42 }], [1, 41, 42]],
  ['nothing in an empty stream, however it grows', [{ lastSequence: 0 }, { lastSequence: 1_000 }], []],
  ['no more when the stream has grown', [{ lastSequence: 42 }, { lastSequence: 43 }], [1, 41, 42]],
  ['the same after a look that finds nothing new', [{ lastSequence: 42 }, { lastSequence: 42 }], [1, 41, 42]],
  ['nothing of a stream that was created again', [{ lastSequence: 42 }, { created: 'tuesday', lastSequence: 43 }], []],
  ['nothing of a stream that lost its messages', [{ lastSequence: 42 }, { lastSequence: 41 }], []],
  [
    'nothing more, once the stream was replaced',
    [{ lastSequence: 42 }, { created: 'tuesday', lastSequence: 1 }, { created: 'tuesday', lastSequence: 1_000 }],
    [],
  ],
])('is %s', (_, looks, expected) => {
  const history = createHistory();
  for (const look of looks) history.look()({ created: 'monday', ...look });
  expect(included(history)).toEqual(expected);
});

it('does not end when the answers of two readers overtake each other', () => {
  const history = createHistory();
  const answers = [history.look(), history.look()];
  answers[1]?.({ created: 'monday', lastSequence: 42 });
  answers[0]?.({ created: 'monday', lastSequence: 41 });
  expect(included(history)).toEqual([1, 41, 42]);
});

it('is over when the stream has fewer messages than were read of it, though more than there were at the start', () => {
  const history = createHistory();
  history.look()({ created: 'monday', lastSequence: 42 });
  history.includes(1_000);
  history.look()({ created: 'monday', lastSequence: 60 });
  expect(included(history)).toEqual([]);
});

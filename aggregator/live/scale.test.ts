import { describe, expect, it } from 'vitest';
import { MEASURES } from './measures.ts';
import { createScale } from './scale.ts';

describe('a scale', () => {
  it.each(MEASURES.map((measure) => [measure.name, measure.bounds] as const))(
    'is there for the bounds of %s',
    (_, bounds) => expect(() => createScale(bounds)).not.toThrow(),
  );

  it('refuses bounds that it could not tell apart', () => {
    expect(() => createScale([0.1, 0.1001])).toThrow(RangeError);
  });
});

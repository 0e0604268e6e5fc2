import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRecent } from './recent.ts';

describe('recent values', () => {
  it('are never more than so many, and never another than was set last', () => {
    const steps = fc.array(fc.record({ key: fc.nat(30).map(String), isSet: fc.boolean() }), { maxLength: 300 });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 12 }), steps, (max, all) => {
        const recent = createRecent<number>(max);
        const newest = new Map<string, number>();
        for (const [i, { key, isSet }] of all.entries()) {
          if (isSet) {
            recent.set(key, i);
            newest.set(key, i);
          } else expect([undefined, newest.get(key)]).toContain(recent.get(key));
          expect(recent.size).toBeLessThanOrEqual(max);
        }
      }),
    );
  });

  it('stay while they are asked for, however many others come', () => {
    const recent = createRecent<number>(10);
    recent.set('kept', 1);
    for (let i = 0; i < 1_000; i++) {
      recent.set(`other-${i}`, i);
      expect(recent.get('kept')).toBe(1);
    }
    expect(recent.get('other-0')).toBeUndefined();
  });
});

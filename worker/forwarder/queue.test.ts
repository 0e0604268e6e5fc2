import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Arrival, createLaneQueue, joinArrivals } from './queue.ts';
import { createTicket } from './ticket.ts';

const LIMITS = { beacons: 30, bytes: 300 };

function arrival(numbers: readonly number[], lengths: readonly number[]): Arrival {
  const ticket = createTicket();
  ticket.expect();
  const bytes = Uint8Array.from(numbers.flatMap((number, i) => Array<number>(lengths[i] ?? 0).fill(number)));
  const sessions = numbers.map(String);
  return { entries: { bytes, lengths, sessions }, indexes: numbers.map((_, i) => i), ticket, receivedAtMs: 0 };
}

const step = fc.oneof(
  fc.record({ add: fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 12 }) }),
  fc.record({ take: fc.nat(120), putBack: fc.boolean() }),
);

it('keeps its invariants: order, bounds, every beacon once, and a cut call answered once for each of its beacons', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const queue = createLaneQueue(LIMITS);
      const waiting: string[] = [];
      const added: { arrival: Arrival; beacons: number }[] = [];
      let next = 0;
      for (const step of steps) {
        if ('add' in step) {
          const numbers = step.add.map(() => next++);
          const one = arrival(numbers, step.add);
          if (!queue.add(one)) continue;
          added.push({ arrival: one, beacons: numbers.length });
          waiting.push(...numbers.map(String));
        } else {
          const taken = queue.take(step.take);
          const { bytes, sessions } = joinArrivals(taken);
          expect(sessions).toStrictEqual(waiting.slice(0, sessions.length));
          if (sessions.length > 1) expect(bytes.length).toBeLessThanOrEqual(step.take);
          expect(sessions.length > 0).toBe(waiting.length > 0);
          if (step.putBack) queue.putBack(taken);
          else {
            waiting.splice(0, sessions.length);
            for (const { ticket, indexes } of taken) ticket.settle(indexes);
          }
        }
        expect(queue.beacons()).toBe(waiting.length);
        expect(waiting.length).toBeLessThanOrEqual(LIMITS.beacons);
      }
      for (const { ticket, indexes } of queue.take(Number.POSITIVE_INFINITY)) ticket.settle(indexes);
      for (const { arrival, beacons } of added) {
        const { rejected } = await arrival.ticket.answer;
        expect(rejected.map(({ index }) => index)).toStrictEqual(Array.from({ length: beacons }, (_, i) => i));
      }
    }),
  );
});

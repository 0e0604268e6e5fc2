import { expect, it } from 'vitest';
import { createNumbering } from './numbering.ts';

const ack = (seq: number, duplicate = false) => ({ ok: true, seq, duplicate }) as const;

it('numbers fresh envelopes from 0 and names them by epoch and number', () => {
  const numbering = createNumbering('e2');
  expect(numbering.upcoming()).toBe('e2.0');
  expect(numbering.fresh()).toEqual({ id: 'e2.0', number: 0, isNew: true });
  expect(numbering.fresh()).toEqual({ id: 'e2.1', number: 1, isNew: true });
});

it('gives a batch of this epoch its own number again', () => {
  const numbering = createNumbering('e2');
  const tried = numbering.fresh();
  expect(numbering.again(tried.id)).toEqual({ ...tried, isNew: false });
  expect(numbering.fresh().number).toBe(1);
});

it('uses up the number of an id that was bound to a batch before it was tried', () => {
  const numbering = createNumbering('e2');
  expect(numbering.again(numbering.upcoming())).toEqual({ id: 'e2.0', number: 0, isNew: true });
  expect(numbering.fresh().number).toBe(1);
});

it('gives a batch of an earlier epoch one number of this epoch, however often it is tried', () => {
  const numbering = createNumbering('e2');
  numbering.fresh();
  expect(numbering.again('e1.7')).toEqual({ id: 'e1.7', number: 1, isNew: true });
  expect(numbering.again('e1.7')).toEqual({ id: 'e1.7', number: 1, isNew: false });
  expect(numbering.again('e1.8')).toEqual({ id: 'e1.8', number: 2, isNew: true });
});

it('uses the number of what was surely not stored again, but for a batch that an earlier try may have stored', () => {
  const numbering = createNumbering('e2');
  numbering.takeBack(numbering.fresh());
  numbering.takeBack(numbering.again('e1.7'));
  const tried = numbering.fresh();
  expect(tried.number).toBe(0);
  numbering.takeBack(numbering.again(tried.id));
  expect(numbering.fresh().number).toBe(1);
});

it.each([
  { what: 'a first copy', id: 'e2.1', ack: ack(12), outcome: 'stored' },
  { what: 'an earlier copy of this epoch', id: 'e2.1', ack: ack(11, true), outcome: 'repeated' },
  { what: 'a copy of an earlier epoch', id: 'e1.7', ack: ack(9, true), outcome: 'foreign' },
  { what: "this epoch's copy of an earlier epoch's batch", id: 'e1.7', ack: ack(11, true), outcome: 'repeated' },
])('reads $what as $outcome', ({ id, ack: answer, outcome }) => {
  const numbering = createNumbering('e2');
  numbering.read('e2.0', ack(10));
  expect(numbering.read(id, answer)).toBe(outcome);
});

it('has begun once an envelope of its own is stored; a repeat says nothing of its place', () => {
  const numbering = createNumbering('e2');
  numbering.read('e1.7', ack(3, true));
  expect(numbering.hasBegun()).toBe(false);
  numbering.read('e2.0', ack(10));
  expect(numbering.hasBegun()).toBe(true);
});

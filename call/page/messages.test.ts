import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeMessage, encodeMessage, type Message, NAME_MAX } from './messages.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

const MESSAGES: readonly Message[] = [
  { type: 'hello', name: 'Ana', audio: true, video: false },
  { type: 'bye' },
  { type: 'again', to: 's-1' },
  { type: 'description', to: 's-1', description: { type: 'offer', sdp: 'v=0\r\n' } },
  { type: 'candidate', to: 's-1', candidate: { candidate: 'candidate:1', sdpMid: '0', sdpMLineIndex: 0 } },
  { type: 'candidate', to: 's-1', candidate: null },
];

it.each(MESSAGES)('reads what it wrote: %j', (message) => {
  expect(decodeMessage(bytes(encodeMessage(message)))).toEqual(message);
});

describe('what is not a message', () => {
  it.each([
    '',
    'null',
    '[]',
    '"hello"',
    '{"type":"hello"}',
    '{"type":"hello","name":7,"audio":true,"video":true}',
    '{"type":"hello","name":"Ana","audio":"yes","video":true}',
    '{"type":"description","to":"s-1"}',
    '{"type":"description","to":"s-1","description":{"type":"rollback","sdp":""}}',
    '{"type":"description","to":7,"description":{"type":"offer","sdp":""}}',
    '{"type":"candidate","to":"s-1"}',
    '{"type":"candidate","to":"s-1","candidate":{"candidate":7}}',
    '{"type":"eval","code":"1"}',
  ])('is nothing: %s', (text) => expect(decodeMessage(bytes(text))).toBeUndefined());

  it('is what is longer than any description', () => {
    const message = {
      type: 'description',
      to: 's-1',
      description: { type: 'offer', sdp: 'x'.repeat(64_000) },
    } as const;
    expect(decodeMessage(bytes(encodeMessage(message)))).toBeUndefined();
  });
});

it('never throws, and hands on nothing but the members of a message', () => {
  const members = ['type', 'name', 'audio', 'video', 'to', 'description', 'candidate'];
  fc.assert(
    fc.property(
      fc.oneof(
        fc.json(),
        fc
          .record({ type: fc.constantFrom('hello', 'bye', 'candidate'), x: fc.anything() })
          .map((value) => JSON.stringify(value) ?? ''),
      ),
      (text) => {
        const message = decodeMessage(bytes(text));
        expect(members).toEqual(expect.arrayContaining(Object.keys(message ?? {})));
      },
    ),
  );
});

it('limits a name, and replaces an empty one', () => {
  const named = (name: string) =>
    decodeMessage(bytes(JSON.stringify({ type: 'hello', name, audio: true, video: true })));
  expect(named('x'.repeat(1_000))).toMatchObject({ name: 'x'.repeat(NAME_MAX) });
  expect(named('  ')).toMatchObject({ name: 'somebody' });
});

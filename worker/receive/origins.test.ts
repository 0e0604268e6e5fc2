import { describe, expect, it } from 'vitest';
import { createAnswerFor, parseOrigins } from './origins.ts';

const { origins } = parseOrigins('https://app.example.com, http://localhost:*,http://[::1]:*', true);
const answerFor = createAnswerFor(origins);

describe('the allowed origins', () => {
  it.each(['https://app.example.com', 'http://localhost', 'http://localhost:5173', 'http://[::1]:8080'])(
    'hold %s',
    (origin) => {
      expect(answerFor(origin)?.headers.get('access-control-allow-origin')).toBe(origin);
    },
  );

  it.each([
    'null',
    '',
    'localhost:5173',
    'https://localhost:5173',
    'http://localhost.evil.example:5173',
    'http://localhost:5173/x',
    'http://localhost:99999',
    'http://127.0.0.1:5173',
    'https://app.example.com:443',
    'https://sub.app.example.com',
  ])('do not hold %s', (origin) => {
    expect(answerFor(origin)).toBe(undefined);
  });
});

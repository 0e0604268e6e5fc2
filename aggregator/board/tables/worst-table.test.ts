import { describe, expect, it } from 'vitest';
import type { WorstSession } from '../../http/answers.ts';
import { impairmentText } from './worst-table.js';

type Peers = WorstSession['peers'];

function session(
  impaired: WorstSession['impaired'],
  sides: readonly (Peers[number]['side'] | undefined)[],
): WorstSession {
  const peers = sides.map((side, i) => ({ peer_id: `s-${i}`, ...(side && { side }) }));
  const ids = { meeting_id: 'm-1', session_id: 's-1', participant_id: 's-1' };
  return {
    region: 'apac',
    ...ids,
    server_url: 'none',
    server_type: 'none',
    began_ms: 0,
    last_beacon_age_seconds: 1,
    impaired,
    peers,
  };
}

describe('why a session is impaired', () => {
  it.each([
    ['nothing, when it is not', [], [undefined], ''],
    ['its causes alone, when nobody can be blamed', ['audio'], ['unknown', undefined], 'audio'],
    [
      'its causes and the side of most of its bad streams',
      ['audio', 'video'],
      ['receiver', 'receiver', 'publisher'],
      'audio, video: receiver',
    ],
    ['no side where two have half each', ['audio'], ['receiver', 'publisher'], 'audio'],
    ['its own RTT', ['rtt'], [], 'rtt'],
  ] as const)('is %s', (_, impaired, sides, text) => {
    expect(impairmentText(session(impaired, sides))).toBe(text);
  });
});

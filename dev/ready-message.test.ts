import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decodeBeacon } from '../shared/beacon.ts';
import { readyMessage, SAMPLE } from './ready-message.ts';

const addresses = { worker: 'http://127.0.0.1:1', aggregator: 'http://127.0.0.1:2', nats: 'nats://127.0.0.1:3' };

function message(metricsToken?: string): string[] {
  const settings = { metricsToken, regions: ['us-east', 'apac'], ttlSeconds: 30 };
  return readyMessage({ addresses, settings, token: 'a.b.c', seconds: 4.25 });
}

/** The body that the printed curl posts, as a shell makes it at a time in seconds. */
async function bodyAt(seconds: number, shell: string): Promise<unknown> {
  const line = message().find((text) => text.includes('curl -i')) ?? '';
  const [, word = ''] = line.split(' -d ');
  const { stdout } = await promisify(execFile)(shell, ['-c', `date() { echo ${seconds}; }; printf %s ${word}`]);
  return JSON.parse(stdout);
}

describe('readyMessage', () => {
  it('begins one line with ready, the first', () => {
    expect(
      message()
        .map((line) => line.startsWith('ready'))
        .lastIndexOf(true),
    ).toBe(0);
    expect(message()[0]).toBe('ready after 4.3 s (press Ctrl-C to stop everything)');
  });

  it('has the command that watches this NATS', () => {
    expect(message()).toContain("  NATS_URL=nats://127.0.0.1:3 npm run -s tail -- 'health.diagnostics.>'");
  });

  it.each(['sh', 'bash'])(
    'has a curl whose beacon begins another run each second in %s, and that is valid',
    async (shell) => {
      const [first, second] = [await bodyAt(1_800_000_000, shell), await bodyAt(1_800_000_001, shell)];
      const { meetingId, sessionId } = SAMPLE;
      expect(first).toMatchObject({ token: 'a.b.c', meeting_id: meetingId, session_id: sessionId });
      const decoded = [first, second].map(decodeBeacon);
      expect(decoded.every(({ ok }) => ok)).toBe(true);
      expect(decoded.map((result) => result.ok && result.value.seq)).toEqual([0, 0]);
      expect(decoded.map((result) => result.ok && result.value.started)).toEqual([
        1_800_000_000_000, 1_800_000_001_000,
      ]);
    },
  );

  it('says how to log in where a token is asked for, and never prints the token', () => {
    const text = message('s3cret').join('\n');
    expect(text).toContain('-H "Authorization: Bearer $METRICS_TOKEN"');
    expect(text).toContain('any user name; the password is METRICS_TOKEN');
    expect(text).not.toContain('s3cret');
    expect(message().join('\n')).not.toMatch(/Authorization|password/);
  });
});

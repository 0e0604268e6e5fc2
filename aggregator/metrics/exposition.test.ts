import { describe, expect, it } from 'vitest';
import { validEntry } from '../../test/support/edge/beacon.ts';
import { parseMetrics, pick } from '../../test/support/metrics/exposition-text.ts';
import { createSessions, type Sessions } from '../store/sessions.ts';
import { applyEntry } from '../store/testing.ts';
import { type ExposeOptions, expose } from './exposition.ts';
import { FAMILIES } from './families.ts';

const NOW = 1_800_000_000_000;
const ALL = new Set(['population', 'sessions', 'process'] as const);

function storeOf(sessionIds: readonly string[]): Sessions {
  const options = { regions: ['apac'], servers: [], ttlSeconds: 30, maxSessions: 100, maxSessionSeries: 1_000 };
  const sessions = createSessions(options);
  sessions.feedUp('apac', NOW);
  for (const session_id of sessionIds) applyEntry(sessions, 'apac', validEntry({ session_id }, NOW), NOW);
  return sessions;
}

function textOf(sessions: Sessions, options: Partial<ExposeOptions> = {}): string {
  return [...expose(sessions, { nowMs: NOW, collect: ALL, openMetrics: false, ...options })].join('');
}

describe('exposition', () => {
  it('shows a session once when it leaves and comes again while the scrape passes over it', () => {
    const sessions = storeOf(['s-1', 's-2', 's-3']);
    const collect = new Set(['sessions'] as const);
    let text = '';
    for (const slice of expose(sessions, { nowMs: NOW, collect, openMetrics: false, linesAtOnce: 1 })) {
      text += slice;
      if (!slice.includes('session_rtt_seconds{') || !slice.includes('"s-1"')) continue;
      applyEntry(sessions, 'apac', validEntry({ session_id: 's-1', seq: 1, leaving: true }, NOW), NOW);
      applyEntry(sessions, 'apac', validEntry({ session_id: 's-1', seq: 2 }, NOW + 2_000), NOW + 2_000);
    }
    const ids = pick(parseMetrics(text), 'edgepulse_session_rtt_seconds').map(({ labels }) => labels.session_id);
    expect(ids).toEqual(['s-1', 's-2', 's-3']);
    expect(pick(parseMetrics(textOf(sessions)), 'edgepulse_session_rtt_seconds')).toHaveLength(3);
  });

  it.each([
    ['population', /^edgepulse_(sessions|peer_connections|meetings|participants|live_|rtt_|\w+_samples)/],
    ['sessions', /^edgepulse_(session_rtt|peer_neteq|peer_concealment|meeting_participants)/],
    ['process', /^edgepulse_(ingest_delay|edge_publish)/],
  ] as const)('collects only the families of %s when asked to', (name, families) => {
    const samples = parseMetrics(textOf(storeOf(['s-1']), { collect: new Set([name]) }));
    expect(samples.length).toBeGreaterThan(0);
    expect(samples.filter((sample) => !families.test(sample.name))).toEqual([]);
  });

  it('writes help and type of every family once, before its samples', () => {
    const text = textOf(storeOf(['s-1']));
    const helped = [...text.matchAll(/^# HELP (\S+) /gm)].map(([, name]) => name);
    expect(helped.sort()).toEqual(FAMILIES.map(({ name }) => name).sort());
    let family = '';
    for (const line of text.trimEnd().split('\n')) {
      if (line.startsWith('# TYPE ')) family = line.split(' ')[2] ?? '';
      else if (!line.startsWith('#')) expect(line.startsWith(family)).toBe(true);
    }
  });

  it('names counters and units as OpenMetrics wants them', () => {
    const text = textOf(storeOf(['s-1']), { openMetrics: true });
    expect(text).toContain('# TYPE edgepulse_audio_samples counter\n# UNIT edgepulse_audio_samples samples\n');
    expect(text).toContain('\nedgepulse_audio_samples_total{');
    expect(text).toContain('# UNIT edgepulse_session_rtt_seconds seconds\n');
  });
});

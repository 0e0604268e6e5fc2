import { describe, expect, it } from 'vitest';
import { EPISODES, type Episode } from '../timetable.ts';
import { type ActiveAlert, createAlertWatch } from './watch.ts';

const NOW = Date.UTC(2026, 10, 24, 9, 0, 0);
const INCIDENT = EPISODES.find(({ kind }) => kind === 'incident') as Episode;

function alert(labels: Record<string, string>, state: ActiveAlert['state'] = 'firing'): ActiveAlert {
  const annotations = { summary: '24 of 25 people in apac have an RTT over 250 ms (p95 310 ms). Look at the network.' };
  return { labels: { alertname: 'EdgepulseRttHigh', severity: 'page', region: 'apac', ...labels }, annotations, state };
}

describe('the lines about alerts', () => {
  it('say once that an alert fires, how long after the first degraded beacon, and once that it is resolved', () => {
    const watch = createAlertWatch(() => ({ episode: INCIDENT, atMs: NOW - 16_400 }));
    expect(watch.look([alert({}, 'pending')], NOW - 1000)).toEqual([]);
    expect(watch.look([alert({})], NOW)).toEqual([
      '09:00:00Z alert EdgepulseRttHigh (apac) fires, 16 s after the first degraded beacon: 24 of 25 people in apac have an RTT over 250 ms (p95 310 ms).',
    ]);
    expect(watch.look([alert({})], NOW + 1000)).toEqual([]);
    expect(watch.look([], NOW + 70_000)).toEqual(['09:01:10Z alert EdgepulseRttHigh (apac) is resolved after 70 s']);
    expect(watch.look([], NOW + 71_000)).toEqual([]);
  });

  it('name the server, and claim nothing about an alert that no episode raises', () => {
    const watch = createAlertWatch(() => undefined);
    const labels = {
      alertname: 'EdgepulseServerBad',
      server_url: 'https://a.example',
      server_type: 'webrtc',
      cause: 'rtt',
    };
    const [line] = watch.look([alert(labels)], NOW);
    expect(line).toContain('alert EdgepulseServerBad (apac, webrtc https://a.example, rtt) fires: 24 of 25');
    expect(watch.look([alert(labels), alert({ ...labels, cause: 'audio' })], NOW)).toHaveLength(1);
  });
});

import { describe, expect, it } from 'vitest';
import { OBJECTIVES } from '../../../shared/objectives.ts';
import { formatClock } from '../page/format.js';
import { createStore, NOW, type TestSessions, WEBRTC, WEBSOCKET } from '../testing.ts';
import { reachVerdict, thresholdsText } from './verdict.js';

type Situation = {
  readonly calls: { readonly [region: string]: readonly TestSessions[] };
  readonly down?: readonly string[];
};

const SINCE = formatClock(NOW);

function verdictOf({ calls, down = [] }: Situation) {
  const store = createStore(Object.keys(calls));
  for (const [region, groups] of Object.entries(calls)) store.add(region, ...groups);
  for (const region of down) store.sessions.feedDown(region, NOW);
  return reachVerdict(store.overview());
}

/** The store's quantiles are within 1 %: 80 ms stays what it is, 312 ms becomes 311. */
const fine: TestSessions = { count: 20, rtt: 0.08, expand: 0.5 };

describe('the verdict', () => {
  it.each<[string, Situation, string, string]>([
    [
      'is calm when all is well',
      { calls: { apac: [fine], 'eu-west': [{ ...fine, rtt: 0.04 }], oc: [] } },
      'ok',
      'All is well: highest p95 RTT 80 ms (apac), concealment 0.5 % (apac); 40 people in 2 regions.',
    ],
    [
      'blames the network where RTT is high and audio is not',
      { calls: { apac: [{ ...fine, rtt: 0.312 }], 'eu-west': [fine] } },
      'bad',
      'apac: RTT p95 313 ms (others 80 ms) – network; on its only server, webrtc media-1.example.com; 20 of 20 people are impaired.',
    ],
    [
      'says so when audio suffers too',
      { calls: { apac: [{ count: 20, rtt: 0.2, expand: 20 }], 'eu-west': [fine] } },
      'bad',
      'apac: RTT p95 200 ms (others 80 ms), concealment p95 20 % (others 0.5 %) – network, and audio suffers; on its only server, webrtc media-1.example.com; 20 of 20 people are impaired.',
    ],
    [
      'blames loss or jitter where RTT is steady',
      { calls: { apac: [fine], 'eu-west': [{ count: 10, rtt: 0.06, expand: 8 }] } },
      'bad',
      'eu-west: concealment p95 8.0 % (others 0.5 %) – audio, by loss or jitter: RTT is within its objective at 60 ms; on its only server, webrtc media-1.example.com; 10 of 10 people are impaired.',
    ],
    [
      'names the server that is alone in it',
      { calls: { apac: [fine, { ...fine, rtt: 0.4, server: WEBSOCKET }], 'eu-west': [fine] } },
      'bad',
      'on websocket media-2.example.com alone; 20 of 40 people are impaired.',
    ],
    [
      'counts the servers when it is all of them',
      {
        calls: {
          apac: [
            { ...fine, rtt: 0.2 },
            { ...fine, rtt: 0.2, server: WEBSOCKET },
          ],
        },
      },
      'warn',
      'apac: RTT p95 200 ms – network; on all 2 servers; 40 of 40 sessions over 150 ms, nobody is impaired.',
    ],
    [
      'counts one host as one server, however many transports lead to it',
      {
        calls: {
          apac: [
            { ...fine, rtt: 0.2 },
            { ...fine, rtt: 0.2, server: { ...WEBRTC, type: 'websocket' } },
          ],
        },
      },
      'warn',
      'network; on its only server, media-1.example.com (2 transports); 40 of 40 sessions over 150 ms',
    ],
    [
      'finds a server that the percentile of its region hides',
      {
        calls: {
          apac: [
            { ...fine, count: 200 },
            { count: 6, rtt: 0.4, server: WEBSOCKET },
          ],
        },
      },
      'bad',
      'apac: RTT p95 400 ms (others 80 ms) – network; on websocket media-2.example.com alone; 6 of 6 people are impaired.',
    ],
    [
      'leaves a few sessions on a server of their own alone',
      {
        calls: {
          apac: [
            { ...fine, count: 200 },
            { count: 4, rtt: 0.4, server: WEBSOCKET },
          ],
        },
      },
      'ok',
      'No incident: ',
    ],
    [
      'makes no incident of one person on a bad line, and says how many it hits',
      {
        calls: {
          apac: [
            { ...fine, count: 9 },
            { count: 1, rtt: 0.4, expand: 40 },
          ],
        },
      },
      'warn',
      '1 of 10 people is impaired.',
    ],
    [
      'makes no incident of four people, and one of five',
      { calls: { apac: [{ count: 4, rtt: 0.4 }], oc: [{ count: 5, rtt: 0.4 }] } },
      'bad',
      'oc: RTT p95 400 ms (others 400 ms) – network; on its only server, webrtc media-1.example.com; 5 of 5 people are impaired; also apac (network).',
    ],
    [
      'names those who are impaired, too few to be an incident, and does not call that well',
      {
        calls: {
          apac: [
            { ...fine, count: 200 },
            { count: 5, rtt: 0.4 },
          ],
        },
      },
      'ok',
      'No incident: highest p95 RTT 80 ms (apac), concealment 0.5 % (apac); 205 people in 1 region; 5 of 205 people are impaired.',
    ],
    [
      'puts the worst first and names the others',
      { calls: { apac: [{ ...fine, rtt: 0.2 }], sa: [{ ...fine, count: 3, rtt: 0.4 }], oc: [{ ...fine, rtt: 0.4 }] } },
      'bad',
      'also apac (network), sa (network).',
    ],
    [
      'knows nothing of a region without a feed, and says since when',
      { calls: { apac: [{ ...fine, rtt: 0.4 }], 'eu-west': [fine] }, down: ['apac'] },
      'unknown',
      `Nothing is known of apac (no feed since ${SINCE}). Elsewhere all is well: highest p95 RTT 80 ms (eu-west), concealment 0.5 % (eu-west); 20 people in 1 region.`,
    ],
    [
      'tells of a trouble first, then of what is not known',
      { calls: { apac: [{ ...fine, rtt: 0.4 }], 'eu-west': [fine] }, down: ['eu-west'] },
      'bad',
      `nothing is known of eu-west (no feed since ${SINCE}).`,
    ],
    [
      'knows nothing without any feed',
      { calls: { apac: [fine], oc: [fine] }, down: ['apac', 'oc'] },
      'unknown',
      `No feed from any region since ${SINCE}: nothing is known of the calls.`,
    ],
    [
      'does not call silence well',
      { calls: { apac: [], oc: [] } },
      'unknown',
      'No session reports: nobody is in a call, or no beacon comes through.',
    ],
    [
      'does not call sessions without figures well',
      { calls: { apac: [{ count: 1, server: WEBRTC }] } },
      'unknown',
      '1 person in 1 region: nobody has reported RTT or audio yet.',
    ],
  ])('%s', (_, situation, level, sentence) => {
    const verdict = verdictOf(situation);
    expect(verdict.sentence).toContain(sentence);
    expect(verdict.level).toBe(level);
  });

  it('warns of nobody who is merely a little over, and of enough of them', () => {
    const few = verdictOf({
      calls: {
        apac: [
          { ...fine, count: 9 },
          { count: 1, rtt: 0.16 },
        ],
      },
    });
    expect(few).toMatchObject({ level: 'ok', headline: 'all is well' });
    const many = verdictOf({
      calls: {
        apac: [
          { ...fine, count: 9 },
          { count: 5, rtt: 0.16 },
        ],
      },
    });
    expect(many).toMatchObject({ level: 'warn', headline: 'apac: network' });
    expect(many.sentence).toContain('5 of 14 sessions over 150 ms, nobody is impaired.');
  });

  it('judges nobody who is quiet, and says how many are', () => {
    const store = createStore(['apac']);
    store.add('apac', fine);
    const overview = store.overview();
    const [apac] = overview.regions;
    if (!apac?.live) throw new Error('apac is not heard');
    const live = {
      ...apac.live,
      quiet_sessions: 8,
      impaired_sessions: { any: 5, rtt: 5, audio: 0, video: 0, silence: 0 },
    };
    const { sentence } = reachVerdict({ ...overview, regions: [{ ...apac, live }] });
    expect(sentence).toBe('apac: 5 of 12 people have a bad RTT \u2013 network; 8 quiet.');
    const everybody = { ...overview.all, quiet_sessions: 20, measures: createStore(['apac']).overview().all.measures };
    expect(reachVerdict({ ...overview, all: everybody })).toEqual({
      level: 'unknown',
      headline: 'no figures yet',
      sentence: '20 people in 1 region, 20 quiet: they vanished, or their beacons are late.',
    });
  });

  it('counts sessions where somebody has two of them', () => {
    const store = createStore(['apac']);
    store.add('apac', fine);
    const overview = store.overview();
    const [apac] = overview.regions;
    if (!apac?.live) throw new Error('apac is not heard');
    const { sentence } = reachVerdict({
      ...overview,
      regions: [{ ...apac, live: { ...apac.live, participants: 19 } }],
    });
    expect(sentence).toMatch(/; 20 sessions in 1 region\.$/);
  });

  it('says that a region is catching up, not that it has no feed', () => {
    const store = createStore(['apac', 'oc']);
    store.add('apac', fine);
    const overview = store.overview();
    const feed = { up: false, replaying: true, since_ms: NOW, or_earlier: false, lag_seconds: 20 } as const;
    const [apac, oc] = overview.regions;
    if (!apac || !oc) throw new Error('no regions');
    const behind = reachVerdict({ ...overview, regions: [apac, { region: 'oc', feed, health: oc.health }] });
    expect(behind.sentence).toMatch(/^Nothing is known of oc \(catching up\)\. Elsewhere all is well/);
    const all = [apac, oc].map(({ region, health }) => ({ region, feed, health }));
    expect(reachVerdict({ ...overview, regions: all }).sentence).toBe(
      'Catching up with what was missed: nothing is known of the calls yet.',
    );
  });

  it('knows nothing since the last feed went down, when they did so one after the other', () => {
    const store = createStore(['apac', 'oc']);
    store.sessions.feedDown('oc', NOW + 60_000);
    store.sessions.feedDown('apac', NOW);
    const { sentence } = reachVerdict(store.overview());
    expect(sentence).toBe(`No feed from any region since ${formatClock(NOW + 60_000)}: nothing is known of the calls.`);
  });

  it('says whose fault most of the bad streams are', () => {
    const store = createStore(['apac']);
    store.add('apac', { ...fine, expand: 40 });
    const overview = store.overview();
    const [apac] = overview.regions;
    if (!apac?.live) throw new Error('apac is not heard');
    const live = { ...apac.live, impaired_streams: { server: 0, publisher: 11, receiver: 4, unknown: 5 } };
    const { sentence } = reachVerdict({ ...overview, regions: [{ ...apac, live }] });
    expect(sentence).toContain('20 of 20 people are impaired, mostly by the sender’s uplink.');
  });

  it.each([
    [20, 20, 'bad', 'apac: 20 of 20 people receive video with loss or freezes \u2013 video.'],
    [5, 7, 'bad', '5 of 20 people receive video with loss or freezes \u2013 video; 7 of 20 people are impaired'],
    [4, 4, 'ok', 'All is well'],
  ])('does not call it well when the video alone of %i people is bad, %i being impaired', (video, any, level, text) => {
    const store = createStore(['apac']);
    store.add('apac', fine);
    const overview = store.overview();
    const [apac] = overview.regions;
    if (!apac?.live) throw new Error('apac is not heard');
    const live = { ...apac.live, impaired_sessions: { any, rtt: 0, audio: 0, video, silence: 0 } };
    const verdict = reachVerdict({ ...overview, regions: [{ ...apac, live }] });
    expect(verdict.level).toBe(level);
    expect(verdict.sentence).toContain(text);
    if (level === 'bad') expect(verdict.headline).toBe('apac: video');
  });

  it.each([
    [{ rtt: 0, audio: 5, video: 0, silence: 0 }, 'audio', '5 of 20 people hear somebody badly \u2013 audio.'],
    [
      { rtt: 0, audio: 1, video: 0, silence: 5 },
      'silence',
      "5 of 20 people can't hear somebody who speaks \u2013 silence;",
    ],
    [{ rtt: 5, audio: 0, video: 0, silence: 0 }, 'network', '5 of 20 people have a bad RTT \u2013 network.'],
  ])('shows no percentile that is fine when people are hurt all the same: %j', (causes, name, text) => {
    const store = createStore(['apac']);
    store.add('apac', fine);
    const overview = store.overview();
    const [apac] = overview.regions;
    if (!apac?.live) throw new Error('apac is not heard');
    const any = causes.audio + causes.silence + causes.rtt;
    const live = { ...apac.live, impaired_sessions: { any, ...causes } };
    const { level, headline, sentence } = reachVerdict({ ...overview, regions: [{ ...apac, live }] });
    expect([level, headline]).toEqual(['bad', `apac: ${name}`]);
    expect(sentence).toMatch(new RegExp(`^apac: ${text}`));
  });

  it('has a headline that does not change with every figure', () => {
    const headlines = [0.31, 0.32].map((rtt) => verdictOf({ calls: { apac: [{ ...fine, rtt }] } }).headline);
    expect(headlines).toEqual(['apac: network', 'apac: network']);
  });
});

describe('the legend', () => {
  it('has every threshold with its unit', () => {
    expect(thresholdsText(OBJECTIVES)).toBe(
      'RTT p95 150 ms and 250 ms, concealment p95 2 % and 5 %, expand p95 5/s and 15/s',
    );
  });
});

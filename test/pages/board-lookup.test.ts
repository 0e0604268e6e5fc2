/** The look-up of the board: one meeting with a bad line and a silence in it, found, shown, linked to, and over. */
import type { Page } from 'playwright-core';
import { describe, expect } from 'vitest';
import type { Beacon, Peer } from '../../shared/beacon.ts';
import { findFaults } from '../support/pages/axe.ts';
import { it, keepScreenshot, SHOWN_MS, textOf, untilText, untilVerdict } from '../support/pages/board.ts';

const PEOPLE = ['call-anna', 'call-ben', 'call-carl', 'call-dora'];

/** What arrives of somebody in 200 ms: 10 packets, of which a bad line loses two; of a silence, none. */
function received(from: string, to: string, n: number): Peer {
  const isSilent = from === 'call-carl' && to === 'call-dora';
  const isLossy = to === 'call-ben';
  return {
    peer_id: from,
    audio: {
      totalSamplesReceived: 9_600 * n,
      concealedSamples: (isSilent ? 9_600 : isLossy ? 1_920 : 10) * n,
      silentConcealedSamples: (isSilent ? 9_600 : 0) * n,
      packetsReceived: (isSilent ? 0 : isLossy ? 8 : 10) * n,
      packetsLost: (isLossy ? 2 : 0) * n,
      totalAudioEnergy: (isSilent ? 0 : 0.01) * n,
    },
  };
}

/** Four people, of whom Ben has a bad line and Dora doesn't hear Carl. */
function quartet(n: number): Partial<Beacon>[] {
  return PEOPLE.map((id) => ({
    meeting_id: 'm-quartet',
    session_id: id,
    participant_id: `p-${id}`,
    seq: n,
    rtt: [id === 'call-ben' ? 0.4 : 0.06],
    state: { visible: true, audio_sending: true, video_sending: false },
    sent: { audio: { packetsSent: 10 * n, packetsLost: 0, totalAudioEnergy: 0.01 * n } },
    peers: PEOPLE.filter((other) => other !== id).map((other) => received(other, id, n + 1)),
  }));
}

const cellOf = (page: Page, to: string, from: string) =>
  page.locator(`.matrix tbody tr:has(th[title="${to}"]) > *`).nth(PEOPLE.indexOf(from) + 1);

async function lookUp(page: Page, id: string): Promise<void> {
  await page.getByRole('searchbox').fill(id);
  await page.getByRole('searchbox').press('Enter');
}

describe('the look-up', () => {
  it('shows who hears whom how, and makes no incident of one bad line and one silence', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.startCalls(['apac']);
    stage.repeat('apac', quartet);
    const { page, complaints } = await stage.open(aggregator.url, { colorScheme: 'dark' });
    await untilVerdict(page, /2 of 12 people are impaired/);
    expect(await page.locator('#verdict').getAttribute('data-level')).not.toBe('bad');
    await lookUp(page, 'm-quartet');
    await untilText(
      page.locator('#lookup .sentence'),
      /^4 people, 2 impaired: call-carl is not heard by 1 of 3: no packets arrive; call-ben hears 3 of 3 badly: its own downlink; call-ben has a bad RTT\.$/,
    );
    expect(await textOf(cellOf(page, 'call-dora', 'call-carl'))).toBe('∅ silentno packets arrive');
    expect(await textOf(cellOf(page, 'call-ben', 'call-anna'))).toBe('▲▲ loss 20 %conceal. 20 %own downlink');
    expect(await textOf(cellOf(page, 'call-anna', 'call-dora'))).toMatch(/^(?:loss 0|conceal\. 0\.1) %$/);
    expect(await page.locator('.roster tbody tr').allInnerTexts()).toHaveLength(4);
    expect(await findFaults(page)).toEqual([]);
    await keepScreenshot(page, 'lookup');
    await page.setViewportSize({ width: 400, height: 900 });
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(400);
    expect(await findFaults(page)).toEqual([]);
    await keepScreenshot(page, 'lookup');
    expect(complaints).toEqual([]);
  });

  it('finds a session and its meeting, stands in the address, and is undone by the back button', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    stage.repeat('apac', quartet);
    const { page, complaints } = await stage.open(aggregator.url);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await untilVerdict(page, /4 people/);
    await lookUp(page, 'call-dora');
    await untilText(page.locator('#lookup-title'), /^Meeting m-quartet$/);
    expect(new URL(page.url()).search).toBe('?meeting=m-quartet&session=call-dora');
    expect(await textOf(page.locator('.roster tr.chosen a'))).toBe('call-dora');
    await page.getByRole('button', { name: /^id:/ }).click();
    expect(await copied()).toBe('m-quartet');
    await page.getByRole('button', { name: /^curl:/ }).click();
    expect(await copied()).toBe(
      `curl -s -u ":$METRICS_TOKEN" '${aggregator.url}/api/v1/sessions?meeting_id=m-quartet&ended=true'`,
    );
    await page.getByRole('button', { name: /^link:/ }).click();
    const link = await copied();
    await page.goBack();
    expect(await page.locator('#lookup').isVisible()).toBe(false);
    const { page: another } = await stage.open(link);
    await untilText(another.locator('#lookup-title'), /^Meeting m-quartet$/);
    await another.getByRole('button', { name: 'Close' }).click();
    expect(await another.locator('#lookup').isVisible()).toBe(false);
    expect(new URL(another.url()).search).toBe('');
    await page.locator('#worst tbody tr').first().getByRole('link').nth(1).click();
    await untilText(page.locator('.roster tr.chosen a'), /^call-ben$/);
    expect(complaints).toEqual([]);
  });

  it('says how sessions ended, with their last figures, and what it does not know', async ({ stage }) => {
    const aggregator = await stage.aggregatorUp();
    const calls = stage.repeat('apac', quartet);
    const { page, complaints } = await stage.open(`${aggregator.url}/?meeting=m-quartet`);
    await untilText(page.locator('#lookup .sentence'), /^4 people/);
    calls.stop();
    await stage.feeder.send({ region: 'apac' }, { ...quartet(1_000_000)[0], leaving: true });
    const stateOf = (id: string) => page.locator(`.roster tr:has(a[data-session="${id}"]) td`).last();
    await untilText(stateOf('call-anna'), /^left at \d\d:\d\d:\d\d$/, SHOWN_MS);
    await untilText(stateOf('call-ben'), /^vanished, ended at \d\d:\d\d:\d\d$/, SHOWN_MS);
    expect(await textOf(page.locator('#lookup .sentence'))).toMatch(
      /^Over: the last of 4 sessions ended at \d\d:\d\d:\d\d, 3 of them without a goodbye\. These are the last figures\.$/,
    );
    expect(await textOf(cellOf(page, 'call-ben', 'call-anna'))).toContain('loss 20 %');
    await lookUp(page, 'm-never');
    await untilText(
      page.locator('#lookup .sentence'),
      /^No meeting or session with this id is in a call, or has ended since \d\d:\d\d:\d\d/,
    );
    expect(complaints).toEqual([]);
  });
});

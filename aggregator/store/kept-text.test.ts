/** What the store keeps of a message: ids that are slices of its text would keep all of the text. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { createReports, type Report } from './report.ts';
import { createTestSessions, NOW } from './testing.ts';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const MESSAGES = 200;
const MESSAGE_BYTES = 100_000;

/** An id cut out of a message's text, as a reader of messages cuts it. */
function slicedId(id: string): string {
  return Buffer.from(id.padStart(MESSAGE_BYTES, 'x')).toString('latin1').slice(-40);
}

function heapBytes(): number {
  collect();
  return process.memoryUsage().heapUsed;
}

describe('the store keeps no text of a message', () => {
  it.each([
    ['meeting', (report: Report, id: string) => Object.assign(report, { meetingId: id })],
    ['session', (report: Report, id: string) => Object.assign(report, { sessionId: id })],
    ['participant', (report: Report, id: string) => Object.assign(report, { participantId: id })],
    ['session that left', (report: Report, id: string) => Object.assign(report, { sessionId: id, leaving: true })],
    ['server', (report: Report, id: string) => Object.assign(report, { serverUrl: id, serverType: 'webrtc' })],
  ])('with the id of a %s', (_, name) => {
    expect(keptBytes((report, id) => void name(report, id))).toBeLessThan(2_000_000);
  });

  it('with the id of a peer', () => {
    expect(keptBytes(() => {}, true)).toBeLessThan(2_000_000);
  });

  it('which is measured: a list of such ids keeps all of it', () => {
    const before = heapBytes();
    const kept = Array.from({ length: MESSAGES }, (_, i) => slicedId(`${i}`));
    expect(heapBytes() - before).toBeGreaterThan(0.9 * MESSAGES * MESSAGE_BYTES);
    expect(kept).toHaveLength(MESSAGES);
  });
});

/** The growth of the heap over that many messages, each with a session and one id that is a slice of its text. */
function keptBytes(name: (report: Report, id: string) => void, hasPeer = false): number {
  const sessions = createTestSessions();
  const reports = createReports();
  const before = heapBytes();
  for (let i = 0; i < MESSAGES; i++) {
    reports.clear();
    const report = reports.next();
    const ids = { meetingId: `m-${i}`, sessionId: `s-${i}`, participantId: `p-${i}` };
    Object.assign(report, { ...ids, seq: 0, receivedAtMs: NOW });
    name(report, slicedId(`${i}`));
    if (hasPeer) reports.addPeer(slicedId(`${i}`));
    sessions.apply('apac', reports, NOW);
  }
  // The reports hold on to their newest message only.
  const grown = heapBytes() - before;
  expect(sessions.totals('apac').applied).toBe(MESSAGES);
  return grown;
}

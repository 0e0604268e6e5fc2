import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLIENT, PATH, SENT_VIDEO } from '../../shared/session-members.ts';
import { type BreakdownKind, COMBINATIONS, createBreakdown, NO_STANDING, standingOf } from './breakdown.ts';

const place = (set: readonly unknown[]) => fc.nat({ max: set.length });
const parts = fc.record({
  candidateType: place(PATH.candidate_type),
  protocol: place(PATH.protocol),
  platform: place(CLIENT.platform),
  engine: place(CLIENT.engine),
  isSendingVideo: fc.boolean(),
  qualityLimitationReason: place(SENT_VIDEO.qualityLimitationReason),
});
type Parts = typeof parts extends fc.Arbitrary<infer P> ? P : never;

const nameOf = (set: readonly string[], number: number) => set[number - 1] ?? 'unknown';

/** The labels that the parts have of each kind, by their names; undefined where nothing is known. */
function labelsOf(kind: BreakdownKind, made: Parts): { readonly [label: string]: string } | undefined {
  if (kind === 'path') {
    const candidate_type = nameOf(PATH.candidate_type, made.candidateType);
    const protocol = nameOf(PATH.protocol, made.protocol);
    return made.candidateType + made.protocol > 0 ? { candidate_type, protocol } : undefined;
  }
  if (kind === 'client') {
    const platform = nameOf(CLIENT.platform, made.platform);
    const engine = nameOf(CLIENT.engine, made.engine);
    return made.platform + made.engine > 0 ? { platform, engine } : undefined;
  }
  const reason = nameOf(SENT_VIDEO.qualityLimitationReason, made.qualityLimitationReason);
  return made.isSendingVideo ? { quality_limitation_reason: reason } : undefined;
}

const KINDS = Object.keys(COMBINATIONS) as BreakdownKind[];

describe('a breakdown', () => {
  it('counts each session under its own labels, and none twice', () => {
    fc.assert(
      fc.property(fc.array(parts, { maxLength: 30 }), fc.array(parts, { maxLength: 10 }), (stay, leave) => {
        const breakdown = createBreakdown(['apac']);
        for (const one of [...leave, ...stay]) breakdown.replace('apac', NO_STANDING, standingOf(one));
        for (const one of leave) breakdown.replace('apac', standingOf(one), NO_STANDING);
        for (const kind of KINDS) {
          for (const { number, labels } of COMBINATIONS[kind]) {
            const expected = stay.filter((one) => JSON.stringify(labelsOf(kind, one)) === JSON.stringify(labels));
            expect(breakdown.count('apac', kind, number), JSON.stringify(labels)).toBe(expected.length);
          }
        }
      }),
    );
  });

  it('has a combination for everything that can be said', () => {
    fc.assert(
      fc.property(parts, (made) => {
        for (const kind of KINDS) {
          const labels = labelsOf(kind, made);
          if (labels) expect(COMBINATIONS[kind].map((one) => one.labels)).toContainEqual(labels);
        }
      }),
    );
  });

  it('keeps regions apart', () => {
    const breakdown = createBreakdown(['apac', 'sa']);
    const relay = {
      candidateType: 4,
      protocol: 1,
      platform: 0,
      engine: 0,
      isSendingVideo: false,
      qualityLimitationReason: 0,
    };
    breakdown.replace('sa', NO_STANDING, standingOf(relay));
    const counts = (region: string) => COMBINATIONS.path.map(({ number }) => breakdown.count(region, 'path', number));
    expect(counts('apac').every((count) => count === 0)).toBe(true);
    expect(counts('sa').filter((count) => count === 1)).toHaveLength(1);
    expect(() => breakdown.count('mars', 'path', 1)).toThrow(RangeError);
  });
});

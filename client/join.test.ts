import { describe, expect, it } from 'vitest';
import { createJoinLog } from './join.ts';

describe('createJoinLog', () => {
  it('reports the time until connected and until the first media of each kind, once all are known', () => {
    const join = createJoinLog();
    join.begin(1_000);
    join.begin(9_000);
    expect(join.pending(1_100)).toBeUndefined();
    join.end('ok', 1_250);
    join.firstMedia('audio', 1_400);
    expect(join.pending(1_400)).toBeUndefined();
    join.firstMedia('video', 1_600);
    join.firstMedia('video', 1_700);
    expect(join.pending(1_700)).toEqual({
      result: 'ok',
      seconds: 0.25,
      first_audio_seconds: 0.4,
      first_video_seconds: 0.6,
    });
  });

  it('waits 5 s for media that does not come', () => {
    const join = createJoinLog();
    join.begin(0);
    join.end('ok', 500);
    expect([join.pending(5_499), join.pending(5_500)]).toEqual([undefined, { result: 'ok', seconds: 0.5 }]);
  });

  it('reports a failure at once with its stage, and a later success too', () => {
    const join = createJoinLog();
    join.begin(0);
    join.end('ice', 1_000);
    const failed = join.pending(1_000);
    expect(failed).toEqual({ result: 'ice' });
    join.acknowledge(failed);
    expect(join.pending(2_000)).toBeUndefined();
    join.end('ok', 3_000);
    expect(join.pending(9_000)).toEqual({ result: 'ok', seconds: 3 });
  });

  it('reports nothing once acknowledged, and no failure after a success', () => {
    const join = createJoinLog();
    join.begin(0);
    join.end('ok', 500);
    join.end('ice', 600);
    expect(join.pending(9_000)?.result).toBe('ok');
    join.acknowledge({ result: 'ok' });
    expect(join.pending(9_000)).toBeUndefined();
  });

  it('reports nothing for a connection that was connected before', () => {
    const join = createJoinLog();
    join.end('ok', 500);
    join.firstMedia('audio', 500);
    expect(join.pending(9_000)).toBeUndefined();
  });

  it('takes the report of the application', () => {
    const join = createJoinLog();
    join.set({ result: 'signaling' });
    expect(join.pending(0)).toEqual({ result: 'signaling' });
  });
});

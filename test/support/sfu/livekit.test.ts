import { expect, it, onTestFinished } from 'vitest';
import { describeWith, tool } from '../needs.ts';
import { listeningOf } from '../processes/listening.ts';
import { startLivekit } from './livekit.ts';

await describeWith([tool('livekit-server')], 'livekit-server', () => {
  it.runIf(process.platform === 'linux')('listens on loopback, and nowhere else', async () => {
    const livekit = await startLivekit();
    onTestFinished(livekit.stop);
    expect(await (await fetch(livekit.url.replace('ws', 'http'))).text()).toBe('OK');
    expect(await listeningOf([livekit.pid])).toEqual([new URL(livekit.url).host]);
  });
});

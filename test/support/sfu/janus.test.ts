import { expect, it, onTestFinished } from 'vitest';
import { describeWith, tool } from '../needs.ts';
import { listeningOf } from '../processes/listening.ts';
import { startJanus } from './janus.ts';

await describeWith([tool('janus')], 'janus', () => {
  it.runIf(process.platform === 'linux')('answers on loopback, and nowhere else', async () => {
    const janus = await startJanus([1]);
    onTestFinished(janus.stop);
    const socket = new WebSocket(janus.url, 'janus-protocol');
    onTestFinished(() => socket.close());
    await new Promise((resolve) => socket.addEventListener('open', resolve));
    const answer = new Promise<string>((resolve) => {
      socket.addEventListener('message', ({ data }) => resolve(data));
    });
    socket.send(JSON.stringify({ janus: 'info', transaction: 'any' }));
    expect(JSON.parse(await answer)).toMatchObject({ janus: 'server_info', plugins: { 'janus.plugin.videoroom': {} } });
    expect(await listeningOf([janus.pid])).toEqual([new URL(janus.url).host]);
  });
});

import { afterAll, expect, it } from 'vitest';
import { startWorker, type WorkerProcess } from './worker.ts';

let worker: WorkerProcess;
afterAll(() => worker?.stop());

it('keeps its port over a kill', async () => {
  // Nothing listens there: the worker itself doesn't mind.
  worker = await startWorker({ natsUrl: 'nats://127.0.0.1:1' });
  await worker.restart();
  const answer = await fetch(`${worker.url}/v1/region`, {
    headers: { 'test-cf': JSON.stringify({ colo: 'SIN' }) },
  });
  expect(await answer.json()).toMatchObject({ region: 'apac' });
});

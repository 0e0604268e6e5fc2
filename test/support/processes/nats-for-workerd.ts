/** One real nats-server for all tests that run inside workerd, which can't start processes themselves. */
import type { TestProject } from 'vitest/node';
import { startNatsServer } from './nats-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    natsUrl: string;
  }
}

// Vitest's contract for a globalSetup module.
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const server = await startNatsServer();
  project.provide('natsUrl', server.url);
  return () => server.stop();
}

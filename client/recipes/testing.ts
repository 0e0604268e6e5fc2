/** A reporter for the tests of recipes: keeps what it is given. */
import type { Connection, PeerOf, Reporter } from '../reporter.ts';

export type FakeReporter = Reporter & {
  /** Each connection that was added, with whom its streams belong to. */
  readonly added: readonly { readonly connection: Connection; readonly peerOf: string | PeerOf | undefined }[];
  /** The arguments of each other call, by the method's name. */
  readonly calls: readonly (readonly [method: string, ...args: unknown[]])[];
};

export function createFakeReporter(): FakeReporter {
  const added: FakeReporter['added'][number][] = [];
  const calls: FakeReporter['calls'][number][] = [];
  const keep =
    (method: string) =>
    (...args: unknown[]): void =>
      void calls.push([method, ...args]);
  return {
    added,
    calls,
    addPeerConnection: (connection, { peerOf } = {}) => void added.push({ connection, peerOf }),
    reportRtt: keep('reportRtt'),
    reportPeer: keep('reportPeer'),
    update: keep('update'),
    flush: keep('flush'),
    start: keep('start'),
    stop: keep('stop'),
  };
}

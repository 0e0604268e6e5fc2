/** `GET /api/v1/part`: what this process itself knows, for those of its fleet that show the whole. It asks nobody. */
import type { Part } from '../overview/part.ts';
import type { Pacer } from '../pacer.ts';
import { type Handler, sendBody, sendProblem } from '../respond.ts';
import { writePart } from './part-text.ts';

export type PartOptions = {
  readonly part: () => Generator<void, Part, void>;
  /** Fingerprint of the topology. */
  readonly topology: string;
  readonly pacer: Pacer;
};

const HEADERS = { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' };

export function createPartHandler({ part, topology, pacer }: PartOptions): Handler {
  let underWay: Promise<Buffer> | undefined;

  function* write(): Generator<void, Buffer, void> {
    const lines: Buffer[] = [];
    for (const line of writePart(yield* part(), topology)) {
      lines.push(Buffer.from(line));
      yield;
    }
    return Buffer.concat(lines);
  }

  return async (_, response, query) => {
    if (query.size > 0) {
      sendProblem(response, 400, 'no parameters');
      return;
    }
    // One for all that ask meanwhile.
    underWay ??= pacer.run(write()).finally(() => {
      underWay = undefined;
    });
    sendBody(response, 200, await underWay, HEADERS);
  };
}

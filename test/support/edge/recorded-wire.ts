/** What released versions put on NATS, as `npm run record-wire` recorded it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import type { Batch } from '../../../shared/batch.ts';
import type { ForwarderCounters } from '../../../shared/forwarder-counters.ts';

type Recorded<T> = { readonly base64: string; readonly decoded: T };

export type Recording = {
  readonly batches: readonly Recorded<Batch>[];
  readonly counters: readonly Recorded<ForwarderCounters>[];
};

export type Release = Recording & {
  readonly version: string;
  /** Its edgepulse.proto. */
  readonly root: protobuf.Root;
};

const FOLDER = join(import.meta.dirname, '..', '..', 'fixtures', 'wire');

export const RELEASES: readonly Release[] = readdirSync(FOLDER).map((version) => {
  const read = (file: string) => readFileSync(join(FOLDER, version, file), 'utf8');
  const { root } = protobuf.parse(read('edgepulse.proto'), { keepCase: true });
  return { version, root, ...(JSON.parse(read('messages.json')) as Recording) };
});

export function bytesOf({ base64 }: Recorded<unknown>): Uint8Array {
  return Uint8Array.from(Buffer.from(base64, 'base64'));
}

/**
 * Calls to Forwarders: finds the one of a region and lane, and takes the region's refusal counts along.
 */
import type { Region } from '../../shared/regions.ts';
import { laneName } from '../../shared/subjects.ts';
import { type ForwardAnswer, type ForwardBatch, type ForwardPort, forwarderName } from './call.ts';
import type { Destination, SendBatch } from './coalescer.ts';
import { createRefusals, type RefusalCounts } from './refusals.ts';

/** The Forwarder of a region and lane, near the region. */
export type FindForwarder = (name: string, hint: Region['hint']) => ForwardPort;

export type Forwarders = { readonly send: SendBatch; readonly refusals: RefusalCounts };

export function createForwarders(find: FindForwarder, regions: readonly Region[], now: () => number): Forwarders {
  const hints = new Map(regions.map((region) => [region.name, region.hint]));
  const refusals = createRefusals({ tell, now });

  async function send({ region, lane }: Destination, entries: string[]): Promise<ForwardAnswer> {
    const counts = refusals.take(region);
    try {
      return await call({ region, lane }, { entries, ...counts });
    } catch (error) {
      refusals.putBack(region, counts);
      throw error;
    }
  }

  /** One more try where the runtime says that it helps (a moved or restarted object); `seq` makes repeats harmless. */
  async function call({ region, lane }: Destination, batch: ForwardBatch): Promise<ForwardAnswer> {
    const name = forwarderName(region, lane);
    try {
      return await find(name, hints.get(region)).forward(batch);
    } catch (error) {
      if (!isRetryable(error)) throw error;
      return await find(name, hints.get(region)).forward(batch);
    }
  }

  /** Counts that nobody could take stay where they are, for the next batch. */
  function tell(region: string): Promise<unknown> {
    return send({ region, lane: laneName(0) }, []).catch(() => undefined);
  }

  return { send, refusals };
}

function isRetryable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { retryable, overloaded } = error as { retryable?: unknown; overloaded?: unknown };
  return retryable === true && overloaded !== true;
}

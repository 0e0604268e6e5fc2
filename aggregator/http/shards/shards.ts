/**
 * The other shards of the fleet, as BOARD_PEERS names them: what each of them said last. They are asked in the background,
 * so that one that is down or slow delays nobody who looks at the board.
 */
import type { Logger } from 'pino';
import type { Shard } from '../../../shared/subjects.ts';
import type { MeasureName } from '../../live/measures.ts';
import type { MissingPart } from '../answers.ts';
import { type AskedPart, shardName } from '../overview/whole.ts';
import type { Pacer } from '../pacer.ts';
import { type FoundResult, readFound } from '../sessions/found-text.ts';
import type { Listed } from '../sessions/listed.ts';
import { readPartText, type SentPart } from './part-text.ts';
import { type AskPeer, linesOf } from './peer-client.ts';

export type Shards = {
  /** In the order of the configuration; the parts are of the last {@link REFRESH_MS}. */
  asked(): readonly AskedPart[];
  /** What those find whose parts are known, one of each shard. Nobody waits for one that did not answer last. */
  find(search: string, sort: MeasureName): Promise<FoundElsewhere>;
  /** Asks everybody again, to be called every {@link REFRESH_MS}. @returns when all have answered, or have not in time */
  refresh(): Promise<void>;
};

export type FoundElsewhere = {
  readonly found: readonly Listed[];
  /** Who was asked, and did not answer, or not so. */
  readonly missing: readonly MissingPart[];
};

export const REFRESH_MS = 2_500;

/** Where a process of the fleet says what it knows of it. It asks nobody for that, so that no two ask each other forever. */
export const PART_PATH = '/api/v1/part';
export const PART_SESSIONS_PATH = '/api/v1/part/sessions';

export type ShardsOptions = {
  readonly addresses: readonly string[];
  readonly ask: AskPeer;
  /** Those of this process, which others have to match. */
  readonly shard: Shard;
  readonly topology: string;
  /** Those of this process. */
  readonly regions: readonly string[];
  readonly pacer: Pacer;
  readonly log: Logger;
};

export function createShards({ addresses, ask, shard, topology, regions, pacer, log }: ShardsOptions): Shards {
  const known = new Map<string, AskedPart>(addresses.map((address) => [address, { address, why: NOT_YET }]));
  const underWay = new Set<string>();

  function whyUnfit(part: SentPart): string | undefined {
    if (part.topology !== topology) return 'has another topology: REGIONS, SERVERS, LANES or the TTL differ';
    if (part.shard.count !== shard.count) {
      return `is shard ${shardName(part.shard)}, and this process is ${shardName(shard)}`;
    }
    return undefined;
  }

  async function askPart(address: string): Promise<AskedPart> {
    const answer = await ask(address, PART_PATH);
    if (!answer.ok) return { address, why: answer.why };
    const result = await pacer.run(readPartText(linesOf(answer.body)));
    if (!result.ok) return { address, why: result.why };
    const { part } = result;
    const why = whyUnfit(part);
    const regions = part.regions.map(({ region }) => region);
    return { address, shard: shardName(part.shard), regions, ...(why === undefined ? { part } : { why }) };
  }

  function note(now: AskedPart): void {
    const { address, why } = now;
    const before = known.get(address);
    const { shard: name, regions: had } = before ?? {};
    known.set(address, { ...(name !== undefined && had && { shard: name, regions: had }), ...now });
    if (why === before?.why) return;
    if (why === undefined) log.info({ address, shard: now.shard }, 'another shard answers');
    else log.warn({ address, why, hint: 'see BOARD_PEERS' }, 'another shard is not known; the board shows a part');
  }

  /** Replicas have the same: the first of them is asked, and none that has what this process has. */
  function toAsk(): AskedPart[] {
    const byContent = new Map<string, AskedPart>();
    for (const one of known.values()) {
      if (!one.part) continue;
      const content = contentOf(
        one.part.shard,
        one.part.regions.map(({ region }) => region),
      );
      if (!byContent.has(content)) byContent.set(content, one);
    }
    byContent.delete(contentOf(shard, regions));
    return [...byContent.values()];
  }

  async function findAt(address: string, search: string, sort: MeasureName): Promise<FoundResult> {
    const answer = await ask(address, `${PART_SESSIONS_PATH}?${search}`);
    return answer.ok ? pacer.run(readFound(linesOf(answer.body), sort)) : answer;
  }

  return {
    asked: () => [...known.values()],
    async find(search, sort) {
      const found: Listed[] = [];
      const missing: MissingPart[] = [];
      await Promise.all(
        toAsk().map(async ({ address, shard: name }) => {
          const result = await findAt(address, search, sort);
          if (result.ok) found.push(result.found);
          else missing.push({ address, ...(name !== undefined && { shard: name }), why: result.why });
        }),
      );
      return { found, missing };
    },
    async refresh() {
      const idle = addresses.filter((address) => !underWay.has(address));
      await Promise.all(
        idle.map(async (address) => {
          underWay.add(address);
          try {
            note(await askPart(address));
          } finally {
            underWay.delete(address);
          }
        }),
      );
    },
  };
}

function contentOf(shard: Shard, regions: readonly string[]): string {
  return `${shardName(shard)} ${[...regions].sort().join()}`;
}

const NOT_YET = 'has not been asked yet';

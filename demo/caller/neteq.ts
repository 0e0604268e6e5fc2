/** One stream received by a client with a NetEQ of its own: rates of the last second, from the same path as the W3C counters. Pure. */
import type { NetEqOperations, NetEqStats } from '../../shared/beacon.ts';
import { between, type Random } from '../random.ts';
import type { Line } from './network.ts';
import { bufferOver, type Silencing } from './reception.ts';

const PACKETS_PER_SECOND = 50;
/** NetEQ decides one operation every 10 ms. */
const OPERATIONS_PER_SECOND = 100;

export type NetEqMoment = {
  readonly path: Line;
  readonly isSenderMuted: boolean;
  readonly silencing: Silencing;
  readonly random: Random;
};

export function neteqRates({ path, isSenderMuted, silencing, random }: NetEqMoment): NetEqStats {
  const { target, buffer, accelerate, decelerate } = bufferOver(path, random);
  const isStarved = silencing === 'no_packets';
  if (isStarved || isSenderMuted) {
    // Servers forward hardly any comfort noise to such clients, so next to nothing arrives from a muted sender. NetEQ
    // can't tell that from loss, and expands all the time.
    return {
      buffer: 0,
      target_delay: rounded(target),
      packets_per_second: isStarved ? 0 : rounded(between(random, 0.4, 1.6)),
      operations_per_second: operations({ expand: rounded(between(random, 97, 100)) }),
    };
  }
  const expand = OPERATIONS_PER_SECOND * (path.loss + path.late);
  return {
    buffer: rounded(buffer),
    target_delay: rounded(target),
    packets_per_second: rounded(PACKETS_PER_SECOND * (1 - path.loss)),
    operations_per_second: operations({
      expand: rounded(expand),
      accelerate: rounded(accelerate * 0.8),
      fast_accelerate: rounded(accelerate * 0.2),
      preemptive_expand: rounded(decelerate),
      merge: rounded(expand * 0.4),
      comfort_noise: rounded(between(random, 0, 3)),
    }),
  };
}

/** All operations: what is left of the hundred is normal. */
function operations(special: NetEqOperations): Required<NetEqOperations> {
  const all = {
    normal: 0,
    expand: 0,
    accelerate: 0,
    fast_accelerate: 0,
    preemptive_expand: 0,
    merge: 0,
    comfort_noise: 0,
    ...special,
  };
  all.normal = rounded(OPERATIONS_PER_SECOND - Object.values(all).reduce((sum, rate) => sum + rate, 0));
  return all;
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

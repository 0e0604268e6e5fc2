/** Which shards the figures are of, when that is not all of them. Pure. */
import { plural } from '../page/format.js';

/** @typedef {import('../../http/answers.ts').Overview} Overview */

/** So many are named; of the rest there is a number. */
const NAMED = 3;

/** @param {Pick<Overview, 'shard' | 'shown'>} overview @returns {string} empty when the figures are of everything */
export function partText({ shard, shown }) {
  const missing = shown.missing.map(
    ({ address, shard: name, why }) => `${name ? `shard ${name} at ` : ''}${address} (${why})`,
  );
  if (missing.length > 0) {
    const more = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : '';
    return `This is a part: no answer from ${missing.slice(0, NAMED).join(', ')}${more}.`;
  }
  if (shown.shards.length >= shard.count) return '';
  const others = shard.count - shown.shards.length;
  return `This shows a part: shard ${shard.index} of ${shard.count}. Set BOARD_PEERS to include the other ${plural(others, 'shard')}.`;
}

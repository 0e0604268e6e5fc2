/**
 * Prints what stands for an id in labels where packets of media servers are read: `npm run -s hash-id -- alice@example.com`.
 * ID_HASH_SECRET must be that of the aggregators.
 */
import { hashId } from '../aggregator/ingest/packets/id-hash.ts';

const USAGE = 'usage: ID_HASH_SECRET=... npm run -s hash-id -- ID';

const [id, ...rest] = process.argv.slice(2);
const secret = process.env.ID_HASH_SECRET;

if (id === undefined || id === '' || rest.length > 0 || !secret) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  console.log(hashId(secret, new TextEncoder().encode(id)));
}

/** `npm start`. */
import { runCommand } from './command.ts';

await runCommand({
  name: 'npm start',
  summary: `Runs edgepulse on this machine until Ctrl-C: a NATS server, the worker in Cloudflare's own runtime
(workerd), and the aggregator with its board.`,
});

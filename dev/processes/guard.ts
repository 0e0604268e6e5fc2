/**
 * The process that outlives `npm start` by a moment: when its standard input closes, which the
 * kernel does however the parent ended, it kills the process groups that it was told of and removes
 * the temporary folder. So even `kill -9` of the parent leaves nothing behind.
 * Input: lines `+PID` and `-PID`, the leaders of process groups that began and ended.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [folder] = process.argv.slice(2);
const groups = new Set<number>();

// A closed terminal hangs up on everyone; this one's work begins then.
for (const signal of ['SIGHUP', 'SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});

for await (const line of createInterface({ input: process.stdin })) {
  const pid = Number(line.slice(1));
  if (!Number.isSafeInteger(pid) || pid <= 1) continue;
  if (line.startsWith('+')) groups.add(pid);
  else groups.delete(pid);
}

for (const pid of groups) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // ESRCH: the group is gone, which is what is wanted. There is nobody left to tell of anything else.
  }
}
if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });

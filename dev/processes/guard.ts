/**
 * The process that outlives `npm start` by a moment: when its standard input closes, which the
 * kernel does however the parent ended, it kills the process groups on its list and removes
 * the temporary folder. So even `kill -9` of the parent leaves nothing behind.
 * Input: lines `+PID` and `-PID`, the leaders of process groups that began and ended.
 */
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [folder] = process.argv.slice(2);
const groups = new Set<number>();

// A closed terminal sends SIGHUP to everybody, this process included, whose work begins then.
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
    // ESRCH: the group is gone already. Any other error has nobody left to read it.
  }
}
if (folder) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });

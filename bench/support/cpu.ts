/** What a process has used of the processors. Linux only. */
import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/** User and system time of a process so far. @see proc_pid_stat(5) */
export async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = Number((await promisify(execFile)('getconf', ['CLK_TCK'])).stdout);
  return (Number(fields[11]) + Number(fields[12])) / ticks;
}

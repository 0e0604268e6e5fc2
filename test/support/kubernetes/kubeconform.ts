/** Objects, validated as strictly as the API server does it: a member that does not exist is an error. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '../../../dev/tools/tools.ts';
import { writeSchemas } from './schemas.ts';

export type Kubeconform = {
  /** @returns one line for each problem @param text YAML documents @param version of Kubernetes, x.y.z */
  problems(text: string, version: string): Promise<string[]>;
  close(): Promise<void>;
};

type Report = {
  readonly resources: readonly { readonly kind: string; readonly name: string; readonly msg: string }[];
  readonly summary: { readonly valid: number; readonly skipped: number };
};

export async function startKubeconform(): Promise<Kubeconform> {
  const folder = await mkdtemp(join(tmpdir(), 'edgepulse-schemas-'));
  await writeSchemas(folder);
  const command = await requireTool('kubeconform');
  return {
    async problems(text, version) {
      const location = join(folder, version, '{{ .ResourceKind }}{{ .KindSuffix }}.json');
      const options = ['-strict', '-output', 'json', '-summary', '-schema-location', location];
      const report = JSON.parse(await run(command, options, text)) as Report;
      const { valid, skipped } = report.summary;
      if (valid + report.resources.length === 0 || skipped > 0) throw new Error('kubeconform validated too little');
      return report.resources.map(({ kind, name, msg }) => `${kind} ${name}: ${msg}`);
    },
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

/** @returns what it prints, whether or not it found something */
function run(command: string, args: readonly string[], input: string): Promise<string> {
  return new Promise((resolve) => {
    const child = execFile(command, args, { maxBuffer: 64 * 1024 * 1024 }, (_, stdout) => resolve(stdout));
    child.stdin?.end(input);
  });
}

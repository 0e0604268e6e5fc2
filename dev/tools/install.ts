/** Installs a missing program from the first of its sources that this machine can use. */
import { installPackage, unpackFiles, unpackTree } from './apt.ts';
import { installGo } from './go.ts';
import { installNpm } from './npm.ts';
import { run, works } from './run.ts';
import { type AptSource, SOURCES } from './sources.ts';
import type { Tool } from './tools.ts';

type Install = { readonly folder: string; readonly report: (line: string) => void };

/** @throws with one line that says what to install by hand */
export async function installTool(tool: Tool, { folder, report }: Install): Promise<void> {
  const { apt, brew, go, npm } = SOURCES[tool];
  try {
    if (apt && (await works('apt-get', '--version'))) {
      report(`${tool} is missing: ${describe(apt)}`);
      await installApt(apt, folder);
    } else if (brew && (await works('brew', '--version'))) {
      report(`${tool} is missing: brew install ${brew.join(' ')}`);
      await run('brew', ['install', '--quiet', ...brew]);
    } else if (go && (await works('go', 'version'))) {
      report(`${tool} is missing: building ${go.command} into .edgepulse/tools, which takes a few minutes`);
      await installGo(go, tool, folder);
    } else if (npm && (await works('npm', '--version'))) {
      report(`${tool} is missing: unpacking npm's ${npm.package} into .edgepulse/tools`);
      await installNpm(npm, tool, folder);
    } else {
      const needed = [apt && 'apt-get', brew && 'brew', go && 'go', npm && 'npm'].filter(Boolean);
      throw new Error(`found no ${needed.join(' and no ')}`);
    }
  } catch (cause) {
    const why = cause instanceof Error ? (cause.message.trim().split('\n').at(-1) ?? '') : String(cause);
    throw new Error(
      `${tool} is missing and installing it failed (${why}): install it yourself and put it on the PATH`,
      {
        cause,
      },
    );
  }
}

function describe({ package: name, how }: AptSource): string {
  return how === 'install' ? `apt-get install ${name}` : `unpacking Debian's ${name} into .edgepulse/tools`;
}

async function installApt(source: AptSource, folder: string): Promise<void> {
  const { package: name, how } = source;
  if (how === 'install') await installPackage(name);
  else if (how === 'tree') await unpackTree(source, folder);
  else await unpackFiles(name, filesOf(name), folder);
}

/** The paths of all programs that come from the package. */
function filesOf(name: string): string[] {
  return Object.values(SOURCES).flatMap(({ apt }) => (apt?.package === name ? [apt.path] : []));
}

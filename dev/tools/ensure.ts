/** Finds a program or installs it; as a command (`npm run install-tools`) all of them. */
import { installTool } from './install.ts';
import { ensureKubernetesSchemas } from './kubernetes-schemas.ts';
import { findTool, isOptional, requireTool, TOOLS, TOOLS_FOLDER, type Tool } from './tools.ts';

/**
 * Absolute path of the program, which is installed when it is missing.
 * @throws with one line that says what to install by hand
 */
export async function ensureTool(tool: Tool, report: (line: string) => void): Promise<string> {
  const found = await findTool(tool);
  if (found !== undefined) return found;
  await installTool(tool, { folder: TOOLS_FOLDER, report });
  return requireTool(tool);
}

if (import.meta.main) {
  try {
    for (const tool of TOOLS) {
      await ensureTool(tool, (line) => console.error(line)).catch((error: unknown) => {
        if (!isOptional(tool)) throw error;
        console.error(error instanceof Error ? error.message : error);
      });
    }
    await ensureKubernetesSchemas((line) => console.error(line)).catch((error: Error) => console.error(error.message));
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}

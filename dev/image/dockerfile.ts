/**
 * Reads a Dockerfile into its stages, as far as ours goes: comments, continued lines, ARG, FROM, and instructions with a JSON
 * array or text.
 * @see https://docs.docker.com/reference/dockerfile/
 */

export type Instruction = {
  /** In capitals. */
  readonly name: string;
  /** `--from=build` is `from: build`. */
  readonly flags: { readonly [flag: string]: string };
  /** What is behind the flags. */
  readonly text: string;
  /** The words of the text when it is a JSON array. */
  readonly words: readonly string[] | undefined;
};

export type Stage = { readonly name: string; readonly from: string; readonly instructions: readonly Instruction[] };

export type BuildArgs = { readonly [name: string]: string };

/** @param given build arguments, over the file's defaults. @throws on what it can't read */
export function readDockerfile(text: string, given: BuildArgs = {}): Stage[] {
  const stages: { name: string; from: string; instructions: Instruction[] }[] = [];
  const global: { [name: string]: string } = {};
  let args: { [name: string]: string } = {};
  for (const line of logicalLines(text)) {
    const instruction = readInstruction(line);
    const stage = stages.at(-1);
    if (instruction.name === 'ARG') {
      const [, name = '', value] = /^(\w+)(?:="?(.*?)"?)?$/.exec(instruction.text) ?? [];
      (stage ? args : global)[name] = given[name] ?? value ?? (stage ? (global[name] ?? '') : '');
    } else if (instruction.name === 'FROM') {
      const [, from = '', name = ''] = /^(\S+) AS (\S+)$/.exec(substitute(instruction.text, global)) ?? [];
      if (name === '') throw new Error(`FROM without a name: ${line}`);
      stages.push({ name, from, instructions: [] });
      args = {};
    } else if (stage) {
      // The shell of a RUN knows the arguments as variables.
      const isForShell = instruction.name === 'RUN' || instruction.words !== undefined;
      const after = isForShell ? instruction.text : substitute(instruction.text, args);
      stage.instructions.push({ ...instruction, text: after });
      if (instruction.name === 'RUN') stage.instructions.splice(-1, 0, argsBefore(args));
    } else throw new Error(`before the first FROM: ${line}`);
  }
  return stages;
}

/** The build arguments that the next RUN has in its environment. */
function argsBefore(args: BuildArgs): Instruction {
  return { name: 'ARGS', flags: { ...args }, text: '', words: undefined };
}

function logicalLines(text: string): string[] {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line));
  return lines
    .join('\n')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n');
}

function readInstruction(line: string): Instruction {
  const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? [];
  if (name === '') throw new Error(`is no instruction: ${line}`);
  const flags: { [flag: string]: string } = {};
  const text = rest.replace(/^(?:--\S+\s+)+/, (all) => {
    for (const [, flag = '', value = ''] of all.matchAll(/--([\w-]+)=(\S+)/g)) flags[flag] = value;
    return '';
  });
  const array = text.replace(/^CMD\s+(?=\[)/, '');
  return { name, flags, text, words: array.startsWith('[') ? (JSON.parse(array) as string[]) : undefined };
}

function substitute(text: string, args: BuildArgs): string {
  return text.replaceAll(/\$\{(\w+)\}/g, (_, name: string) => args[name] ?? '');
}

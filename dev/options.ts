/** The command line of a tool: `--help`, and one clear line for what is no option, in place of a stack trace. */
import { type ParseArgsOptionsConfig, parseArgs } from 'node:util';

export type Usage<Options extends ParseArgsOptionsConfig> = {
  /** As it is typed: `npm run rules`. */
  readonly name: string;
  /** What it does, in whole sentences. */
  readonly summary: string;
  readonly options: Options;
  /** What each option is for, in the order in which they are listed; a word in capitals is its value. */
  readonly help: { readonly [Name in keyof Options & string]: string };
};

type Values<Options extends ParseArgsOptionsConfig> = ReturnType<typeof parseArgs<{ options: Options }>>['values'];

/** Prints the help and ends this process, or says what is wrong and ends it with code 2, or returns the options. */
export function readOptions<const Options extends ParseArgsOptionsConfig>(usage: Usage<Options>): Values<Options> {
  const { name, options } = usage;
  // Before the options are parsed: help is help also beside a mistake.
  if (process.argv.slice(2).some((arg) => arg === '--help' || arg === '-h')) {
    console.log(helpText(usage));
    process.exit(0);
  }
  try {
    return parseArgs({ options }).values as Values<Options>;
  } catch (error) {
    console.error(`${firstSentence(error)} Run "${name} -- --help" for usage.`);
    process.exit(2);
  }
}

function helpText<Options extends ParseArgsOptionsConfig>({ name, summary, help }: Usage<Options>): string {
  const lines = Object.entries<string>(help).map(([option, text]): [string, string] => {
    const [value, rest] = /^([A-Z]+)(?:: )(.*)$/s.exec(text)?.slice(1) ?? [undefined, text];
    return [`--${option}${value === undefined ? '' : ` ${value}`}`, rest ?? ''];
  });
  const width = Math.max(...lines.map(([option]) => option.length), '-h, --help'.length);
  const listed = [...lines, ['-h, --help', 'print this and exit']].map(
    ([option = '', text = '']) => `  ${option.padEnd(width)}   ${text}`,
  );
  return `usage: ${name} -- [options]\n\n${summary}\n\noptions:\n${listed.join('\n')}`;
}

/** Node's messages go on to explain how an argument that begins with a dash would be given. */
function firstSentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return `${message.split(/\.\s/)[0]?.replace(/\.$/, '')}.`;
}

/** Files of `NAME=value` lines, as systemd and compose read them. */

/** Without comments. @throws with a line that is neither a setting, a comment nor empty */
export function readEnvText(text: string): { [name: string]: string } {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => {
      const [, name, value] = /^([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? [];
      if (name === undefined || value === undefined) throw new Error(`is no setting: ${line}`);
      return [name, value];
    }),
  );
}

/** The settings that are commented out, too. */
export function namesInEnvText(text: string): string[] {
  return [...text.matchAll(/^#?([A-Z][A-Z0-9_]*)=/gm)].map(([, name = '']) => name);
}

/** Reads the lines of format 0.0.4 that this process itself writes. */

export type LabelPair = { readonly name: string; readonly value: string };

type Comment = { readonly kind: string; readonly name: string; readonly text: string };

/** `# HELP name text`: the text with its escapes undone. */
export function parseComment(line: string): Comment {
  const [, kind = '', name = '', text = ''] = /^# (\w+) (\S+) ?(.*)$/s.exec(line) ?? [];
  return { kind, name, text: unescaped(text) };
}

/** `region="apac",server_type="webrtc"` */
export function parseLabels(text: string): LabelPair[] {
  const labels: LabelPair[] = [];
  for (let at = 0; at < text.length; ) {
    const equals = text.indexOf('=', at);
    const start = equals + 2;
    let end = text.indexOf('"', start);
    while (isEscaped(text, end)) end = text.indexOf('"', end + 1);
    const value = text.slice(start, end);
    labels.push({ name: text.slice(at, equals), value: value.includes('\\') ? unescaped(value) : value });
    at = end + 2;
  }
  return labels;
}

export function parseNumber(text: string): number {
  if (text === '+Inf') return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

/** Whether the quote has an odd number of backslashes before it. */
function isEscaped(text: string, quote: number): boolean {
  let backslashes = 0;
  while (text[quote - 1 - backslashes] === '\\') backslashes++;
  return backslashes % 2 === 1;
}

function unescaped(value: string): string {
  return value.replaceAll(/\\(.)/gs, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}

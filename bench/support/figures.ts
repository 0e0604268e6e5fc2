/** What every benchmark does with its numbers: medians, and rows that line up. */

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export type Figure = {
  readonly what: string;
  readonly value: string;
  /** What it should be, and whether it is. */
  readonly target?: { readonly text: string; readonly met: boolean };
};

export function printFigures(title: string, figures: readonly Figure[]): void {
  console.log(`\n${title}`);
  for (const { what, value, target } of figures) {
    const verdict = target ? `  ${target.met ? 'met' : 'NOT MET'}: ${target.text}` : '';
    console.log(`  ${what.padEnd(58)} ${value.padStart(16)}${verdict}`);
  }
}

export function count(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

export function milliseconds(value: number): string {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

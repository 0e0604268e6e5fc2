/**
 * The exposition formats: text 0.0.4 and OpenMetrics 1.0, which differ in the header of a family
 * alone. Label values are escaped here, wherever they come from: a LabelText can be made in no
 * other way.
 * https://prometheus.io/docs/instrumenting/exposition_formats/
 */
import type { Description, Labels } from './family.ts';

declare const escaped: unique symbol;

/** Labels as they are written, without braces: `region="apac",server_type="webrtc"`. */
export type LabelText = string & { readonly [escaped]: true };

/** One label's value as it is written between quotes. */
export type LabelValue = string & { readonly [escaped]: true };

/** A sample's text up to the value of its last label: `name{region="apac",peer_id="`. */
export type OpenSample = string & { readonly [escaped]: true };

/** A histogram as it is written: counts of values at most each bound, and all of them. */
export type Buckets = {
  readonly bounds: readonly number[];
  readonly cumulative: readonly number[];
  readonly count: number;
  readonly sum: number;
};

export function headerText({ name, type, unit, help }: Omit<Description, 'labels'>, openMetrics: boolean): string {
  // OpenMetrics names a counter's family without the suffix of its samples.
  const family = openMetrics && type === 'counter' ? name.replace(/_total$/, '') : name;
  const unitLine = openMetrics && unit !== '' && family.endsWith(`_${unit}`) ? `# UNIT ${family} ${unit}\n` : '';
  return `# HELP ${family} ${escapeHelp(help, openMetrics)}\n# TYPE ${family} ${type}\n${unitLine}`;
}

export function labelText(labels: Labels): LabelText {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabelValue(value)}"`);
  return pairs.join(',') as LabelText;
}

export function joinLabels(...parts: readonly LabelText[]): LabelText {
  return parts.filter((part) => part !== '').join(',') as LabelText;
}

export function sampleText(name: string, labels: LabelText, value: number): string {
  return labels === '' ? `${name} ${numberText(value)}\n` : `${name}{${labels}} ${numberText(value)}\n`;
}

/**
 * For families with a line for each of a million peers: what the samples that differ only in their
 * last label have in common is put together once, and each is ended by {@link closeSample}.
 * @param labels names of the labels after the ones given as text; all but the last one's value are given too
 */
export function sampleOpener(
  name: string,
  ...labels: readonly [string] | readonly [string, string]
): (before: LabelText, value?: LabelValue) => OpenSample {
  const start = `${name}{`;
  const [first, second] = labels.map((label) => `,${label}="`);
  if (second === undefined) return (before) => (start + before + first) as OpenSample;
  const between = `"${second}`;
  return (before, value) => (start + before + first + value + between) as OpenSample;
}

export function closeSample(open: OpenSample, labelValue: LabelValue, value: number): string {
  return `${open}${labelValue}"} ${numberText(value)}\n`;
}

export function histogramText(name: string, labels: LabelText, { bounds, cumulative, count, sum }: Buckets): string {
  const bucket = `${name}_bucket{${labels === '' ? '' : `${labels},`}le="`;
  let lines = '';
  for (let i = 0; i < bounds.length; i++) lines += `${bucket}${bounds[i]}"} ${cumulative[i]}\n`;
  lines += `${bucket}+Inf"} ${count}\n`;
  return lines + sampleText(`${name}_sum`, labels, sum) + sampleText(`${name}_count`, labels, count);
}

const TO_ESCAPE = /["\\\n]/;

export function escapeLabelValue(value: string): LabelValue {
  // Ids and nearly every other value need nothing, and looking is cheaper than replacing.
  return (TO_ESCAPE.test(value) ? escapeBackslashes(value).replaceAll('"', '\\"') : value) as LabelValue;
}

function escapeHelp(help: string, openMetrics: boolean): string {
  return openMetrics ? escapeBackslashes(help).replaceAll('"', '\\"') : escapeBackslashes(help);
}

function escapeBackslashes(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return `${value}`;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

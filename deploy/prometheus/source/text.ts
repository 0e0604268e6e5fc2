/** Pieces of the texts of alerts, in Prometheus' templates: figures, and words where a figure is not known. */
import { lately } from './expressions.ts';

const FORMATS = {
  count: 'printf "%.0f"',
  percent: 'humanizePercentage',
  duration: 'humanizeDuration',
} as const;

type Format = keyof typeof FORMATS;

/** The alert's own value. */
export function valueAs(format: Format): string {
  return `{{ $value | ${FORMATS[format]} }}`;
}

/** The value of a recorded series of the alert's region; `matchers` choose it further. */
export function figure(series: string, format: Format, matchers = ''): string {
  return `{{ with ${ofRegion(series, matchers)} }}{{ . | first | value | ${FORMATS[format]} }}{{ else }}an unknown number{{ end }}`;
}

/** The value of a label that has most of a recorded series, of the alert's region. */
export function most(series: string, label: string, matchers = ''): string {
  return `{{ with ${ofRegion(series, matchers, 'topk(1, %) > 0')} }}{{ . | first | label "${label}" }}{{ else }}unknown{{ end }}`;
}

function ofRegion(series: string, matchers: string, around = '%'): string {
  const selector = `${series}{${["region='%s'", matchers].filter(Boolean).join(',')}}`;
  return `printf "${around.replace('%', () => lately(selector))}" $labels.region | query`;
}

/** In the docs and in texts: 0.05 is 5 %. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

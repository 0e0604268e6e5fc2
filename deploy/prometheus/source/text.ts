/** Pieces of the texts of alerts, in Prometheus' templates: figures, and words where a figure is not known. */
import { lately } from './expressions.ts';

const OF_VALUE = {
  count: 'printf "%.0f"',
  percent: 'humanizePercentage',
  duration: 'humanizeDuration',
} as const;

/** The alert's own value. */
export function valueAs(format: keyof typeof OF_VALUE): string {
  return `{{ $value | ${OF_VALUE[format]} }}`;
}

/** Templates can't multiply, so the query does. */
const OF_FIGURE = {
  count: { around: '%', format: '%.0f' },
  percent: { around: '100 * %', format: '%.1f%%' },
  milliseconds: { around: '1000 * %', format: '%.0f ms' },
} as const;

/** The value of a recorded series of the alert's region. */
export function figure(series: string, as: keyof typeof OF_FIGURE): string {
  const { around, format } = OF_FIGURE[as];
  return `{{ with ${ofRegion({ series, around })} }}{{ . | first | value | printf "${format}" }}{{ else }}an unknown number{{ end }}`;
}

/** The value of a label that has most of a recorded series, of the alert's region. */
export function most(series: string, label: string, matchers = ''): string {
  return `{{ with ${ofRegion({ series, matchers, around: 'topk(1, %) > 0' })} }}{{ . | first | label "${label}" }}{{ else }}unknown{{ end }}`;
}

function ofRegion({ series, around, matchers = '' }: { series: string; around: string; matchers?: string }): string {
  const selector = `${series}{${["region='%s'", matchers].filter(Boolean).join(',')}}`;
  return `printf "${around.replace('%', () => lately(selector))}" $labels.region | query`;
}

/** In the docs and in texts: 0.05 is 5 %. */
export function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}

/**
 * The text of a family that prom-client collected. Ours, because a registry of prom-client speaks
 * either text 0.0.4 or OpenMetrics and not both at once, and because it writes NaN as `Nan`.
 */

/** What prom-client's `get()` gives; its type declarations leave out the sample names of histograms. */
export type Collected = {
  readonly name: string;
  readonly help: string;
  readonly type: unknown;
  readonly values: readonly {
    readonly metricName?: string;
    readonly labels: { readonly [label: string]: string | number | undefined };
    readonly value: number;
  }[];
};

/** @param openMetrics OpenMetrics 1.0 rather than text 0.0.4 */
export function familyText({ name, help, type, values }: Collected, openMetrics: boolean): string {
  // OpenMetrics names a counter's family without the suffix of its sample.
  const family = openMetrics && type === 'counter' ? name.replace(/_total$/, '') : name;
  let text = `# HELP ${family} ${escapeHelp(help)}\n# TYPE ${family} ${type}\n`;
  for (const { metricName = name, labels, value } of values) {
    // Not known, for example the lag of an event loop that has not turned since the last scrape: absent.
    if (!Number.isFinite(value)) continue;
    const pairs = Object.entries(labels).map(([label, of]) => `${label}="${escapeValue(`${of}`)}"`);
    text += `${metricName}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}\n`;
  }
  return text;
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

function escapeValue(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"');
}

/** Grafana's dashboards as tests read them: their expressions, as Grafana sends them to Prometheus. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join(import.meta.dirname, '..', '..', '..', 'deploy', 'grafana', 'dashboards');

/** What is read of the JSON model: https://grafana.com/docs/grafana/latest/visualizations/dashboards/build-dashboards/view-dashboard-json-model/ */
export type Dashboard = {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: { readonly list: readonly Variable[] };
  readonly annotations: {
    readonly list?: readonly (Target & { readonly name: string; readonly datasource?: DataSource })[];
  };
};

export type DataSource = { readonly type: string; readonly uid: string };
export type Target = { readonly refId?: string; readonly expr?: string; readonly datasource?: DataSource };
export type Link = { readonly title: string; readonly url: string };

export type Panel = {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly datasource?: DataSource;
  readonly targets?: readonly Target[];
  readonly transformations?: readonly {
    readonly id: string;
    readonly options: { readonly renameByName?: Readonly<Record<string, string>> };
  }[];
  readonly fieldConfig?: {
    readonly defaults: { readonly unit?: string; readonly noValue?: string; readonly links?: readonly Link[] };
    readonly overrides: readonly {
      readonly matcher: { readonly options: string };
      readonly properties: readonly { readonly id: string; readonly value: unknown }[];
    }[];
  };
};

export type Variable = {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
  readonly allValue?: string;
  readonly datasource?: DataSource;
};

/** An expression, and where it stands. */
export type Expression = { readonly place: string; readonly expr: string };

/** What a variable is set to. Without a choice it is set to all, where the dashboard says what that is. */
export type Choices = { readonly [variable: string]: readonly string[] };

export function readDashboards(): Dashboard[] {
  return readdirSync(FOLDER).map((file) => JSON.parse(readFileSync(join(FOLDER, file), 'utf8')) as Dashboard);
}

/** Of panels, annotations and variables; of a variable, the selector whose labels it lists. */
export function expressionsOf(dashboard: Dashboard): Expression[] {
  const place = (where: string) => `${dashboard.title}: ${where}`;
  return [
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ refId, expr = '' }) => ({ place: place(`${title} ${refId}`), expr })),
    ),
    ...(dashboard.annotations.list ?? []).map(({ name, expr = '' }) => ({ place: place(`annotation ${name}`), expr })),
    ...dashboard.templating.list.flatMap((variable) => {
      const values = labelValues(variable);
      return values ? [{ place: place(`variable ${variable.name}`), expr: values.selector }] : [];
    }),
  ];
}

/** Of a variable that lists the values of a label: of which, and of which series. */
export function labelValues({ query }: Variable): { readonly selector: string; readonly label: string } | undefined {
  const text = typeof query === 'string' ? query : query.query;
  const [, selector, label] = /^label_values\((.+), *(\w+)\)$/.exec(text) ?? [];
  return selector === undefined || label === undefined ? undefined : { selector, label };
}

/**
 * With its variables replaced as Grafana's data source of Prometheus does it: a variable of several values is a regular
 * expression of them, escaped once for the expression and once for its string.
 */
export function interpolate(expr: string, dashboard: Dashboard, choices: Choices, rateInterval = '1m'): string {
  const variables = dashboard.templating.list.map(({ name, allValue }): [string, string | undefined] => {
    const chosen = choices[name];
    return [name, chosen ? regularExpression(chosen) : allValue];
  });
  const values = new Map([...variables, ['__rate_interval', rateInterval] as const]);
  return expr.replaceAll(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const name = braced ?? bare ?? '';
    const value = values.get(name);
    if (value === undefined) throw new Error(`nothing is chosen for ${name}: ${expr}`);
    return value;
  });
}

function regularExpression(values: readonly string[]): string {
  const escaped = values.map((value) => value.replaceAll('\\', '\\\\\\\\').replaceAll(/[$^*{}[\]'+?.()|]/g, '\\\\$&'));
  return escaped.length === 1 ? `${escaped}` : `(${escaped.join('|')})`;
}

/** The generated dashboards as Grafana would load them: what can be checked without it. */
import { describe, expect, it } from 'vitest';
import { readChoice } from '../../aggregator/board/page/address.js';
import {
  type Dashboard,
  expressionsOf,
  interpolate,
  type Link,
  labelValues,
  type Panel,
  readDashboards,
} from '../../test/support/metrics/dashboards.ts';
import { unknownNames } from '../../test/support/metrics/metric-labels.ts';
import { recordedNames } from '../../test/support/metrics/rule-expressions.ts';
import { DEFAULT_BOARD } from './source/dashboard.ts';

const dashboards = readDashboards();
const PROCESS = ['process_cpu_seconds_total', 'process_resident_memory_bytes', 'nodejs_eventloop_lag_max_seconds'];
const KNOWN = new Map([...recordedNames(), ...PROCESS.map((name) => [name, []] as const)]);
/** Of Grafana: https://grafana.com/docs/grafana/latest/dashboards/variables/add-template-variables/#global-variables */
const GLOBAL_VARIABLES = ['__rate_interval', '__url_time_range'];

it('has the four dashboards, each with an address of its own', () => {
  expect(dashboards.map(({ title }) => title).sort()).toEqual([
    'NetEQ health',
    'Participation and connections',
    'RTT SLOs',
    'edgepulse itself',
  ]);
  expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(4);
});

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_, dashboard) => {
  const panels = dashboard.panels.filter(({ type }) => type !== 'row');

  it('places its panels on the grid, none upon another', () => {
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const taken = new Map<string, string>();
    for (const { title, gridPos } of dashboard.panels) {
      expect(gridPos.x + gridPos.w, title).toBeLessThanOrEqual(24);
      for (const cell of cellsOf(gridPos)) {
        expect(taken.get(cell), `${title} at ${cell}`).toBeUndefined();
        taken.set(cell, title);
      }
    }
  });

  it('gives each panel a question, a unit and a word for unknown, and the chosen data source', () => {
    const chosen = { type: 'prometheus', uid: '${datasource}' };
    for (const { title, description, datasource, targets = [], fieldConfig } of panels) {
      expect(description, title).toContain('?');
      const noValue = title === 'Alerts that fire' ? 'no alert fires' : 'unknown';
      expect(fieldConfig?.defaults, title).toMatchObject({ noValue, unit: expect.any(String) });
      expect([datasource, ...targets.map((target) => target.datasource)], title).toEqual(
        Array(targets.length + 1).fill(chosen),
      );
      expect(new Set(targets.map(({ refId }) => refId)).size, title).toBe(targets.length);
    }
    for (const { name, type, datasource } of dashboard.templating.list) {
      if (type === 'query') expect(datasource, name).toEqual(chosen);
    }
  });

  it('names only what /metrics has, in PromQL', () => {
    for (const { place, expr } of expressionsOf(dashboard)) {
      expect(unknownNames(interpolate(expr, dashboard, { job: ['edgepulse'] }), KNOWN), place).toEqual([]);
    }
    for (const variable of dashboard.templating.list) {
      const values = labelValues(variable);
      if (values)
        expect(unknownNames(`count by (${values.label}) (${values.selector.replaceAll('$', '')})`)).toEqual([]);
    }
  });

  it('counts each series once, whatever the number of replicas, and takes no rate of a gauge', () => {
    for (const { place, expr } of panels.flatMap((panel) => expressionsOf({ ...dashboard, panels: [panel] }))) {
      // Recorded series are counted once by their rules.
      if (!/(?<!:)\bedgepulse_(?!build_info|series_bound)/.test(expr) || place.includes('variable')) continue;
      expect(expr, place).toContain('max without (instance, pod) (');
      if (expr.includes('edgepulse_live_')) expect(expr, place).not.toMatch(/rate\(|increase\(/);
    }
  });

  it('links to what exists', () => {
    for (const panel of panels) {
      for (const { url } of panel.fieldConfig?.defaults.links ?? []) checkLink(url, panel, dashboard);
      for (const { properties } of panel.fieldConfig?.overrides ?? []) {
        const links = properties.find(({ id }) => id === 'links')?.value as readonly Link[] | undefined;
        for (const { url } of links ?? []) checkLink(url, panel, dashboard);
      }
    }
  });
});

function cellsOf({ x, y, w, h }: Panel['gridPos']): string[] {
  return Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`);
}

/** A dashboard and panel that exist, variables that exist there and here, and labels that the panel's series have. */
function checkLink(url: string, panel: Panel, from: Dashboard): void {
  const [, uid] = /^\/d\/([\w-]+)\?/.exec(url) ?? [];
  const to = uid === undefined ? undefined : dashboards.find((dashboard) => dashboard.uid === uid);
  expect(to !== undefined || url.startsWith('${board:raw}/?'), `${panel.title}: ${url}`).toBe(true);
  const names = (dashboard: Dashboard) => dashboard.templating.list.map(({ name }) => name);
  for (const [, name = ''] of url.matchAll(/\$\{(\w+)(?::\w+)?\}/g)) {
    expect([...GLOBAL_VARIABLES, ...names(from)], url).toContain(name);
    if (to) expect([...GLOBAL_VARIABLES, ...names(to)], url).toContain(name);
  }
  for (const [, name = ''] of url.matchAll(/[?&]var-(\w+)=/g)) expect(names(to ?? from), url).toContain(name);
  if (!to) checkBoardLink(url);
  const [, viewPanel] = /viewPanel=(\d+)/.exec(url) ?? [];
  if (viewPanel) expect(to?.panels.map(({ id }) => id)).toContain(Number(viewPanel));
  for (const [, label = ''] of url.matchAll(/\$\{__(?:field\.labels|data\.fields)\.(\w+)\}/g)) {
    const columns = panel.transformations?.find(({ id }) => id === 'organize')?.options.renameByName ?? {
      [label]: label,
    };
    expect(Object.keys(columns), `${panel.title}: ${label}`).toContain(label);
    // Each of the panel's queries keeps the label: by its grouping, or because it aggregates nothing away.
    for (const { expr = '' } of panel.targets ?? []) {
      const keeps = /^(?:topk|max without|region:)/.test(expr) || new RegExp(`by \\([^)]*\\b${label}\\b`).test(expr);
      expect(keeps, `${panel.title}: ${label} of ${expr}`).toBe(true);
    }
  }
}

/** The board understands each choice that its address makes. */
function checkBoardLink(url: string): void {
  const { search, searchParams } = new URL(url.replace('${board:raw}', DEFAULT_BOARD).replaceAll(/\$\{[^}]+\}/g, 'x'));
  const choice: Readonly<Record<string, string>> = readChoice(search);
  for (const [name, value] of searchParams) expect(choice[name], url).toBe(value);
}

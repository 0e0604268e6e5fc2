/** The kinds of panels that the dashboards are made of, with what all of them share. */
import {
  AxisPlacement,
  BigValueColorMode,
  BigValueGraphMode,
  BigValueTextMode,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
  LegendDisplayMode,
  LegendPlacement,
  LineStyleBuilder,
  ReduceDataOptionsBuilder,
  SortOrder,
  StackingConfigBuilder,
  StackingMode,
  TableSortByFieldStateBuilder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  type DashboardLink,
  type DataTransformerConfig,
  type DynamicConfigValue,
  FieldColorBuilder,
  FieldColorModeId,
  type Panel,
  type Threshold,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import * as heatmapPanel from '@grafana/grafana-foundation-sdk/heatmap';
import { DataqueryBuilder, PromQueryFormat } from '@grafana/grafana-foundation-sdk/prometheus';
import * as statPanel from '@grafana/grafana-foundation-sdk/stat';
import * as tablePanel from '@grafana/grafana-foundation-sdk/table';
import * as timeseriesPanel from '@grafana/grafana-foundation-sdk/timeseries';
import type { Objective } from '../../../shared/objectives.ts';
import type { DataLink } from './links.ts';

/** Of Grafana: https://grafana.com/docs/grafana/latest/panels-visualizations/configure-standard-options/ */
export type Unit = 's' | 'percentunit' | 'short' | 'ops' | 'bytes' | 'none' | 'cpm' | 'fps';

export type Target = {
  readonly expr: string;
  /** Of the series, `{{region}}` for its label. */
  readonly legend: string;
};

export type PanelOptions = {
  readonly title: string;
  /** The question that the panel answers, and what to do with the answer. */
  readonly description: string;
  readonly unit: Unit;
  /** Of the grid's 24 columns. */
  readonly width: number;
  readonly links?: readonly DataLink[];
  /** What an empty panel says, where that is not that nothing is known. */
  readonly noValue?: string;
};

export const DATASOURCE = { type: 'prometheus', uid: '${datasource}' };
/** A family is absent while its figure is unknown: an empty panel means that, and not zero. */
const NO_VALUE = 'unknown';
const STAT_HEIGHT = 4;
const GRAPH_HEIGHT = 8;
const TABLE_HEIGHT = 8;
const COLORS = { good: 'green', warn: '#EAB839', bad: 'red' } as const;

export type StatOptions = PanelOptions & {
  readonly expr: string;
  /** Of the value: from which on it is a warning, and bad. */
  readonly limits?: Partial<Objective>;
  readonly mappings?: readonly ValueMapping[];
  /** A series each, by this legend. */
  readonly legend?: string;
};

export function stat(options: StatOptions): Panel {
  const { expr, limits, mappings = [], legend } = options;
  const panel = new statPanel.PanelBuilder()
    .colorMode(limits || mappings.length > 0 ? BigValueColorMode.Background : BigValueColorMode.None)
    .graphMode(legend ? BigValueGraphMode.None : BigValueGraphMode.Area)
    .textMode(legend ? BigValueTextMode.ValueAndName : BigValueTextMode.Value)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']))
    .mappings([...mappings])
    .thresholds(absolute(stepsOf(limits ?? {}, COLORS.good)))
    .withTarget(query({ expr, legend: legend ?? '' }, 0));
  return finish(panel.build(), options, STAT_HEIGHT);
}

export type GraphOptions = PanelOptions & {
  readonly targets: readonly Target[];
  /** Drawn as dashed lines. */
  readonly objective?: Objective;
  /** Parts of a whole, one upon the other. */
  readonly stacked?: boolean;
  readonly max?: number;
  /** Series to draw dashed, by a regular expression of their names: what the others are compared with. */
  readonly dashed?: string;
};

export function graph(options: GraphOptions): Panel {
  const { targets, objective, stacked = false, max, dashed } = options;
  const panel = new timeseriesPanel.PanelBuilder()
    .min(0)
    .axisSoftMin(0)
    .lineWidth(stacked ? 1 : 2)
    .fillOpacity(stacked ? 40 : 0)
    .showPoints(VisibilityMode.Never)
    .spanNulls(false)
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.PaletteClassicByName))
    .legend(
      new VizLegendOptionsBuilder()
        .showLegend(true)
        .displayMode(LegendDisplayMode.Table)
        .placement(LegendPlacement.Bottom)
        .calcs(['lastNotNull', 'max']),
    )
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .targets(targets.map(query));
  if (max !== undefined) panel.max(max);
  if (stacked) panel.stacking(new StackingConfigBuilder().mode(StackingMode.Normal));
  if (objective) {
    panel
      .thresholds(absolute(stepsOf(objective, 'transparent')))
      .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed))
      // The line of the objective is in sight also while everything is well below it.
      .axisSoftMax(objective.bad * 1.1);
  }
  if (dashed) panel.overrideByRegexp(dashed, [lineStyle()]);
  return finish(panel.build(), options, GRAPH_HEIGHT);
}

export type HeatmapOptions = PanelOptions & {
  /** Counts by `le`. */
  readonly expr: string;
};

export function heatmap(options: HeatmapOptions): Panel {
  const panel = new heatmapPanel.PanelBuilder()
    .calculate(false)
    .color(
      new heatmapPanel.HeatmapColorOptionsBuilder()
        .mode(heatmapPanel.HeatmapColorMode.Scheme)
        .scheme('Viridis')
        .steps(64),
    )
    .yAxis(new heatmapPanel.YAxisConfigBuilder().unit(options.unit).axisPlacement(AxisPlacement.Left))
    .cellGap(0)
    .showLegend()
    .tooltip(new heatmapPanel.HeatmapTooltipBuilder().mode(TooltipDisplayMode.Single).yHistogram(true))
    .withTarget(query({ expr: options.expr, legend: '{{le}}' }, 0).format(PromQueryFormat.Heatmap));
  return finish(panel.build(), options, GRAPH_HEIGHT);
}

export type Column = {
  /** A label, or the figure of the query with that number. */
  readonly of: string | number;
  readonly name: string;
  readonly unit?: Unit;
  /** Colours the figure. */
  readonly objective?: Objective;
  readonly links?: readonly DataLink[];
};

export type TableOptions = Omit<PanelOptions, 'unit'> & {
  /** Instant queries, joined by their labels. */
  readonly exprs: readonly string[];
  /** In their order; other labels are left out. */
  readonly columns: readonly Column[];
  /** Of the column to sort by, worst first. */
  readonly sortBy: string;
  readonly height?: number;
};

export function table(options: TableOptions): Panel {
  const { exprs, columns, sortBy } = options;
  const panel = new tablePanel.PanelBuilder()
    .targets(exprs.map((expr, i) => query({ expr, legend: '' }, i).instant().format(PromQueryFormat.Table)))
    .transformations(joined(columns, exprs.length))
    .sortBy([new TableSortByFieldStateBuilder().displayName(sortBy).desc(true)])
    .colorScheme(new FieldColorBuilder().mode(FieldColorModeId.Thresholds))
    .thresholds(absolute(stepsOf({}, COLORS.good)))
    .filterable(true);
  for (const column of columns) {
    const properties = columnProperties(column);
    if (properties.length > 0) panel.overrideByName(column.name, properties);
  }
  return finish(panel.build(), { ...options, unit: 'short' }, options.height ?? TABLE_HEIGHT);
}

export const FEED_STATES: readonly ValueMapping[] = [
  {
    type: 'value',
    options: { 0: { text: 'down or behind', color: COLORS.bad }, 1: { text: 'up', color: COLORS.good } },
  } as ValueMapping,
];

function finish(panel: Panel, options: PanelOptions, height: number): Panel {
  const { title, description, unit, width, links = [], noValue = NO_VALUE } = options;
  const { defaults, overrides } = panel.fieldConfig ?? { defaults: {}, overrides: [] };
  return {
    ...panel,
    title,
    description,
    datasource: DATASOURCE,
    gridPos: { x: 0, y: 0, w: width, h: height },
    fieldConfig: { defaults: { ...defaults, unit, noValue, ...linked(links) }, overrides },
  };
}

/** The SDK takes links of data for links of dashboards, which have members that Grafana does not read here. */
function linked(links: readonly DataLink[]): { links?: DashboardLink[] } {
  return links.length === 0 ? {} : { links: links as unknown as DashboardLink[] };
}

function query({ expr, legend }: Target, index: number): DataqueryBuilder {
  return new DataqueryBuilder().datasource(DATASOURCE).expr(expr).legendFormat(legend).refId(refId(index));
}

function refId(index: number): string {
  return String.fromCharCode('A'.charCodeAt(0) + index);
}

function fieldOf({ of }: Column): string {
  return typeof of === 'number' ? `Value #${refId(of)}` : of;
}

/** One row for each set of labels; a table of a single query calls its figure `Value`, which merging does not rename. */
function joined(columns: readonly Column[], queries: number): DataTransformerConfig[] {
  const field = (column: Column) => (queries === 1 && typeof column.of === 'number' ? 'Value' : fieldOf(column));
  const names = columns.map(({ name }) => name);
  return [
    { id: 'merge', options: {} },
    {
      id: 'organize',
      options: {
        indexByName: Object.fromEntries(columns.map((column, i) => [field(column), i])),
        renameByName: Object.fromEntries(columns.map((column) => [field(column), column.name])),
      },
    },
    { id: 'filterFieldsByName', options: { include: { names } } },
  ];
}

function columnProperties({ unit, objective, links }: Column): DynamicConfigValue[] {
  const properties: DynamicConfigValue[] = [];
  if (unit) properties.push({ id: 'unit', value: unit });
  if (objective) {
    properties.push(
      { id: 'thresholds', value: absolute(stepsOf(objective, 'transparent')).build() },
      { id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } },
    );
  }
  if (links) properties.push({ id: 'links', value: links });
  return properties;
}

/** A value of a step's threshold or more has its colour. */
function stepsOf({ warn, bad }: Partial<Objective>, base: string): Threshold[] {
  const steps: Threshold[] = [{ value: null, color: base }];
  if (warn !== undefined) steps.push({ value: warn, color: COLORS.warn });
  if (bad !== undefined) steps.push({ value: bad, color: COLORS.bad });
  return steps;
}

function absolute(steps: Threshold[]): ThresholdsConfigBuilder {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

function lineStyle(): DynamicConfigValue {
  return { id: 'custom.lineStyle', value: new LineStyleBuilder().fill('dash').dash([8, 8]).build() };
}

/** What all dashboards share: their variables, the grid, links to each other. */
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  type Panel,
  QueryVariableBuilder,
  RowBuilder,
  type RowPanel,
  TextBoxVariableBuilder,
  VariableRefresh,
  VariableSort,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { alertAnnotation, firingAlerts } from './alerts.ts';
import { dashboardLinks, TAG } from './links.ts';
import { DATASOURCE } from './panels.ts';

export type DashboardOptions = {
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** Beside those that all dashboards have: the values of a label. */
  readonly variables?: readonly LabelVariable[];
  readonly rows: readonly Row[];
};

type LabelVariable = {
  /** Of the label, too. */
  readonly name: string;
  readonly title: string;
  /** Series that have it. */
  readonly selector: string;
  /** What "All" stands for, by default the values that are known. */
  readonly allValue?: string;
};

export type Row = {
  readonly title: string;
  /** From the left to the right, then in the next line; those of one line have one height. */
  readonly panels: readonly Panel[];
};

const COLUMNS = 24;
/** Where the board is, until somebody enters something else: where `npm start` has it. */
export const DEFAULT_BOARD = 'http://127.0.0.1:9464';

/** All of them, also one that appears while the dashboard is open. */
const ANY = '.+';

/** Their families stay while a feed is down, when the live ones are withdrawn. */
const FILTER_VARIABLES: readonly LabelVariable[] = [
  { name: 'region', title: 'Region', selector: 'edgepulse_feed_up', allValue: ANY },
  {
    name: 'server_type',
    title: 'Server type',
    selector: 'edgepulse_rtt_seconds_count{region=~"$region"}',
    allValue: ANY,
  },
  {
    name: 'server_url',
    title: 'Server',
    selector: 'edgepulse_rtt_seconds_count{region=~"$region", server_type=~"$server_type"}',
    allValue: ANY,
  },
];

/** @param board address of the aggregator whose board the links open */
export function createDashboard(
  { uid, title, description, variables = [], rows }: DashboardOptions,
  board: string,
): Dashboard {
  const dashboard = new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags([TAG])
    .timezone('browser')
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('10s')
    .links(dashboardLinks())
    .annotation(alertAnnotation())
    .variables([
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
      ...[...FILTER_VARIABLES, ...variables].map(labelVariable),
      new TextBoxVariableBuilder('board').label('Board').defaultValue(board).current({ text: board, value: board }),
    ])
    .build();
  const [first, ...others] = rows;
  const withAlerts = first ? [{ ...first, panels: [...first.panels, firingAlerts()] }, ...others] : [];
  return { ...dashboard, panels: placed(withAlerts) };
}

function labelVariable({ name, title, selector, allValue }: LabelVariable): QueryVariableBuilder {
  const query = `label_values(${selector}, ${name})`;
  const variable = new QueryVariableBuilder(name)
    .label(title)
    .datasource(DATASOURCE)
    .query({ qryType: 1, query, refId: 'PrometheusVariableQueryEditor-VariableQuery' })
    .definition(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .sort(VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    .current({ selected: true, text: ['All'], value: ['$__all'] });
  return allValue === undefined ? variable : variable.allValue(allValue);
}

/** Each row's title, and below it its panels in lines. */
function placed(rows: readonly Row[]): (Panel | RowPanel)[] {
  const all: (Panel | RowPanel)[] = [];
  let id = 1;
  let y = 0;
  for (const { title, panels } of rows) {
    all.push(new RowBuilder(title).id(id++).gridPos({ x: 0, y: y++, w: COLUMNS, h: 1 }).build());
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const { w, h } = panel.gridPos ?? { w: COLUMNS, h: 1 };
      if (x + w > COLUMNS) {
        x = 0;
        y += height;
        height = 0;
      }
      all.push({ ...panel, id: panel.id ?? id++, gridPos: { x, y, w, h } });
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return all;
}

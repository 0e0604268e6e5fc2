/** Where one clicks from here: from a region or server to its single sessions, and from there to the board. */
import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';

export const TAG = 'edgepulse';

/** The dashboards' addresses, and the panels that links open: their ids must not change. */
export const UID = {
  rtt: 'edgepulse-rtt',
  neteq: 'edgepulse-neteq',
  participation: 'edgepulse-participation',
  itself: 'edgepulse-itself',
} as const;
export const SESSIONS_PANEL = 101;
export const STREAMS_PANEL = 102;
export const MEETINGS_PANEL = 103;

export type DataLink = { readonly title: string; readonly url: string };

/** What a link takes its labels from: the series of a graph, or the row of a table. */
export type From = 'series' | 'row';

type Detail = {
  readonly title: string;
  readonly uid: string;
  readonly panel: number;
  /** Variables that the clicked value narrows. */
  readonly narrow: readonly string[];
};

const BOARD = '${board:raw}';
const ALL_VARIABLES = ['region', 'server_type', 'server_url'];

/** The worst sessions of the region (and server) that was clicked. */
export function toSessions(from: From, narrow: readonly string[]): DataLink {
  return detail(from, { title: 'Single sessions', uid: UID.rtt, panel: SESSIONS_PANEL, narrow });
}

/** The worst streams. Series of peers have no label of the server. */
export function toStreams(from: From): DataLink {
  return detail(from, { title: 'Single streams', uid: UID.neteq, panel: STREAMS_PANEL, narrow: ['region'] });
}

export function toMeetings(from: From): DataLink {
  return detail(from, { title: 'Single meetings', uid: UID.participation, panel: MEETINGS_PANEL, narrow: ['region'] });
}

/** The aggregator's own board, which shows the sessions of a region without the limit of detail series. */
export function toBoard(from: From): DataLink {
  return { title: 'Board of this region', url: `${BOARD}/?region=${clicked(from, 'region')}` };
}

/** The meeting in the board's look-up: who hears whom how. */
export function toMeetingOnBoard(from: From): DataLink {
  return {
    title: 'Meeting on the board',
    url: `${BOARD}/?region=${clicked(from, 'region')}&meeting=${clicked(from, 'meeting_id')}`,
  };
}

/** One session of it there: what it hears of everybody, and what everybody hears of it. */
export function toSessionOnBoard(from: From): DataLink {
  const { url } = toMeetingOnBoard(from);
  return { title: 'Session on the board', url: `${url}&session=${clicked(from, 'session_id')}` };
}

/** At the top of each dashboard. */
export function dashboardLinks(): DashboardLinkBuilder[] {
  return [
    new DashboardLinkBuilder('edgepulse')
      .type(DashboardLinkType.Dashboards)
      .tags([TAG])
      .includeVars(true)
      .keepTime(true),
    new DashboardLinkBuilder('Board')
      .type(DashboardLinkType.Link)
      .icon('external link')
      .url('$board')
      .targetBlank(true),
  ];
}

function detail(from: From, { title, uid, panel, narrow }: Detail): DataLink {
  const kept = ALL_VARIABLES.filter((name) => !narrow.includes(name)).map((name) => `\${${name}:queryparam}`);
  const narrowed = narrow.map((name) => `var-${name}=${clicked(from, name)}`);
  const query = ['${datasource:queryparam}', ...narrowed, ...kept, '${board:queryparam}', '${__url_time_range}'];
  return { title, url: `/d/${uid}?${query.join('&')}&viewPanel=${panel}` };
}

/** Grafana encodes it for an address. */
function clicked(from: From, label: string): string {
  return from === 'series' ? `\${__field.labels.${label}}` : `\${__data.fields.${label}}`;
}

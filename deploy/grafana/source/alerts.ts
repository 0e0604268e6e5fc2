/** The alerts of deploy/prometheus/ on the dashboards: those that fire, and when they did. */
import { AnnotationQueryBuilder, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { DATASOURCE, table } from './panels.ts';
import { FIRING } from './promql.ts';

/** What somebody may have been woken by, before everything else. */
export function firingAlerts(): Panel {
  return table({
    title: 'Alerts that fire',
    description:
      'What is wrong already, and where? docs/runbook.md has a section for each alert: what to look at, what to do.',
    width: 24,
    height: 5,
    noValue: 'no alert fires',
    exprs: [FIRING],
    columns: [
      { of: 'alertname', name: 'Alert' },
      { of: 'severity', name: 'Severity' },
      { of: 'region', name: 'Region' },
      { of: 'server_url', name: 'Server' },
      { of: 'cause', name: 'Cause' },
    ],
    sortBy: 'Severity',
  });
}

/** In the graphs, from when until when each fired. */
export function alertAnnotation(): AnnotationQueryBuilder {
  return new AnnotationQueryBuilder()
    .name('Alerts')
    .datasource(DATASOURCE)
    .enable(true)
    .iconColor('red')
    .expr(FIRING)
    .step('10s')
    .titleFormat('{{alertname}} {{region}}')
    .textFormat('{{server_url}} {{cause}}')
    .tagKeys('severity');
}

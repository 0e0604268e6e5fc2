/** The panel beside a number of impaired sessions: whether that is a few people's bad lines, or an incident. */
import type { Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { INCIDENT } from '../../../shared/objectives.ts';
import { stat } from './panels.ts';
import { impairedShare } from './promql.ts';

/** @param cause of `edgepulse_impaired_sessions` */
export function impairedShareStat(cause: 'rtt' | 'audio'): Panel {
  return stat({
    title: 'Their share',
    description: `Which share of the living sessions is that? From ${INCIDENT.share * 100} % on, together with at least ${INCIDENT.people} sessions, it is an incident.`,
    unit: 'percentunit',
    width: 4,
    limits: { bad: INCIDENT.share },
    expr: impairedShare(cause),
  });
}

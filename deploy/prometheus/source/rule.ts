/** What a rule is, before it becomes YAML. */

export type Recording = {
  /** level:metric:operations; level `server` has the labels region, server_url and server_type. */
  readonly record: string;
  readonly expr: string;
};

/** `page` wakes somebody; `ticket` waits for the morning. */
export type Severity = 'page' | 'ticket';

export type Alert = {
  readonly alert: string;
  readonly expr: string;
  readonly severity: Severity;
  /** Prometheus durations. */
  readonly for?: string;
  readonly keepFiringFor?: string;
  /**
   * What is known of the alert's subject only through the feed: `region` alerts say nothing while the region's feed is down
   * or nobody scrapes it.
   */
  readonly needsFeed?: true;
  /** A template of Prometheus: what is wrong, in figures, and what to do first. */
  readonly summary: string;
  /** For the table in docs/runbook.md: completes "fires when". */
  readonly when: string;
};

export type Rule = Recording | Alert;

export type Group = {
  readonly name: string;
  /** Default: the configuration's `evaluation_interval`. */
  readonly interval?: string;
  /** In order: a rule reads what those before it recorded a moment ago. */
  readonly rules: readonly Rule[];
};

export function isAlert(rule: Rule): rule is Alert {
  return 'alert' in rule;
}

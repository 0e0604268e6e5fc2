/** What changes between two looks at Prometheus' alerts, as lines for people. Pure. */
import type { Onset } from './due.ts';

/** What is read of an alert in Prometheus' `/api/v1/alerts`. */
export type ActiveAlert = {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly state: 'pending' | 'firing';
};

export type AlertWatch = {
  /** @returns a line for each alert that fires or is resolved since the last look */
  look(alerts: readonly ActiveAlert[], nowMs: number): string[];
};

/** @param onsetOf what raised an alert, as far as the demo knows */
export function createAlertWatch(onsetOf: (alert: string, region: string) => Onset | undefined): AlertWatch {
  const firing = new Map<string, { readonly name: string; readonly sinceMs: number }>();

  function fires(alert: ActiveAlert, nowMs: number): string {
    const { alertname = '', region = '' } = alert.labels;
    const onset = onsetOf(alertname, region);
    const after = onset === undefined ? '' : `, ${seconds(nowMs - onset.atMs)} after the first degraded beacon`;
    return `${timeOfDay(nowMs)} alert ${nameOf(alert)} fires${after}: ${firstSentence(alert.annotations.summary ?? '')}`;
  }

  return {
    look(alerts, nowMs) {
      const lines: string[] = [];
      const now = new Set<string>();
      for (const alert of alerts) {
        if (alert.state !== 'firing') continue;
        const key = JSON.stringify(Object.entries(alert.labels).toSorted());
        now.add(key);
        if (firing.has(key)) continue;
        firing.set(key, { name: nameOf(alert), sinceMs: nowMs });
        lines.push(fires(alert, nowMs));
      }
      for (const [key, { name, sinceMs }] of firing) {
        if (now.has(key)) continue;
        firing.delete(key);
        lines.push(`${timeOfDay(nowMs)} alert ${name} is resolved after ${seconds(nowMs - sinceMs)}`);
      }
      return lines;
    },
  };
}

function nameOf({ labels }: ActiveAlert): string {
  const { alertname = '', region, server_url, server_type, cause } = labels;
  const server = server_url === undefined ? [] : [`${server_type} ${server_url}`, cause ?? ''];
  const where = [region ?? [], server].flat().filter(Boolean).join(', ');
  return where === '' ? alertname : `${alertname} (${where})`;
}

/** The rest of a summary says what to do; docs/runbook.md has more of that. */
function firstSentence(summary: string): string {
  return /^.+?\.(?= )/.exec(summary)?.[0] ?? summary;
}

function seconds(ms: number): string {
  return `${Math.round(ms / 1000)} s`;
}

/** UTC, as the timetable's lines have it. */
function timeOfDay(atMs: number): string {
  return `${new Date(atMs).toISOString().slice(11, 19)}Z`;
}

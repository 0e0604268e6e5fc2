/**
 * Alertmanager's configuration: amtool accepts it, and which alerts silence which. Alertmanager itself is not run (Debian's
 * needs more of its package than the program): its rule of inhibition is written down here.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { ALERTS } from '../../deploy/prometheus/source/groups.ts';
import { requireTool } from '../../dev/tools/tools.ts';
import { describeWith, tool } from '../support/needs.ts';

const FILE = join(import.meta.dirname, '..', '..', 'deploy', 'prometheus', 'alertmanager.yaml');

type Labels = Readonly<Record<string, string>>;
type InhibitRule = {
  readonly source_matchers: readonly string[];
  readonly target_matchers: readonly string[];
  readonly equal?: readonly string[];
};

const { inhibit_rules: rules } = parse(readFileSync(FILE, 'utf8')) as { inhibit_rules: InhibitRule[] };

await describeWith([tool('amtool')], 'amtool', () => {
  it('accepts the configuration', async () => {
    const { stdout } = await promisify(execFile)(await requireTool('amtool'), ['check-config', FILE]);
    expect(stdout).toContain('SUCCESS');
    expect(stdout).toContain(`${rules.length} inhibit rules`);
  });
});

/** https://prometheus.io/docs/alerting/latest/configuration/#inhibition-related-settings: a label that both lack is equal. */
function isInhibited(target: Labels, alerts: readonly Labels[]): boolean {
  return rules.some(
    ({ source_matchers, target_matchers, equal = [] }) =>
      target_matchers.every((matcher) => matches(matcher, target)) &&
      alerts.some(
        (source) =>
          source_matchers.every((matcher) => matches(matcher, source)) &&
          equal.every((label) => (source[label] ?? '') === (target[label] ?? '')),
      ),
  );
}

/** Regular expressions are anchored. */
function matches(matcher: string, labels: Labels): boolean {
  const [, label = '', operator, value = ''] = /^(\w+)(=~|=)"(.*)"$/.exec(matcher) ?? [];
  if (operator === undefined) throw new Error(`a matcher that is not understood: ${matcher}`);
  const found = labels[label] ?? '';
  return operator === '=' ? found === value : new RegExp(`^(?:${value})$`).test(found);
}

/** Those that somebody hears of. */
function heard(alerts: readonly Labels[]): string[] {
  return alerts
    .filter((alert) => !isInhibited(alert, alerts))
    .map(({ alertname, region, cause }) => [alertname, region, cause].filter(Boolean).join(' '))
    .toSorted();
}

const apac = (alertname: string, labels: Labels = {}) => ({ alertname, region: 'apac', ...labels });

it.each<{ what: string; alerts: Labels[]; left: string[] }>([
  {
    what: 'a feed that is down silences what it makes unknowable, in its own region',
    alerts: [
      apac('EdgepulseFeedDown'),
      apac('EdgepulseAudioBad', { cause: 'audio' }),
      apac('EdgepulseJoinsFailing'),
      apac('EdgepulsePopulationFell'),
      apac('EdgepulseFeedLagging'),
      apac('EdgepulseClockSkew', { clock: 'host' }),
      { alertname: 'EdgepulseJoinsFailing', region: 'eu-west' },
    ],
    left: ['EdgepulseClockSkew apac', 'EdgepulseFeedDown apac', 'EdgepulseJoinsFailing eu-west'],
  },
  {
    what: "a region's incident silences its servers' for the same cause, and its budget",
    alerts: [
      apac('EdgepulseRttHigh', { cause: 'rtt' }),
      apac('EdgepulseServerBad', { cause: 'rtt', server_url: 'https://a.example' }),
      apac('EdgepulseServerBad', { cause: 'video', server_url: 'https://a.example' }),
      apac('EdgepulseRttBudgetBurnsFast'),
      { alertname: 'EdgepulseServerBad', region: 'eu-west', cause: 'rtt', server_url: 'https://b.example' },
    ],
    left: ['EdgepulseRttHigh apac rtt', 'EdgepulseServerBad apac video', 'EdgepulseServerBad eu-west rtt'],
  },
  {
    what: 'an edge that is silent explains who is gone',
    alerts: [
      apac('EdgepulseEdgeSilent'),
      apac('EdgepulsePopulationFell'),
      apac('EdgepulseCanaryMissing'),
      apac('EdgepulseCanaryOverdue'),
      apac('EdgepulseClientsRejected', { reason: 'token_expired' }),
    ],
    left: ['EdgepulseClientsRejected apac', 'EdgepulseEdgeSilent apac'],
  },
  {
    what: 'an edge of which nothing arrives explains that canaries are overdue, in its own region',
    alerts: [
      apac('EdgepulseCanaryMissing'),
      apac('EdgepulseCanaryOverdue'),
      { alertname: 'EdgepulseCanaryOverdue', region: 'eu-west' },
    ],
    left: ['EdgepulseCanaryMissing apac', 'EdgepulseCanaryOverdue eu-west'],
  },
  {
    what: 'a budget that burns fast silences that it burns slowly',
    alerts: [apac('EdgepulseRttBudgetBurnsFast'), apac('EdgepulseRttBudgetBurnsSlowly')],
    left: ['EdgepulseRttBudgetBurnsFast apac'],
  },
  {
    what: 'where no aggregator is, nothing else is said',
    alerts: ALERTS.map(({ alert }) => (alert === 'EdgepulseAbsent' ? { alertname: alert } : apac(alert))),
    left: ['EdgepulseAbsent'],
  },
])('$what', ({ alerts, left }) => {
  expect(heard(alerts)).toEqual(left);
});

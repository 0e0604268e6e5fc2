/** The expressions of the rules of deploy/prometheus, as tests ask them. */
import { GROUPS } from '../../../deploy/prometheus/source/groups.ts';
import { isAlert, type Rule } from '../../../deploy/prometheus/source/rule.ts';
import type { Expression } from './dashboards.ts';
import type { Known } from './metric-labels.ts';
import { namesOf } from './promql.ts';

const RULES: readonly Rule[] = GROUPS.flatMap(({ rules }) => rules);

/** What is recorded: it has data while all is well. */
export function recordedExpressions(): Expression[] {
  return RULES.flatMap((rule) => (isAlert(rule) ? [] : [{ place: rule.record, expr: rule.expr }]));
}

/** What alerts ask, and what their texts ask for their figures: empty while all is well, but their selectors are not. */
export function alertExpressions(): Expression[] {
  return RULES.filter(isAlert).flatMap(({ alert, expr, summary }) => [
    { place: alert, expr },
    ...queriesIn(summary).map((query) => ({ place: `${alert}'s text`, expr: query })),
  ]);
}

/** Of a template `{{ with printf "query" $labels.region | query }}`, for a region that the demo has. */
function queriesIn(summary: string): string[] {
  return [...summary.matchAll(/printf "([^"]+)" \$labels\.region \| query/g)].map(([, query = '']) =>
    query.replace('%s', 'apac'),
  );
}

/** The recorded series and their labels. */
export function recordedNames(): Known {
  const known = new Map<string, readonly string[]>();
  for (const { place, expr } of recordedExpressions()) known.set(place, labelsOf(expr, known));
  return known;
}

function labelsOf(expr: string, known: Known): readonly string[] {
  const [, by] = /^\w+ by \(([^)]*)\)/.exec(expr) ?? [];
  if (by !== undefined) return by.split(', ');
  const labels = new Set(namesOf(expr).selectors.flatMap(({ name }) => known.get(name) ?? []));
  if (expr.startsWith('histogram_quantile(')) {
    for (const label of /by \(([^)]*)\)/.exec(expr)?.[1]?.split(', ') ?? []) labels.add(label);
    labels.delete('le');
  }
  return [...labels];
}

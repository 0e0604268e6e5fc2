/**
 * One alert in three situations, as the input of `promtool test rules`: it fires, it is quiet, and a scrape is missed in
 * either. Values are functions of the step, so that a missed scrape can be cut out of any of them.
 */

/** A series of one aggregator; a step without a value is one without a sample. */
export type Series = {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: (step: number) => number | undefined;
};

export type AlertCase = {
  readonly alert: string;
  readonly fires: {
    readonly series: readonly Series[];
    /** The step at which it fires; it is watched for two steps more. */
    readonly at: number;
    /** Beside severity. */
    readonly labels: Readonly<Record<string, string>>;
    readonly summary: string;
  };
  readonly quiet: readonly Series[];
  /** Whose recorded series it reads, beside those of its own group. */
  readonly reads?: readonly ('calls' | 'feed')[];
  /** Seconds between scrapes; default 15. */
  readonly everySeconds?: number;
  /** Seconds between evaluations; default the same. */
  readonly evaluatedEverySeconds?: number;
};

const EVERY_SECONDS = 15;
const REPLICA = { job: 'edgepulse', instance: 'a:9464' };

export const REGION = { region: 'apac' };
export const SERVER = { ...REGION, server_url: 'https://media-1.example.com', server_type: 'webrtc' };

type Value = number | ((step: number) => number | undefined);

export function series(name: string, labels: Readonly<Record<string, string>>, value: Value): Series {
  return { name, labels: { ...REPLICA, ...labels }, value: typeof value === 'number' ? () => value : value };
}

/** A counter. */
export function rising(perStep: number): (step: number) => number {
  return (step) => Math.round(1000 * perStep * step) / 1000;
}

/** What every aggregator shows. */
export const WELL: readonly Series[] = [
  series('up', {}, 1),
  series('edgepulse_build_info', { version: '1.2.3' }, 1),
  series('edgepulse_feed_up', REGION, 1),
];

type Expectation = {
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
};

/** The test file, as JSON, which is YAML. @param expected what the alert has beside the case's labels and summary */
export function testFile(
  { alert, fires, quiet, everySeconds = EVERY_SECONDS, evaluatedEverySeconds = everySeconds }: AlertCase,
  { ruleFiles, labels, annotations }: Expectation & { readonly ruleFiles: readonly string[] },
): string {
  const steps = fires.at + 3;
  const firing = [
    { exp_labels: { ...fires.labels, ...labels }, exp_annotations: { summary: fires.summary, ...annotations } },
  ];
  const scraped = (name: string, of: readonly Series[], isMissed: (step: number) => boolean) => ({
    name,
    interval: `${everySeconds}s`,
    input_series: of.map((one) => ({ series: nameOf(one), values: valuesOf(one, steps, isMissed) })),
  });
  const group = (name: string, of: readonly Series[], missed: number | undefined, alerts: readonly object[]) => ({
    ...scraped(name, of, (step) => step === missed),
    alert_rule_test: [0, 1, 2].map((later) => ({
      eval_time: `${(fires.at + later) * everySeconds}s`,
      alertname: alert,
      exp_alerts: alerts,
    })),
  });
  return JSON.stringify({
    rule_files: ruleFiles,
    evaluation_interval: `${evaluatedEverySeconds}s`,
    tests: [
      group(`${alert} fires`, fires.series, undefined, firing),
      group(`${alert} is quiet`, quiet, undefined, []),
      group(`${alert} fires though a scrape was missed shortly before`, fires.series, fires.at - 1, firing),
      {
        ...scraped(`${alert} fires though every fourth scrape is missed`, fires.series, (step) => step % 4 === 3),
        // Not its words: a rate over fewer scrapes is rounded otherwise.
        promql_expr_test: [0, 1, 2].map((later) => ({
          eval_time: `${(fires.at + later) * everySeconds}s`,
          expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
          exp_samples: [{ labels: '{}', value: 1 }],
        })),
      },
      group(`${alert} stays while a scrape is missed`, fires.series, fires.at + 1, firing),
      group(`${alert} is quiet while a scrape is missed`, quiet, fires.at + 1, []),
    ],
  });
}

/** A situation beside these: whether the alert fires at that step. */
export type Situation = {
  readonly what: string;
  readonly alert: string;
  readonly series: readonly Series[];
  readonly at: number;
  readonly fires: boolean;
};

/** @param ruleFiles those that the alert is in and reads */
export function situationFile({ what, alert, series: of, at, fires }: Situation, ruleFiles: readonly string[]): string {
  const steps = at + 1;
  const input_series = of.map((one) => ({ series: nameOf(one), values: valuesOf(one, steps, () => false) }));
  const promql_expr_test = [
    {
      eval_time: `${at * EVERY_SECONDS}s`,
      expr: `count(ALERTS{alertname="${alert}",alertstate="firing"})`,
      exp_samples: fires ? [{ labels: '{}', value: 1 }] : [],
    },
  ];
  const tests = [{ name: what, interval: `${EVERY_SECONDS}s`, input_series, promql_expr_test }];
  return JSON.stringify({ rule_files: ruleFiles, evaluation_interval: `${EVERY_SECONDS}s`, tests });
}

function nameOf({ name, labels }: Series): string {
  return `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;
}

function valuesOf({ name, value }: Series, steps: number, isMissed: (step: number) => boolean): string {
  return Array.from({ length: steps }, (_, step) => {
    if (isMissed(step)) return name === 'up' ? 0 : 'stale';
    return value(step) ?? '_';
  }).join(' ');
}

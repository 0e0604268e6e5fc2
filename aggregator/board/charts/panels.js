/** What is charted: which columns of the history, against which objective, and how to ask Prometheus for the same. */
import { bareRate, formatCount } from '../page/format.js';

/** @typedef {import('./timeline.js').Column} Column */
/** @typedef {import('../verdict/levels.js').Objectives} Objectives */

/**
 * `style` is one of those of palette.js. @typedef {{ readonly column: Column, readonly name: string, readonly style: LineStyle }} Line
 * @typedef {'main' | 'middle' | 'extreme' | 'bad' | 'quiet'} LineStyle
 */

/**
 * `scale`: from the unit of the API to the one that is shown. `objective`: the one that is drawn in, if there is one.
 * @typedef {{
 *   readonly measure: string,
 *   readonly title: string,
 *   readonly unit: string,
 *   readonly scale: number,
 *   readonly lines: readonly Line[],
 *   readonly objective?: keyof Objectives,
 *   readonly format: (value: number) => string,
 *   readonly query: (selector: string) => string,
 * }} Panel
 */

/** @type {readonly Panel[]} */
export const PANELS = [
  {
    measure: 'rtt',
    title: 'RTT of clients',
    unit: 'ms',
    scale: 1000,
    lines: [
      { column: 'rtt_p50', name: 'p50', style: 'middle' },
      { column: 'rtt_p95', name: 'p95', style: 'main' },
      { column: 'rtt_p99', name: 'p99', style: 'extreme' },
    ],
    objective: 'rtt',
    format: formatCount,
    query: quantileOf('edgepulse_live_rtt_seconds_bucket'),
  },
  {
    measure: 'audio_packet_loss',
    title: 'Audio loss',
    unit: '%',
    scale: 100,
    lines: [{ column: 'audio_packet_loss_p95', name: 'p95', style: 'main' }],
    objective: 'audio_packet_loss',
    format: bareRate,
    query: quantileOf('edgepulse_live_audio_packet_loss_ratio_bucket'),
  },
  {
    measure: 'concealment',
    title: 'Concealment',
    unit: '%',
    scale: 100,
    lines: [{ column: 'concealment_p95', name: 'p95', style: 'main' }],
    objective: 'concealment',
    format: bareRate,
    query: quantileOf('edgepulse_live_concealment_ratio_bucket'),
  },
  {
    measure: 'expand',
    title: 'NetEQ expand',
    unit: '/s',
    scale: 1,
    lines: [{ column: 'expand_p95', name: 'p95', style: 'main' }],
    objective: 'expand',
    format: bareRate,
    query: quantileOf('edgepulse_live_expand_operations_per_second_bucket'),
  },
  {
    measure: 'video_freeze',
    title: 'Video freezes',
    unit: '%',
    scale: 100,
    lines: [{ column: 'video_freeze_p95', name: 'p95', style: 'main' }],
    objective: 'video_freeze',
    format: bareRate,
    query: quantileOf('edgepulse_live_video_freeze_ratio_bucket'),
  },
  {
    measure: 'impaired',
    title: 'Impaired',
    unit: 'sessions',
    scale: 1,
    lines: [
      { column: 'impaired', name: 'impaired', style: 'bad' },
      { column: 'quiet', name: 'quiet', style: 'quiet' },
    ],
    format: formatCount,
    query: (selector) => sumOf(`edgepulse_impaired_sessions{${[selector, 'cause="any"'].filter(Boolean).join(',')}}`),
  },
  {
    measure: 'people',
    title: 'People',
    unit: '',
    scale: 1,
    lines: [
      { column: 'participants', name: 'people', style: 'main' },
      { column: 'sessions', name: 'sessions', style: 'extreme' },
    ],
    format: formatCount,
    query: (selector) => sumOf(`edgepulse_participants${selector && `{${selector}}`}`),
  },
];

/** @param {string} family @returns {Panel['query']} the p95 over replicas and shards: without rate(), for it is a gauge histogram */
function quantileOf(family) {
  return (selector) =>
    `histogram_quantile(0.95, sum by (le) (max without (instance, pod) (${family}${selector && `{${selector}}`})))`;
}

/** @param {string} series */
function sumOf(series) {
  return `sum(max without (instance, pod) (${series}))`;
}

/** @param {Panel} panel @param {string} region empty: all @returns {string} PromQL */
export function queryOf({ query }, region) {
  return query(region && `region="${region}"`);
}

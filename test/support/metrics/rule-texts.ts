/** The rules of deploy/prometheus as a test's Prometheus reads them. */
import { createFiles, DEFAULT_RUNBOOK } from '../../../deploy/prometheus/source/files.ts';

/** The texts of the rule files, all groups evaluated at the configuration's interval: a test has no 30 s to wait. */
export function ruleTexts(): string[] {
  return [...createFiles(DEFAULT_RUNBOOK)]
    .filter(([name]) => name.startsWith('rules/'))
    .map(([, text]) => text.replaceAll(/^ +interval: .*\n/gm, ''));
}

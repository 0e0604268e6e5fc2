/** The table of every edgepulse family, in the order of the exposition; docs/metrics.md is generated from it. */
import { DETAIL_FAMILIES } from './detail-families.ts';
import { EDGE_FAMILIES } from './edge-families.ts';
import type { Family } from './family.ts';
import { IMPAIRMENT_FAMILIES } from './impairment-families.ts';
import { POPULATION_FAMILIES } from './population-families.ts';
import { SELF_FAMILIES } from './self-families.ts';
import { SESSION_FAMILIES } from './session-families.ts';

export const FAMILIES: readonly Family[] = [
  ...POPULATION_FAMILIES,
  ...SESSION_FAMILIES,
  ...IMPAIRMENT_FAMILIES,
  ...EDGE_FAMILIES,
  ...SELF_FAMILIES,
  ...DETAIL_FAMILIES,
];

/**
 * The objectives: above which value a figure is a warning, and above which it is bad. The overview, the
 * board, rules and documents all use this table.
 */

/** A figure strictly over `warn` is a warning, strictly over `bad` it is bad. In the figure's own unit. */
export type Objective = { readonly warn: number; readonly bad: number };

export const OBJECTIVES = {
  /** Seconds. */
  rtt: { warn: 0.15, bad: 0.25 },
  /** Ratio of the audio samples that are audibly concealed. */
  concealment: { warn: 0.02, bad: 0.05 },
  /** NetEQ expand operations per second. */
  expand: { warn: 5, bad: 15 },
  /** Ratios of the packets. */
  audio_packet_loss: { warn: 0.03, bad: 0.1 },
  video_packet_loss: { warn: 0.03, bad: 0.1 },
  /** Ratio of the time during which the video is frozen. */
  video_freeze: { warn: 0.02, bad: 0.1 },
} as const satisfies { readonly [figure: string]: Objective };

export type ObjectiveName = keyof typeof OBJECTIVES;

/** The objective of a figure by its name; undefined when it has none. */
export function objectiveOf(figure: string): Objective | undefined {
  return Object.hasOwn(OBJECTIVES, figure) ? OBJECTIVES[figure as ObjectiveName] : undefined;
}

/** An incident: at least this many impaired sessions (with a figure over `bad`), and at least this share of the living. */
export const INCIDENT = { people: 5, share: 1 / 20 } as const;

/** The RTT objective over 30 days: this share of all samples is not over bad. The rest is the error budget of alerts. */
export const SLO = { target: 0.99 } as const;

/**
 * Listening quality of one received audio stream as MOS, by the E-model: ITU-T Rec. G.107, clauses 7.1 (R), 7.4 (delay)
 * and 7.5 (packet loss), and Annex B (MOS from R). Everything that a client can't measure has the default of clause
 * 7.7. Of the delay impairment only Idd counts, which is that of the pure delay: Idte and Idle are those of echo, which
 * clients cancel. The narrow-band scale: transparent wide-band audio reads 4.41, as everything without impairment does.
 *
 * Formulas that circulate in monitoring libraries subtract `0.1 * delay - 150` or the like, so that a worse delay gives a
 * better score. Here it only falls, in delay and in loss: a test holds it to that.
 */

/** R with every parameter at its default, before delay and packet loss: Ro - Is + A. */
const R_DEFAULT = 93.2;
/** Equipment impairment of the codec without loss. */
const IE = 0;
/** Packet-loss robustness of the codec: that of G.711 with concealment in G.113 Appendix I, which lists no Opus. */
const BPL = 25.1;
/** Losses at random, rather than in bursts. */
const BURST_R = 1;
/** The delay up to which talkers notice nothing, in seconds: mT of clause 7.4. */
const NOTICED_DELAY_SECONDS = 0.1;

export const MOS_MAX = mosOfRating(R_DEFAULT);

export type Hearing = {
  /** One-way delay from mouth to ear, seconds: Ta. */
  readonly delaySeconds: number;
  /** Share of the audio packets that were lost, or of the audio that had to be concealed: 0 to 1. */
  readonly lossRatio: number;
};

/**
 * @returns from 1 to {@link MOS_MAX}, never rising in either; NaN when one of them is unknown
 * @example meanOpinionScore({ delaySeconds: 0.1, lossRatio: 0.02 }) // 4.23
 */
export function meanOpinionScore({ delaySeconds, lossRatio }: Hearing): number {
  return mosOfRating(R_DEFAULT - delayImpairment(delaySeconds) - lossImpairment(100 * lossRatio));
}

/** Idd: 0.2 at 150 ms, 3 at 200 ms, 24 at 400 ms. */
function delayImpairment(seconds: number): number {
  if (seconds <= NOTICED_DELAY_SECONDS) return 0;
  const x = Math.log2(seconds / NOTICED_DELAY_SECONDS);
  return 25 * (rootOfSixth(x) - 3 * rootOfSixth(x / 3) + 2);
}

/** (1 + x^6)^(1/6) */
function rootOfSixth(x: number): number {
  const cube = x * x * x;
  return Math.cbrt(Math.sqrt(1 + cube * cube));
}

/** Ie,eff. */
function lossImpairment(percent: number): number {
  return IE + (95 - IE) * (percent / (percent / BURST_R + BPL));
}

/**
 * MOS from R. Between R = 0, where the scale begins at 1, and R = 6.5 the cubic of Annex B dips below 1: there it is 1, or
 * a worse call would have the better score.
 */
function mosOfRating(r: number): number {
  if (r <= 0) return 1;
  return Math.max(1, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6);
}

/**
 * The packets of media servers that a session had: they have no numbers, so that a repeat is told by the client's time that
 * is in it. That time is compared for equality and decides nothing else: a client's clock may be anywhere.
 */
import type { Report } from '../report/report.ts';

/** The client's times in the newest packets of a session, oldest first. {@link packetTrails} reads and writes it. */
export type PacketTrail = number[];

export type PacketTrails = {
  /** Whether the report is a media server's packet: a beacon has a number. */
  isPacket(report: Pick<Report, 'seq'>): boolean;
  begin(report: Pick<Report, 'stampMs'>): PacketTrail;
  isRepeat(trail: PacketTrail | undefined, report: Pick<Report, 'stampMs'>): boolean;
  add(trail: PacketTrail, report: Pick<Report, 'stampMs'>): void;
};

/**
 * How many are remembered of a session: of a packet every 5 s, more than the two TTLs that a restarted process reads again.
 * Two streams that both hold a region's packets are read one after the other.
 */
export const TRAIL_LENGTH = 16;

/** Functions over plain arrays, as of sequences. */
export const packetTrails: PacketTrails = {
  isPacket: ({ seq }) => Number.isNaN(seq),
  begin: ({ stampMs }) => [stampMs],
  // indexOf and not includes, for which NaN is equal to NaN: packets without a time are not all the same.
  isRepeat: (trail, { stampMs }) => trail !== undefined && trail.indexOf(stampMs) >= 0,
  add(trail, { stampMs }) {
    if (trail.length === TRAIL_LENGTH) trail.shift();
    trail.push(stampMs);
  },
};

/** A relay in front of a UDP port that loses a share of the media that goes there; what comes back is complete. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

/** One of the machine's own addresses. */
export type Target = { readonly address: string; readonly port: number };

export type LossyRelay = {
  /** At the target's address. */
  readonly port: number;
  /** From 0 to 1. */
  setLoss(share: number): void;
  stop(): void;
};

/** @param random from 0 up to 1 */
export async function startLossyRelay(target: Target, random: () => number): Promise<LossyRelay> {
  let loss = 0;
  const front = await listen(target.address);
  /** One for each address that sends here, so that what comes back finds its way. */
  const backs = new Map<string, Promise<Socket>>();
  front.on('message', async (packet, { address, port }) => {
    if (isMedia(packet) && random() < loss) return;
    const key = `${address} ${port}`;
    const back = backs.get(key) ?? openBack({ address, port });
    backs.set(key, back);
    (await back).send(packet, target.port, target.address);
  });

  async function openBack(sender: Target): Promise<Socket> {
    const back = await listen(target.address);
    back.on('message', (packet) => front.send(packet, sender.port, sender.address));
    return back;
  }

  return {
    port: front.address().port,
    setLoss(share) {
      loss = share;
    },
    stop() {
      front.close();
      for (const back of backs.values()) void back.then((socket) => socket.close());
    },
  };
}

async function listen(address: string): Promise<Socket> {
  const socket = createSocket('udp4');
  socket.bind(0, address);
  await once(socket, 'listening');
  return socket;
}

/** RTP and RTCP, and neither STUN nor DTLS: RFC 7983. */
function isMedia(packet: Buffer): boolean {
  const [first = 0] = packet;
  return first >= 128 && first <= 191;
}

/** What is sent: the camera and the microphone, or, for a machine that has none, a picture and a tone that the page makes. */

export type Source = 'camera' | 'microphone' | 'synthetic';

export type Media = {
  readonly stream: MediaStream;
  readonly source: Source;
  /** Releases the devices. */
  stop(): void;
};

export function isSource(value: unknown): value is Source {
  return value === 'camera' || value === 'microphone' || value === 'synthetic';
}

/** @throws DOMException when there is no device, or the person does not allow it */
export async function openMedia(source: Source, seed: string): Promise<Media> {
  if (source === 'synthetic') return synthesize(hashOf(seed));
  const video = source === 'camera' && { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24 } };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video });
  return {
    stream,
    source,
    stop() {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}

/** Why there is no camera or microphone, for people. */
export function explainMediaError(error: unknown): string {
  const name = error instanceof DOMException ? error.name : '';
  if (name === 'NotAllowedError')
    return 'The browser was not allowed to use them. Allow it, or choose the test picture.';
  if (name === 'NotFoundError') return 'There is no such device on this machine. Choose the test picture.';
  if (name === 'NotReadableError') return 'Another program is using them. Close it, or choose the test picture.';
  return `They could not be opened (${name || error}). Choose the test picture.`;
}

const WIDTH = 320;
const HEIGHT = 180;
const FRAMES_PER_SECOND = 15;

/** A dot that moves, so that a frozen picture shows, and a soft tone that comes and goes, at a pitch of its own. */
function synthesize(hash: number): Media {
  const canvas = Object.assign(document.createElement('canvas'), { width: WIDTH, height: HEIGHT });
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const hue = hash % 360;
  function draw(): void {
    const seconds = performance.now() / 1_000;
    context.fillStyle = `hsl(${hue} 40% 28%)`;
    context.fillRect(0, 0, WIDTH, HEIGHT);
    context.fillStyle = `hsl(${hue} 60% 70%)`;
    context.beginPath();
    context.arc(WIDTH / 2 + Math.sin(seconds) * 110, HEIGHT / 2 + Math.cos(seconds * 1.3) * 50, 22, 0, 2 * Math.PI);
    context.fill();
    context.font = '16px system-ui, sans-serif';
    context.fillText(new Date().toLocaleTimeString(), 14, 26);
  }
  draw();
  // Not requestAnimationFrame, which stands still in a tab that is not shown.
  const timer = setInterval(draw, 1_000 / FRAMES_PER_SECOND);

  const audio = new AudioContext();
  const tone = new OscillatorNode(audio, { frequency: 220 + (hash % 12) * 20 });
  const swell = new GainNode(audio, { gain: 0.02 });
  const slow = new OscillatorNode(audio, { frequency: 0.5 });
  const depth = new GainNode(audio, { gain: 0.02 });
  const output = audio.createMediaStreamDestination();
  tone.connect(swell).connect(output);
  slow.connect(depth).connect(swell.gain);
  tone.start();
  slow.start();
  const stream = new MediaStream([
    ...canvas.captureStream(FRAMES_PER_SECOND).getTracks(),
    ...output.stream.getTracks(),
  ]);
  return {
    stream,
    source: 'synthetic',
    stop() {
      clearInterval(timer);
      for (const track of stream.getTracks()) track.stop();
      void audio.close();
    },
  };
}

function hashOf(seed: string): number {
  return [...seed].reduce((hash, character) => (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0, 7);
}

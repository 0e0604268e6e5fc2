/** The call page: a form to join, the call, and what is reported of it. The room's name is in the address. */
import type { Beacon } from '../../client/reporter.ts';
import { type Admission, isRoomName, NAME_RULE } from '../rooms.ts';
import { type Call, type Kind, startCall } from './call.ts';
import { explainMediaError, isSource, type Media, openMedia } from './media.ts';
import { createTiles } from './tiles.ts';

function find<E extends HTMLElement>(id: string): E {
  const element = document.getElementById(id);
  if (!element) throw new Error(`the page has no element ${id}`);
  return element as E;
}

const form = find<HTMLFormElement>('join');
const problem = find('problem');
const stage = find('stage');
const note = find('note');
const report = find('report');
const toggles: { readonly [kind in Kind]: HTMLButtonElement } = { audio: find('audio'), video: find('video') };
const tiles = createTiles(find('tiles'), find<HTMLTemplateElement>('tile'));

const room = roomOfAddress();
let call: Call | undefined;

/** @returns undefined when the address names a room that can't be; a page without one begins a new room */
function roomOfAddress(): string | undefined {
  const address = new URL(location.href);
  const given = address.searchParams.get('room');
  if (given !== null) return isRoomName(given) ? given : undefined;
  const made = `room-${crypto.randomUUID().slice(0, 6)}`;
  address.searchParams.set('room', made);
  history.replaceState(null, '', address);
  return made;
}

function showProblem(text: string): void {
  problem.textContent = text;
  problem.hidden = text === '';
}

async function askAdmission(name: string): Promise<Admission> {
  const answer = await fetch('join', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ room: name }),
  });
  if (!answer.ok) throw new Error(await answer.text());
  return answer.json();
}

async function join(name: string): Promise<void> {
  const source = new FormData(form).get('source');
  const personName = find<HTMLInputElement>('name').value.trim() || 'somebody';
  if (!isSource(source)) return;
  let media: Media | undefined;
  try {
    const admission = await askAdmission(name);
    media = await openMedia(source, admission.sessionId);
    await enter({ name, personName, admission, media });
  } catch (error) {
    media?.stop();
    const isMedia = media === undefined && error instanceof DOMException;
    showProblem(
      isMedia ? explainMediaError(error) : `Joining failed: ${error instanceof Error ? error.message : error}`,
    );
  }
}

type Entry = { name: string; personName: string; admission: Admission; media: Media };

async function enter({ name, personName, admission, media }: Entry): Promise<void> {
  const { sessionId, aggregator } = admission;
  call = await startCall({
    room: name,
    name: personName,
    admission,
    media,
    onOther({ sessionId: id, stream, state, name: theirName = '', audio = true, video = true }) {
      const theirNote = state === 'connected' ? '' : state === 'failed' ? 'connection lost' : 'connecting…';
      tiles.set(id, { name: theirName, stream, audio, video, note: theirNote });
    },
    onGone: tiles.remove,
    onBeacon: showBeacon,
    onNote(text) {
      note.textContent = text;
    },
  });
  find<HTMLAnchorElement>('board').href = `${aggregator}/`;
  find<HTMLAnchorElement>('meeting').href = `${aggregator}/api/v1/sessions?meeting_id=${encodeURIComponent(name)}`;
  find<HTMLAnchorElement>('metrics').href = `${aggregator}/metrics`;
  find('session').textContent = sessionId;
  document.body.dataset.session = sessionId;
  toggles.video.hidden = media.stream.getVideoTracks().length === 0;
  showProblem('');
  form.hidden = true;
  stage.hidden = false;
  showSelf(personName, media, sessionId);
  for (const kind of ['audio', 'video'] as const) {
    toggles[kind].onclick = () => {
      call?.toggle(kind);
      showSelf(personName, media, sessionId);
    };
  }
  find('leave').onclick = () => {
    leave();
    tiles.remove(sessionId);
  };
}

function showSelf(name: string, media: Media, sessionId: string): void {
  const [audio, video] = [call?.isOn('audio') ?? false, call?.isOn('video') ?? false];
  const isMirrored = media.source === 'camera';
  tiles.set(sessionId, { name, stream: media.stream, audio, video, isSelf: true, isMirrored });
  toggles.audio.textContent = audio ? 'Mute' : 'Unmute';
  toggles.video.textContent = video ? 'Camera off' : 'Camera on';
  toggles.audio.setAttribute('aria-pressed', `${!audio}`);
  toggles.video.setAttribute('aria-pressed', `${!video}`);
}

function showBeacon({ seq, rtt, peers, leaving }: Beacon): void {
  const milliseconds = rtt?.length ? `, RTT ${((rtt.at(-1) as number) * 1_000).toFixed(1)} ms` : '';
  const heard = peers.length === 1 ? '1 person' : `${peers.length} people`;
  report.textContent = `Beacon ${seq}${milliseconds}, receiving from ${heard}${leaving ? ', leaving' : ''}`;
}

function leave(): void {
  call?.leave();
  call = undefined;
  stage.hidden = true;
  form.hidden = false;
  note.textContent = '';
}

if (room === undefined) {
  showProblem(`This address names no room: ${NAME_RULE}.`);
  find<HTMLButtonElement>('enter').disabled = true;
} else {
  document.title = `${room}: edgepulse call`;
  find('room').textContent = room;
  form.onsubmit = (event) => {
    event.preventDefault();
    const button = find<HTMLButtonElement>('enter');
    button.disabled = true;
    void join(room).finally(() => {
      button.disabled = false;
    });
  };
  addEventListener('pagehide', leave);
  // Out of the back-forward cache comes a call that has ended.
  addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
}

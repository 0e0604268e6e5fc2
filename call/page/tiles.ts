/** A tile for each person: their picture, their name, and whether they are muted. Their text is only ever text. */

export type Tile = {
  readonly name: string;
  readonly stream: MediaStream;
  readonly audio: boolean;
  readonly video: boolean;
  /** Their own: not heard. */
  readonly isSelf?: boolean;
  /** As people know themselves. */
  readonly isMirrored?: boolean;
  /** What else there is to say, for example that the connection is being made. */
  readonly note?: string | undefined;
};

export type Tiles = {
  set(id: string, tile: Tile): void;
  remove(id: string): void;
};

type Parts = {
  readonly root: HTMLElement;
  readonly video: HTMLVideoElement;
  readonly initial: HTMLElement;
  readonly name: HTMLElement;
  readonly muted: HTMLElement;
  readonly note: HTMLElement;
};

/** @param template holds a tile's elements by their class names */
export function createTiles(container: HTMLElement, template: HTMLTemplateElement): Tiles {
  const tiles = new Map<string, Parts>();

  function create(id: string): Parts {
    const root = (template.content.firstElementChild as HTMLElement).cloneNode(true) as HTMLElement;
    root.dataset.session = id;
    const part = <E extends HTMLElement>(name: string) => root.querySelector(`.${name}`) as E;
    const parts = {
      root,
      video: part<HTMLVideoElement>('picture'),
      initial: part('initial'),
      name: part('name'),
      muted: part('muted'),
      note: part('note'),
    };
    tiles.set(id, parts);
    container.append(root);
    return parts;
  }

  return {
    set(id, { name, stream, audio, video, isSelf = false, isMirrored = false, note = '' }) {
      const parts = tiles.get(id) ?? create(id);
      parts.name.textContent = isSelf ? `${name} (you)` : name;
      parts.initial.textContent = [...name][0]?.toUpperCase() ?? '';
      parts.muted.hidden = audio;
      parts.note.textContent = note;
      parts.root.classList.toggle('mirrored', isMirrored);
      parts.root.classList.toggle('dark', !video);
      parts.video.muted = isSelf;
      if (parts.video.srcObject !== stream) parts.video.srcObject = stream;
    },
    remove(id) {
      const parts = tiles.get(id);
      if (!parts) return;
      parts.video.srcObject = null;
      parts.root.remove();
      tiles.delete(id);
    },
  };
}

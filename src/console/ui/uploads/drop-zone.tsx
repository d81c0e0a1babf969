/** Where files are dropped, and the buttons for those who do not drag. */
import type { ComponentChildren, JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { useApp } from '../context.js';
import { formatCount } from '../lib/format.js';
import { Icon } from '../parts/icons.js';
import { chosenSources, droppedSources } from './drop.js';
import type { Source } from './queue.js';

interface Target {
  readonly bucket: string;
  readonly prefix: string;
}

function useAdd(target: Target): (sources: readonly Source[]) => void {
  const { queue, notify } = useApp();
  return (sources) => {
    if (sources.length === 0) return;
    queue.add(target, sources);
    notify(`Uploading ${formatCount(sources.length, 'file')}`);
  };
}

export function DropZone(props: { readonly target: Target; readonly children: ComponentChildren }): JSX.Element {
  const add = useAdd(props.target);
  // Moving over a child leaves the zone and enters it again.
  const depth = useRef(0);
  const [over, setOver] = useState(false);
  const moved = (by: number) => (event: DragEvent) => {
    if (event.dataTransfer?.types.includes('Files') !== true) return;
    depth.current += by;
    setOver(depth.current > 0);
  };
  return (
    <div
      class={`drop-zone${over ? ' over' : ''}`}
      data-testid="drop-zone"
      onDragEnter={moved(1)}
      onDragLeave={moved(-1)}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        depth.current = 0;
        setOver(false);
        if (event.dataTransfer !== null) void droppedSources(event.dataTransfer).then(add);
      }}
    >
      {props.children}
      {over ? (
        <div class="drop-here" aria-hidden="true">
          <Icon name="upload" size={48} />
          <p>Drop to upload into {props.target.prefix === '' ? props.target.bucket : props.target.prefix}</p>
        </div>
      ) : null}
    </div>
  );
}

export function UploadButtons({ target }: { readonly target: Target }): JSX.Element {
  const add = useAdd(target);
  const files = useRef<HTMLInputElement>(null);
  const folder = useRef<HTMLInputElement>(null);
  const chosen = (event: Event): void => {
    const input = event.currentTarget as HTMLInputElement;
    if (input.files !== null) add(chosenSources(input.files));
    input.value = '';
  };
  return (
    <>
      <input ref={files} type="file" multiple hidden onChange={chosen} aria-label="Files to upload" />
      <input
        ref={(input) => {
          folder.current = input;
          if (input !== null) input.webkitdirectory = true;
        }}
        type="file"
        hidden
        onChange={chosen}
        aria-label="Folder to upload"
      />
      <button type="button" class="button plain optional" onClick={() => folder.current?.click()}>
        <Icon name="folder" /> <span>Upload folder</span>
      </button>
      <button type="button" class="button primary" onClick={() => files.current?.click()}>
        <Icon name="upload" /> <span>Upload</span>
      </button>
    </>
  );
}

/** The uploads under way, in a corner of every page. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { useApp } from '../context.js';
import { explain } from '../lib/errors.js';
import { baseName, formatBytes, formatCount, formatDuration } from '../lib/format.js';
import { Button } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import type { UploadItem } from './item.js';
import type { Totals, UploadQueue } from './queue.js';

/** Of thousands of files those that matter are shown: under way, failed, the last ones. */
const SHOWN = 50;

export function UploadPanel(): JSX.Element | null {
  const { queue } = useApp();
  const [, setTurn] = useState(0);
  const [folded, setFolded] = useState(false);
  useEffect(() => queue.subscribe(() => setTurn((turn) => turn + 1)), [queue]);
  if (queue.items.length === 0) return null;
  const totals = queue.totals();
  return (
    <section class="uploads" aria-label="Uploads">
      <header>
        <h2>{headline(totals)}</h2>
        <Button
          icon={folded ? 'plus' : 'more'}
          label={folded ? 'Show uploads' : 'Hide uploads'}
          kind="ghost"
          onClick={() => setFolded(!folded)}
        />
        {totals.active === 0 ? (
          <Button icon="close" label="Close uploads" kind="ghost" onClick={() => queue.clearFinished()} />
        ) : null}
      </header>
      <progress
        aria-label="All uploads"
        max={Math.max(totals.sizeBytes, 1)}
        value={totals.sizeBytes === 0 && totals.active === 0 ? 1 : totals.sentBytes}
      />
      {totals.active > 0 ? <p class="faint small">{speed(totals)}</p> : null}
      {folded ? null : (
        <>
          <ul>
            {ordered(queue.items).map((item) => (
              <Row key={item.key} item={item} queue={queue} />
            ))}
          </ul>
          <footer>
            {totals.failed > 0 ? (
              <Button icon="refresh" onClick={() => queue.retryAll()}>
                Retry all
              </Button>
            ) : null}
            {totals.active > 0 ? <Button onClick={() => queue.cancelAll()}>Cancel all</Button> : null}
          </footer>
        </>
      )}
    </section>
  );
}

const RANK = { running: 0, failed: 1, waiting: 2, done: 3, cancelled: 4 } as const;

function ordered(items: readonly UploadItem[]): readonly UploadItem[] {
  return [...items].sort((a, b) => RANK[a.state] - RANK[b.state]).slice(0, SHOWN);
}

function Row({ item, queue }: { readonly item: UploadItem; readonly queue: UploadQueue }): JSX.Element {
  const { state, file } = item;
  const name = baseName(item.key);
  return (
    <li class={state}>
      <div class="upload-name">
        <Icon name={state === 'done' ? 'check' : state === 'failed' ? 'warning' : 'file'} />
        <span title={item.key}>{name}</span>
        <span class="faint small">{note(item)}</span>
      </div>
      {state === 'running' || state === 'waiting' ? (
        <Button icon="close" kind="ghost" label={`Cancel ${name}`} onClick={() => queue.cancel(item)} />
      ) : state === 'failed' ? (
        <>
          <Button icon="refresh" kind="ghost" label={`Retry ${name}`} onClick={() => queue.retry(item)} />
          <Button icon="close" kind="ghost" label={`Give up ${name}`} onClick={() => queue.giveUp(item)} />
        </>
      ) : null}
      {state === 'running' && file.size > 0 ? (
        <progress aria-label={`Progress of ${name}`} max={file.size} value={item.sentBytes} />
      ) : null}
    </li>
  );
}

function note(item: UploadItem): string {
  switch (item.state) {
    case 'waiting':
      return 'waiting';
    case 'running':
      return `${formatBytes(item.sentBytes)} of ${formatBytes(item.file.size)}`;
    case 'done':
      return formatBytes(item.file.size);
    case 'cancelled':
      return 'cancelled';
    case 'failed': {
      const { code, advice, message } = explain(item.error);
      return `${code}: ${advice === '' ? message : advice}`;
    }
  }
}

function headline({ files, done, failed, active }: Totals): string {
  if (active > 0) return `Uploading ${done} of ${formatCount(files, 'file')}`;
  if (failed > 0) return `${formatCount(failed, 'upload')} failed`;
  return `${formatCount(done, 'file')} uploaded`;
}

function speed({ sizeBytes, sentBytes, bytesPerSecond }: Totals): string {
  const so = `${formatBytes(sentBytes)} of ${formatBytes(sizeBytes)}`;
  if (bytesPerSecond < 1) return so;
  return `${so} · ${formatBytes(bytesPerSecond)}/s · ${formatDuration((sizeBytes - sentBytes) / bytesPerSecond)} left`;
}

/** A folder of a bucket: its folders and objects page by page, uploads into it, and what can be done with what is marked. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { getVersioning, listObjects } from '../api/buckets.js';
import type { ObjectPage } from '../api/buckets.js';
import { listDeleted } from '../api/objects.js';
import { useApp, useLoad } from '../context.js';
import { formatCount } from '../lib/format.js';
import { Button, Empty, Load } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import { Toggle } from '../parts/fields.js';
import { go, linkTo } from '../router.js';
import type { Route } from '../router.js';
import { DropZone, UploadButtons } from '../uploads/drop-zone.js';
import { Crumbs } from './crumbs.js';
import { DeleteMany } from './delete-many.js';
import { Listing } from './listing.js';
import { ObjectDrawer } from './object.js';

const TYPING_MS = 250;
/** The listing is loaded again after so many uploads, and after the last. */
const MANY = 25;

export function BrowsePage({ route }: { readonly route: Route & { readonly page: 'browse' } }): JSX.Element {
  const { bucket, prefix, object } = route;
  const [search, setSearch] = useState('');
  const settled = useSettled(search);
  const [deleted, setDeleted] = useState(false);
  // Tokens of the pages up to this one; the first page has none.
  const [tokens, setTokens] = useState<readonly string[]>([]);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const [deleting, setDeleting] = useState(false);
  const under = prefix + settled;
  const place = `${bucket}/${under}`;
  const [seen, setSeen] = useState(place);
  if (seen !== place) {
    setSeen(place);
    setTokens([]);
    setMarked(new Set());
  }
  const token = seen === place ? (tokens.at(-1) ?? null) : null;
  const loaded = useLoad(`${place} ${token ?? ''}`, (client, signal) =>
    listObjects(client, { bucket, prefix: under, token, signal }),
  );
  const versioning = useLoad(`versioning ${bucket}`, (client) => getVersioning(client, bucket).catch(() => null));
  const gone = useLoad(`deleted ${place} ${deleted}`, (client) =>
    deleted ? listDeleted(client, bucket, under) : Promise.resolve([]),
  );
  const reload = (): void => {
    loaded.reload();
    gone.reload();
  };
  useReloadAfterUploads(reload);
  const open = (key: string | null): void => go({ page: 'browse', bucket, prefix, object: key });
  return (
    <DropZone target={{ bucket, prefix }}>
      <header class="page-head">
        <Crumbs bucket={bucket} prefix={prefix} />
        <div class="actions">
          <a class="button plain" href={linkTo({ page: 'settings', bucket, section: 'versioning' })}>
            <Icon name="settings" /> <span>Settings</span>
          </a>
          <UploadButtons target={{ bucket, prefix }} />
        </div>
      </header>
      <div class="toolbar">
        <label class="search">
          <Icon name="search" />
          <input
            type="search"
            placeholder="Names that begin with …"
            aria-label="Show names that begin with"
            value={search}
            onInput={(event) => setSearch(event.currentTarget.value)}
          />
        </label>
        {versioning.data === null || versioning.data === 'Off' ? null : (
          <Toggle label="Show deleted" checked={deleted} onChange={setDeleted} />
        )}
        <span class="grow" />
        {marked.size === 0 ? null : (
          <Button icon="trash" kind="danger" onClick={() => setDeleting(true)}>
            {`Delete ${formatCount(marked.size, 'item')}`}
          </Button>
        )}
        <Button icon="refresh" label="Refresh" onClick={reload} />
      </div>
      <Load from={loaded} what="objects">
        {(page) =>
          isEmpty(page) && (gone.data ?? []).length === 0 && tokens.length === 0 ? (
            <Empty icon="folder" title={settled === '' ? 'Nothing here yet' : 'Nothing begins with this'}>
              {settled === '' ? <p>Drop files or folders here to upload them.</p> : null}
            </Empty>
          ) : (
            <>
              <Listing
                bucket={bucket}
                prefix={prefix}
                page={page}
                deleted={gone.data ?? []}
                marked={marked}
                onMark={setMarked}
                onOpen={open}
              />
              <Pager
                number={tokens.length + 1}
                entries={page.folders.length + page.objects.length}
                onBack={tokens.length === 0 ? null : () => setTokens(tokens.slice(0, -1))}
                onNext={page.next === null ? null : () => setTokens([...tokens, page.next ?? ''])}
              />
            </>
          )
        }
      </Load>
      {object === null ? null : (
        <ObjectDrawer
          key={object}
          bucket={bucket}
          objectKey={object}
          versioned={versioning.data !== null && versioning.data !== 'Off'}
          onClose={() => open(null)}
          onChange={reload}
        />
      )}
      {deleting ? (
        <DeleteMany
          bucket={bucket}
          names={[...marked]}
          onClose={() => setDeleting(false)}
          onDone={() => {
            setMarked(new Set());
            reload();
          }}
        />
      ) : null}
    </DropZone>
  );
}

function isEmpty({ folders, objects }: ObjectPage): boolean {
  return folders.length === 0 && objects.length === 0;
}

/** The value once nobody has typed for a moment. */
function useSettled(value: string): string {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), TYPING_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

function useReloadAfterUploads(reload: () => void): void {
  const { queue } = useApp();
  useEffect(() => {
    let seen = queue.completed;
    return queue.subscribe(() => {
      const { completed } = queue;
      // While many files are on their way, only now and then.
      if (completed === seen || (queue.totals().active > 0 && completed - seen < MANY)) return;
      seen = completed;
      reload();
    });
  }, [queue]);
}

function Pager(props: {
  readonly number: number;
  readonly entries: number;
  readonly onBack: (() => void) | null;
  readonly onNext: (() => void) | null;
}): JSX.Element {
  const { number, entries, onBack, onNext } = props;
  const many = onBack !== null || onNext !== null;
  return (
    <nav class="pager" aria-label="Pages">
      <p class="faint">
        {formatCount(entries, 'entry', 'entries')}
        {many ? ` on page ${number}` : ''}
      </p>
      {many ? (
        <div class="actions">
          <Button icon="back" disabled={onBack === null} {...(onBack === null ? {} : { onClick: onBack })}>
            Previous
          </Button>
          <Button icon="more" disabled={onNext === null} {...(onNext === null ? {} : { onClick: onNext })}>
            Next
          </Button>
        </div>
      ) : null}
    </nav>
  );
}

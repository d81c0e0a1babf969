/** Deletes objects, and folders with all that is in them, a thousand at a time; can be stopped. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { listObjects, PAGE_KEYS } from '../api/buckets.js';
import { deleteObjects } from '../api/objects.js';
import type { Undeleted } from '../api/objects.js';
import type { Client } from '../api/client.js';
import { useAction, useApp } from '../context.js';
import { ApiError } from '../lib/errors.js';
import { baseName, formatCount } from '../lib/format.js';
import { Button, Problem } from '../parts/basics.js';
import { Dialog } from '../parts/dialog.js';

const SHOWN = 8;

export function DeleteMany(props: {
  readonly bucket: string;
  /** keys, and prefixes that end with '/' */
  readonly names: readonly string[];
  readonly onClose: () => void;
  readonly onDone: () => void;
}): JSX.Element {
  const { bucket, names, onClose, onDone } = props;
  const { client, notify } = useApp();
  const doing = useAction();
  const [count, setCount] = useState(0);
  const aborter = useRef(new AbortController());
  const remove = async (): Promise<void> => {
    const done = await doing.run(async () => {
      let sum = 0;
      for await (const deleted of deleteAll(client, { bucket, names, signal: aborter.current.signal })) {
        sum += deleted;
        setCount(sum);
      }
      notify(`${formatCount(sum, 'object')} deleted`);
    });
    onDone();
    if (done) onClose();
  };
  const close = (): void => {
    aborter.current.abort();
    onClose();
  };
  return (
    <Dialog title={`Delete ${formatCount(names.length, 'item')}`} onClose={close}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void remove();
        }}
      >
        <p>These are deleted; of folders, everything in them:</p>
        <ul class="names">
          {names.slice(0, SHOWN).map((name) => (
            <li key={name}>{baseName(name)}</li>
          ))}
          {names.length > SHOWN ? <li class="faint">and {names.length - SHOWN} more</li> : null}
        </ul>
        {doing.busy ? (
          <p role="status">
            <span class="spinner" aria-hidden="true" /> {formatCount(count, 'object')} deleted so far
          </p>
        ) : null}
        <Problem error={doing.error} />
        <footer>
          <Button onClick={close}>{doing.busy ? 'Stop' : 'Cancel'}</Button>
          <Button kind="danger" type="submit" busy={doing.busy}>
            Delete
          </Button>
        </footer>
      </form>
    </Dialog>
  );
}

/** Yields how many each request has deleted. @throws ApiError of the first key that could not be deleted */
async function* deleteAll(
  client: Client,
  {
    bucket,
    names,
    signal,
  }: { readonly bucket: string; readonly names: readonly string[]; readonly signal: AbortSignal },
): AsyncGenerator<number> {
  const folders = names.filter((name) => name.endsWith('/'));
  for (const prefix of folders) {
    let token: string | null = null;
    do {
      signal.throwIfAborted();
      const page = await listObjects(client, { bucket, prefix, token, flat: true, signal });
      if (page.objects.length > 0)
        yield await deleteBatch(
          client,
          bucket,
          page.objects.map(({ key }) => key),
        );
      token = page.next;
    } while (token !== null);
  }
  const keys = names.filter((name) => !name.endsWith('/'));
  for (let at = 0; at < keys.length; at += PAGE_KEYS) {
    signal.throwIfAborted();
    yield await deleteBatch(client, bucket, keys.slice(at, at + PAGE_KEYS));
  }
}

async function deleteBatch(client: Client, bucket: string, keys: readonly string[]): Promise<number> {
  const failed = await deleteObjects(
    client,
    bucket,
    keys.map((key) => ({ key, versionId: null })),
  );
  const [first] = failed;
  if (first !== undefined) throw refusal(first, failed.length);
  return keys.length;
}

function refusal({ key, code, message }: Undeleted, count: number): ApiError {
  const more = count > 1 ? ` (and ${count - 1} more)` : '';
  return new ApiError({ status: 200, code, message: `${key}${more}: ${message}` });
}

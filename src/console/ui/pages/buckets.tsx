/** The buckets of the account. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Bucket } from '../api/buckets.js';
import { deleteBucket, listBuckets } from '../api/buckets.js';
import { useApp, useLoad } from '../context.js';
import { formatCount, formatDate } from '../lib/format.js';
import { Button, Empty, Load } from '../parts/basics.js';
import { Confirm } from '../parts/dialog.js';
import { Icon } from '../parts/icons.js';
import { linkTo } from '../router.js';
import { CreateBucket } from './create-bucket.js';

export function BucketsPage(): JSX.Element {
  const loaded = useLoad('buckets', (client, signal) => listBuckets(client, signal));
  const [filter, setFilter] = useState('');
  const [creating, setCreating] = useState(false);
  const all = loaded.data ?? [];
  return (
    <>
      <header class="page-head">
        <div>
          <h1>Buckets</h1>
          <p class="faint">{loaded.data === null ? ' ' : formatCount(all.length, 'bucket')}</p>
        </div>
        <div class="actions">
          {all.length > 6 ? (
            <label class="search">
              <Icon name="search" />
              <input
                type="search"
                placeholder="Filter"
                aria-label="Filter buckets by name"
                value={filter}
                onInput={(event) => setFilter(event.currentTarget.value)}
              />
            </label>
          ) : null}
          <Button icon="refresh" label="Refresh" onClick={loaded.reload} />
          <Button icon="plus" kind="primary" onClick={() => setCreating(true)}>
            Create bucket
          </Button>
        </div>
      </header>
      <Load from={loaded} what="buckets">
        {(buckets) =>
          buckets.length === 0 ? (
            <Empty icon="bucket" title="No buckets yet">
              <p>A bucket holds files. Create one to begin.</p>
              <Button icon="plus" kind="primary" onClick={() => setCreating(true)}>
                Create your first bucket
              </Button>
            </Empty>
          ) : (
            <BucketTable buckets={buckets.filter(({ name }) => name.includes(filter))} onChange={loaded.reload} />
          )
        }
      </Load>
      {creating ? <CreateBucket onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function BucketTable(props: { readonly buckets: readonly Bucket[]; readonly onChange: () => void }): JSX.Element {
  const { client, notify } = useApp();
  const [doomed, setDoomed] = useState<string | null>(null);
  return (
    <div class="card table-card">
      <table>
        <thead>
          <tr>
            <th scope="col">Name</th>
            <th scope="col" class="optional">
              Region
            </th>
            <th scope="col" class="optional">
              Created
            </th>
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {props.buckets.map(({ name, created, region }) => (
            <tr key={name}>
              <td>
                <a class="name" href={linkTo({ page: 'browse', bucket: name, prefix: '', object: null })}>
                  <Icon name="bucket" /> <span>{name}</span>
                </a>
              </td>
              <td class="optional">{region === '' ? '–' : region}</td>
              <td class="optional">{formatDate(created)}</td>
              <td class="row-actions">
                <a
                  class="button ghost square"
                  href={linkTo({ page: 'settings', bucket: name, section: 'versioning' })}
                  aria-label={`Settings of ${name}`}
                  title="Settings"
                >
                  <Icon name="settings" />
                </a>
                <Button icon="trash" kind="ghost" label={`Delete ${name}`} onClick={() => setDoomed(name)} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {props.buckets.length === 0 ? <p class="faint pad">No bucket has this in its name.</p> : null}
      {doomed === null ? null : (
        <Confirm
          title="Delete bucket"
          action="Delete bucket"
          typed={doomed}
          onClose={() => setDoomed(null)}
          onConfirm={async () => {
            await deleteBucket(client, doomed);
            notify(`${doomed} is deleted`);
            props.onChange();
          }}
        >
          <p>
            The bucket <strong>{doomed}</strong> and its settings are deleted. It has to be empty. Its name is free for
            anybody then.
          </p>
        </Confirm>
      )}
    </div>
  );
}

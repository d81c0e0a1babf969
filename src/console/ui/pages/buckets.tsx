/** The buckets of the account. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Bucket } from '../api/buckets.js';
import { deleteBucket, listBuckets } from '../api/buckets.js';
import { useApp, useLoad } from '../context.js';
import { formatCount, formatDate } from '../lib/format.js';
import { Button, Empty, Load } from '../parts/basics.js';
import { Icon } from '../parts/icons.js';
import { NameTable } from '../parts/name-table.js';
import type { NamedRow } from '../parts/name-table.js';
import { linkTo } from '../router.js';
import { CreateBucket } from './create-bucket.js';

export function BucketsPage(): JSX.Element {
  const { client } = useApp();
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
            <NameTable
              what="bucket"
              icon="bucket"
              columns={['Region', 'Created']}
              rows={buckets.filter(({ name }) => name.includes(filter)).map(rowOf)}
              none="No bucket has this in its name."
              warning={(name) => (
                <>
                  The bucket <strong>{name}</strong> and its settings are deleted. It has to be empty. Its name is free
                  for anybody then.
                </>
              )}
              remove={(name) => deleteBucket(client, name)}
              onRemoved={loaded.reload}
            />
          )
        }
      </Load>
      {creating ? <CreateBucket onClose={() => setCreating(false)} /> : null}
    </>
  );
}

function rowOf({ name, created, region }: Bucket): NamedRow {
  return {
    name,
    href: linkTo({ page: 'browse', bucket: name, prefix: '', object: null }),
    cells: [region === '' ? '–' : region, formatDate(created)],
    actions: (
      <a
        class="button ghost square"
        href={linkTo({ page: 'settings', bucket: name, section: 'versioning' })}
        aria-label={`Settings of ${name}`}
        title="Settings"
      >
        <Icon name="settings" />
      </a>
    ),
  };
}

/** Everything about one object, at the side of its folder. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { deleteObject, headObject } from '../api/objects.js';
import type { ObjectId, ObjectInfo } from '../api/objects.js';
import { useApp, useLoad } from '../context.js';
import { ApiError } from '../lib/errors.js';
import { baseName, formatBytes, formatDate } from '../lib/format.js';
import { Button, Load } from '../parts/basics.js';
import { Confirm, Dialog } from '../parts/dialog.js';
import { Tabs } from '../parts/tabs.js';
import { ObjectLockTab } from './object-lock.js';
import { MetadataTab, TagsTab } from './object-edit.js';
import { Preview } from './preview.js';
import { ShareDialog } from './share.js';
import { VersionsTab } from './versions.js';

export interface ObjectProps {
  readonly bucket: string;
  readonly objectKey: string;
}

export function ObjectDrawer(
  props: ObjectProps & {
    readonly versioned: boolean;
    readonly onClose: () => void;
    readonly onChange: () => void;
  },
): JSX.Element {
  const { bucket, objectKey: key, versioned, onClose, onChange } = props;
  const { client, notify } = useApp();
  // null: the newest
  const [versionId, setVersionId] = useState<string | null>(null);
  const [sharing, setSharing] = useState(false);
  const [deleting, setDeleting] = useState(false);
  const id: ObjectId = { bucket, key, versionId };
  const loaded = useLoad(`head ${bucket}/${key} ${versionId ?? ''}`, (asked, signal) =>
    headObject(asked, id, signal).catch((error: unknown) => {
      // Its newest version is a delete marker: the versions tell the rest.
      if (versioned && error instanceof ApiError && error.status === 404) return 'deleted' as const;
      throw error;
    }),
  );
  const changed = (): void => {
    loaded.reload();
    onChange();
  };
  const versions = (
    <VersionsTab
      bucket={bucket}
      objectKey={key}
      shown={versionId}
      onShow={setVersionId}
      onChange={() => {
        setVersionId(null);
        changed();
      }}
    />
  );
  return (
    <Dialog title={baseName(key)} onClose={onClose} drawer>
      <Load from={loaded} what="the object">
        {(info) =>
          info === 'deleted' ? (
            <>
              <p class="callout">This object is deleted. An older version of it can be restored.</p>
              {versions}
            </>
          ) : (
            <>
              {versionId === null ? null : (
                <p class="callout">
                  This is version <code>{versionId}</code>.{' '}
                  <button type="button" class="link" onClick={() => setVersionId(null)}>
                    Show the newest
                  </button>
                </p>
              )}
              <div class="actions">
                <Button icon="download" kind="primary" onClick={() => void download()}>
                  Download
                </Button>
                <Button icon="share" onClick={() => setSharing(true)}>
                  Share
                </Button>
                <Button icon="trash" onClick={() => setDeleting(true)}>
                  Delete
                </Button>
              </div>
              <Tabs
                label="Object"
                tabs={[
                  { name: 'Preview', content: () => <Preview key={versionId ?? ''} id={id} info={info} /> },
                  { name: 'Details', content: () => <Details id={id} info={info} /> },
                  {
                    name: 'Metadata',
                    content: () => <MetadataTab key={info.etag} id={id} info={info} onChange={changed} />,
                  },
                  { name: 'Tags', content: () => <TagsTab key={versionId ?? ''} id={id} /> },
                  ...(versioned
                    ? [
                        { name: 'Versions', content: () => versions },
                        { name: 'Lock', content: () => <ObjectLockTab id={id} info={info} onChange={changed} /> },
                      ]
                    : []),
                ]}
              />
            </>
          )
        }
      </Load>
      {sharing ? <ShareDialog id={id} onClose={() => setSharing(false)} /> : null}
      {deleting ? (
        <Confirm
          title={versionId === null ? 'Delete object' : 'Delete version'}
          action="Delete"
          onClose={() => setDeleting(false)}
          onConfirm={async () => {
            await deleteObject(client, id);
            notify(`${baseName(key)} is deleted`);
            onChange();
            onClose();
          }}
        >
          <p class="breakable">
            {versionId !== null ? (
              <>
                This version of <strong>{key}</strong> is deleted for good.
              </>
            ) : versioned ? (
              <>
                <strong>{key}</strong> is deleted. Its versions stay, and one of them can be restored.
              </>
            ) : (
              <>
                <strong>{key}</strong> is deleted for good.
              </>
            )}
          </p>
        </Confirm>
      ) : null}
    </Dialog>
  );

  async function download(): Promise<void> {
    const disposition = `attachment; filename*=UTF-8''${encodeURIComponent(baseName(key))}`;
    const query = [['response-content-disposition', disposition], ...versionOf(id)] as const;
    const link = document.createElement('a');
    link.href = await client.presign({ bucket, key, query, expiresSeconds: 3600 });
    link.download = baseName(key);
    link.click();
  }
}

function versionOf({ versionId }: ObjectId): readonly (readonly [string, string])[] {
  return versionId === null ? [] : [['versionId', versionId]];
}

function Details({ id, info }: { readonly id: ObjectId; readonly info: ObjectInfo }): JSX.Element {
  const rows: readonly (readonly [string, string])[] = [
    ['Key', id.key],
    [
      'Size',
      info.sizeBytes < 1024
        ? formatBytes(info.sizeBytes)
        : `${formatBytes(info.sizeBytes)} (${info.sizeBytes.toLocaleString()} bytes)`,
    ],
    ['Changed', formatDate(info.modified)],
    ['Type', info.contentType],
    ['Storage class', info.storageClass],
    ['ETag', info.etag.replaceAll('"', '')],
    ['Version', info.versionId],
    ['Encryption', info.encryption === '' ? 'none' : info.encryption],
    ...Object.entries(info.checksums).map(([name, value]) => [`Checksum ${name.toUpperCase()}`, value] as const),
    ...Object.entries(info.others),
  ];
  return (
    <dl class="details">
      {rows
        .filter(([, value]) => value !== '')
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}

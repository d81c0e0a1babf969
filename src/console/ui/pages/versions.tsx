/** The versions of one object: look at one, restore it, delete it for good. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { deleteObject, listVersionsOf, restoreVersion } from '../api/objects.js';
import type { VersionEntry } from '../api/objects.js';
import { useAction, useApp, useLoad } from '../context.js';
import { formatBytes, formatDate } from '../lib/format.js';
import { Badge, Button, Load, Problem } from '../parts/basics.js';
import { Confirm } from '../parts/dialog.js';
import type { ObjectProps } from './object.js';

export function VersionsTab(
  props: ObjectProps & {
    readonly shown: string | null;
    readonly onShow: (versionId: string) => void;
    readonly onChange: () => void;
  },
): JSX.Element {
  const { bucket, objectKey: key, shown, onShow, onChange } = props;
  const { client, notify } = useApp();
  const loaded = useLoad(`versions ${bucket}/${key}`, (asked) => listVersionsOf(asked, bucket, key));
  const [doomed, setDoomed] = useState<VersionEntry | null>(null);
  const doing = useAction();
  const changed = (said: string): void => {
    notify(said);
    loaded.reload();
    onChange();
  };
  const restore = async (versions: readonly VersionEntry[], version: VersionEntry): Promise<void> => {
    const { versionId } = version;
    const done = await doing.run(async () => {
      const [newest, second] = versions;
      // Without the marker above it the version is the newest again, and no copy is needed.
      if (newest?.deleteMarker === true && second?.versionId === versionId)
        await deleteObject(client, { bucket, key, versionId: newest.versionId });
      else await restoreVersion(client, { bucket, key, versionId });
    });
    if (done) changed('The version is restored');
  };
  return (
    <Load from={loaded} what="versions">
      {(versions) => (
        <>
          <Problem error={doing.error} />
          <ol class="versions">
            {versions.map((version) => (
              <li key={version.versionId} class={version.versionId === shown ? 'shown' : ''}>
                <div>
                  <strong>{formatDate(version.modified)}</strong>{' '}
                  {version.latest ? <Badge kind="good">newest</Badge> : null}{' '}
                  {version.deleteMarker ? <Badge kind="warn">delete marker</Badge> : formatBytes(version.sizeBytes)}
                  <code class="version-id faint">{version.versionId}</code>
                </div>
                <div class="actions">
                  {version.deleteMarker ? null : (
                    <Button
                      icon="eye"
                      kind="ghost"
                      label="Look at this version"
                      onClick={() => onShow(version.versionId)}
                    />
                  )}
                  {version.latest || version.deleteMarker ? null : (
                    <Button icon="history" busy={doing.busy} onClick={() => void restore(versions, version)}>
                      Restore
                    </Button>
                  )}
                  <Button
                    icon="trash"
                    kind="ghost"
                    label="Delete this version for good"
                    onClick={() => setDoomed(version)}
                  />
                </div>
              </li>
            ))}
          </ol>
          {doomed === null ? null : (
            <Confirm
              title="Delete version"
              action="Delete for good"
              onClose={() => setDoomed(null)}
              onConfirm={async () => {
                await deleteObject(client, { bucket, key, versionId: doomed.versionId });
                changed('The version is deleted');
              }}
            >
              <p>
                The version of {formatDate(doomed.modified)} is deleted for good.
                {doomed.deleteMarker && doomed.latest ? ' The version below it becomes the newest again.' : ''}
              </p>
            </Confirm>
          )}
        </>
      )}
    </Load>
  );
}

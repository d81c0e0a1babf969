/** What of an object can be changed: its tags in place, its metadata by a copy of it onto itself. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { getTags, putTags, replaceMetadata } from '../api/objects.js';
import type { ObjectId, ObjectInfo, Tags } from '../api/objects.js';
import { useAction, useApp, useLoad } from '../context.js';
import { Button, Load, Problem } from '../parts/basics.js';
import { PairsField, TextField } from '../parts/fields.js';

/** CopyObject takes no more. */
const MAX_COPY_BYTES = 5 * 1024 ** 3;

export function TagsTab({ id }: { readonly id: ObjectId }): JSX.Element {
  const { bucket, key, versionId } = id;
  const loaded = useLoad(`tags ${bucket}/${key} ${versionId ?? ''}`, (client) =>
    getTags(client, bucket, { key, versionId }),
  );
  return (
    <Load from={loaded} what="tags">
      {(tags) => <TagsForm tags={tags} save={(client, next) => putTags(client, bucket, { key, versionId }, next)} />}
    </Load>
  );
}

/** Also for the tags of buckets. */
export function TagsForm(props: {
  readonly tags: Tags;
  readonly save: (client: Parameters<typeof putTags>[0], tags: Tags) => Promise<void>;
}): JSX.Element {
  const { client, notify } = useApp();
  const [tags, setTags] = useState(props.tags);
  const doing = useAction();
  const save = async (): Promise<void> => {
    const named = tags.filter(([name]) => name !== '');
    if (!(await doing.run(() => props.save(client, named)))) return;
    setTags(named);
    notify('Tags are saved');
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <PairsField what="Tags" pairs={tags} onChange={setTags} />
      <Problem error={doing.error} />
      <footer>
        <Button kind="primary" type="submit" busy={doing.busy}>
          Save tags
        </Button>
      </footer>
    </form>
  );
}

export function MetadataTab(props: {
  readonly id: ObjectId;
  readonly info: ObjectInfo;
  readonly onChange: () => void;
}): JSX.Element {
  const { id, info, onChange } = props;
  const { client, notify } = useApp();
  const [contentType, setContentType] = useState(info.contentType);
  const [pairs, setPairs] = useState<readonly (readonly [string, string])[]>(() => Object.entries(info.metadata));
  const doing = useAction();
  const save = async (): Promise<void> => {
    const metadata = Object.fromEntries(pairs.filter(([name]) => name !== ''));
    if (!(await doing.run(() => replaceMetadata(client, id, { contentType, metadata })))) return;
    notify('Metadata are saved');
    onChange();
  };
  if (id.versionId !== null || info.sizeBytes > MAX_COPY_BYTES) {
    const why = id.versionId === null ? 'of objects above 5 GiB' : 'of old versions';
    return (
      <>
        <p class="faint">Metadata {why} can only be read.</p>
        <dl class="details">
          {Object.entries(info.metadata).map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      </>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      <TextField label="Content type" value={contentType} onChange={setContentType} mono />
      <PairsField what="Metadata" pairs={pairs} onChange={setPairs} />
      <p class="hint">Saving copies the object onto itself. Where versions are kept, that makes a new one.</p>
      <Problem error={doing.error} />
      <footer>
        <Button kind="primary" type="submit" busy={doing.busy}>
          Save metadata
        </Button>
      </footer>
    </form>
  );
}

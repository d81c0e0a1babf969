/** Versions and default retention, public access, tags. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { getVersioning, putVersioning } from '../api/buckets.js';
import type { Versioning } from '../api/buckets.js';
import { getTags, putTags } from '../api/objects.js';
import { getLock, getPublicAccess, PUBLIC_ACCESS, putLock, putPublicAccess } from '../api/settings.js';
import type { DefaultRetention, PublicAccess } from '../api/settings.js';
import { useAction, useApp, useLoad } from '../context.js';
import { Button, Load, Problem } from '../parts/basics.js';
import { SelectField, TextField, Toggle } from '../parts/fields.js';
import { TagsForm } from '../pages/object-edit.js';
import type { SectionProps } from '../pages/settings.js';
import { SettingsForm } from './form.js';

export function VersioningSection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`versioning ${bucket}`, async (client) => ({
    versioning: await getVersioning(client, bucket),
    lock: await getLock(client, bucket),
  }));
  return (
    <Load from={loaded} what="the settings">
      {({ versioning, lock }) => (
        <>
          <VersioningToggle bucket={bucket} versioning={versioning} locked={lock.enabled} onChange={loaded.reload} />
          {lock.enabled ? (
            <RetentionForm bucket={bucket} retention={lock} />
          ) : (
            <p class="hint">Object Lock is off. It is switched on when a bucket is created.</p>
          )}
        </>
      )}
    </Load>
  );
}

function VersioningToggle(props: {
  readonly bucket: string;
  readonly versioning: Versioning;
  readonly locked: boolean;
  readonly onChange: () => void;
}): JSX.Element {
  const { bucket, versioning, locked, onChange } = props;
  const { client, notify } = useApp();
  const doing = useAction();
  // What was switched to, until the server has told what it is.
  const [wanted, setWanted] = useState<boolean | null>(null);
  const change = async (on: boolean): Promise<void> => {
    setWanted(on);
    if (!(await doing.run(() => putVersioning(client, bucket, on)))) {
      setWanted(null);
      return;
    }
    notify(on ? 'Versions are kept from now on' : 'No new versions are kept');
    onChange();
  };
  return (
    <>
      <Toggle
        label="Keep versions"
        checked={wanted ?? versioning === 'Enabled'}
        disabled={doing.busy || locked}
        onChange={(on) => void change(on)}
        hint={
          locked
            ? 'Object Lock needs versions: they cannot be switched off.'
            : versioning === 'Suspended'
              ? 'Suspended: versions that are there stay, new ones are not kept.'
              : 'What is overwritten or deleted can be brought back. Old versions take space until a lifecycle rule removes them.'
        }
      />
      <Problem error={doing.error} />
    </>
  );
}

function RetentionForm(props: { readonly bucket: string; readonly retention: DefaultRetention }): JSX.Element {
  const [retention, setRetention] = useState(props.retention);
  return (
    <SettingsForm
      saved="The default retention is saved"
      save={(client) => putLock(client, props.bucket, retention)}
      button="Save retention"
    >
      <h3>Object Lock is on</h3>
      <SelectField
        label="Default retention of new objects"
        value={retention.mode}
        onChange={(mode) => setRetention({ ...retention, mode: mode as DefaultRetention['mode'] })}
        options={[
          ['', 'None'],
          ['GOVERNANCE', 'Governance: whoever has the permission may end it'],
          ['COMPLIANCE', 'Compliance: nobody can end it before its time'],
        ]}
      />
      {retention.mode === '' ? null : (
        <TextField
          label="Days"
          type="number"
          min={1}
          required
          value={retention.days}
          onChange={(days) => setRetention({ ...retention, days })}
        />
      )}
    </SettingsForm>
  );
}

export function PublicAccessSection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`public ${bucket}`, (client) => getPublicAccess(client, bucket));
  return (
    <Load from={loaded} what="the settings">
      {(access) => <PublicAccessForm bucket={bucket} access={access} />}
    </Load>
  );
}

function PublicAccessForm(props: { readonly bucket: string; readonly access: PublicAccess }): JSX.Element {
  const [access, setAccess] = useState(props.access);
  const all = PUBLIC_ACCESS.every(([name]) => access[name]);
  const setAll = (on: boolean): void =>
    setAccess({ BlockPublicAcls: on, IgnorePublicAcls: on, BlockPublicPolicy: on, RestrictPublicBuckets: on });
  return (
    <SettingsForm saved="Public access is saved" save={(client) => putPublicAccess(client, props.bucket, access)}>
      <p class="hint">Guards against opening the bucket to everybody by mistake, whatever policies and ACLs say.</p>
      <Toggle label="Block all public access" checked={all} onChange={setAll} />
      <div class="indent">
        {PUBLIC_ACCESS.map(([name, text]) => (
          <Toggle
            key={name}
            label={text}
            checked={access[name]}
            onChange={(on) => setAccess({ ...access, [name]: on })}
          />
        ))}
      </div>
    </SettingsForm>
  );
}

export function BucketTags({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`tags of ${bucket}`, (client) => getTags(client, bucket, null));
  return (
    <Load from={loaded} what="tags">
      {(tags) => <TagsForm tags={tags} save={(client, next) => putTags(client, bucket, null, next)} />}
    </Load>
  );
}

export function RemoveButton(props: { readonly what: string; readonly onClick: () => void }): JSX.Element {
  return <Button icon="trash" kind="ghost" label={`Remove ${props.what}`} onClick={props.onClick} />;
}

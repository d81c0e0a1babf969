/** How new objects are encrypted when the client asks for nothing. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { getEncryption, putEncryption } from '../api/settings.js';
import type { Encryption } from '../api/settings.js';
import { useLoad } from '../context.js';
import { Load } from '../parts/basics.js';
import { SelectField, TextField } from '../parts/fields.js';
import type { SectionProps } from '../pages/settings.js';
import { SettingsForm } from './form.js';

export function EncryptionSection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`encryption ${bucket}`, (client) => getEncryption(client, bucket));
  return (
    <Load from={loaded} what="the settings">
      {(now) => <EncryptionForm bucket={bucket} encryption={now} />}
    </Load>
  );
}

function EncryptionForm(props: SectionProps & { readonly encryption: Encryption }): JSX.Element {
  const [encryption, setEncryption] = useState(props.encryption);
  return (
    <SettingsForm saved="Encryption is saved" save={(client) => putEncryption(client, props.bucket, encryption)}>
      <SelectField
        label="New objects are encrypted"
        value={encryption.algorithm}
        onChange={(algorithm) => setEncryption({ ...encryption, algorithm: algorithm as Encryption['algorithm'] })}
        options={[
          ['', 'as the client asks'],
          ['AES256', 'by the server’s master key (SSE-S3)'],
          ['aws:kms', 'by a named key (SSE-KMS)'],
        ]}
        hint="Objects that are there already stay as they are."
      />
      {encryption.algorithm === 'aws:kms' ? (
        <TextField
          label="Key"
          placeholder="the server’s default key"
          value={encryption.kmsKey}
          onChange={(kmsKey) => setEncryption({ ...encryption, kmsKey })}
        />
      ) : null}
    </SettingsForm>
  );
}

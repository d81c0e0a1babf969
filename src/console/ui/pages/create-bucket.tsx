/** Creates a bucket. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { createBucket } from '../api/buckets.js';
import { getServer } from '../api/admin.js';
import { useApp, useLoad } from '../context.js';
import { FormDialog } from '../parts/dialog.js';
import { SelectField, TextField, Toggle } from '../parts/fields.js';
import { go } from '../router.js';

export function CreateBucket({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { client, server, notify } = useApp();
  const [name, setName] = useState('');
  const [region, setRegion] = useState(server.region);
  const [versioning, setVersioning] = useState(false);
  const [objectLock, setObjectLock] = useState(false);
  // Operators can be asked for the regions; for others there is the default one.
  const regions = useLoad('regions', async (asked, signal) => {
    const found = await getServer(asked, signal).catch(() => null);
    return found?.regions.map((one) => one.name) ?? [server.region];
  });
  const create = async (): Promise<void> => {
    await createBucket(client, { name, region, versioning, objectLock });
    notify(`${name} is created`);
    go({ page: 'browse', bucket: name, prefix: '', object: null });
  };
  const options = (regions.data ?? [server.region]).map((one) => [one, one] as const);
  return (
    <FormDialog title="Create bucket" action="Create" onSubmit={create} onClose={onClose}>
      <TextField
        label="Name"
        value={name}
        onChange={setName}
        required
        autoFocus
        pattern="[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9]"
        maxLength={63}
        hint="3 to 63 lower-case letters, digits, dots and hyphens"
      />
      {options.length > 1 ? <SelectField label="Region" value={region} onChange={setRegion} options={options} /> : null}
      <Toggle
        label="Keep versions"
        checked={versioning || objectLock}
        disabled={objectLock}
        onChange={setVersioning}
        hint="What is overwritten or deleted can be brought back."
      />
      <Toggle
        label="Object Lock"
        checked={objectLock}
        onChange={setObjectLock}
        hint="Versions can be protected from deletion for a time. Needs versions; cannot be switched on later from here."
      />
    </FormDialog>
  );
}

/** A link that opens one object to whoever has it, for a time. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { versionQuery } from '../api/objects.js';
import type { ObjectId } from '../api/objects.js';
import { useApp, useLoad } from '../context.js';
import { formatDate } from '../lib/format.js';
import { Copyable, Load } from '../parts/basics.js';
import { Dialog } from '../parts/dialog.js';
import { SelectField, Toggle } from '../parts/fields.js';

const TIMES = [
  ['900', '15 minutes'],
  ['3600', '1 hour'],
  ['86400', '1 day'],
  ['604800', '7 days'],
] as const;

export function ShareDialog({ id, onClose }: { readonly id: ObjectId; readonly onClose: () => void }): JSX.Element {
  const { client: own } = useApp();
  const [seconds, setSeconds] = useState('3600');
  const [attachment, setAttachment] = useState(false);
  const { bucket, key } = id;
  const loaded = useLoad(`share ${seconds} ${attachment}`, async (client) => {
    const disposition = attachment ? ([['response-content-disposition', 'attachment']] as const) : [];
    const query = [...disposition, ...versionQuery(id)];
    const url = await client.presign({ bucket, key, query, expiresSeconds: Number(seconds) });
    return { url, until: new Date(client.nowMs + Number(seconds) * 1000).toISOString() };
  });
  return (
    <Dialog title="Share" onClose={onClose}>
      <p>Whoever has the link can read this object, without a key, until the link expires.</p>
      <SelectField label="Expires in" value={seconds} onChange={setSeconds} options={TIMES} />
      <Toggle label="Download instead of opening" checked={attachment} onChange={setAttachment} />
      <Load from={loaded} what="the link">
        {({ url, until }) => (
          <>
            <Copyable label="Link" text={url} />
            <p class="hint">
              Valid until {formatDate(until)}
              {own.keys.sessionToken === null ? '' : ', or until your session ends if that is sooner'}. It also ends
              when your access key is deleted.
            </p>
          </>
        )}
      </Load>
    </Dialog>
  );
}

/** How much the bucket may hold, and how much it may be asked per second. Operators set both; owners see them. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { getQuota, getRates, putQuota, putRates, RATES } from '../api/admin.js';
import type { BucketRates, QuotaReport } from '../api/admin.js';
import { useLoad } from '../context.js';
import { formatBytes } from '../lib/format.js';
import { exactSize, parseSize } from '../lib/size.js';
import { Load } from '../parts/basics.js';
import { TextField } from '../parts/fields.js';
import type { SectionProps } from '../pages/settings.js';
import { SettingsForm } from './form.js';

const SIZE = String.raw`\d+(\.\d+)? ?([KMGTP]i?)?B?`;

export function QuotaSection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`quota ${bucket}`, async (client) => ({
    quota: await getQuota(client, bucket),
    rates: await getRates(client, bucket),
  }));
  return (
    <Load from={loaded} what="the quota">
      {({ quota, rates }) => (
        <>
          <QuotaForm bucket={bucket} quota={quota} />
          <RatesForm bucket={bucket} rates={rates} />
        </>
      )}
    </Load>
  );
}

function QuotaForm({ bucket, quota }: SectionProps & { readonly quota: QuotaReport }): JSX.Element {
  const [bytes, setBytes] = useState(quota.bytes === null ? '' : exactSize(quota.bytes));
  const [objects, setObjects] = useState(quota.objects === null ? '' : String(quota.objects));
  const { usage } = quota;
  const toSave = { bytes: bytes === '' ? null : parseSize(bytes), objects: objects === '' ? null : Number(objects) };
  return (
    <SettingsForm saved="The quota is saved" save={(client) => putQuota(client, bucket, toSave)} button="Save quota">
      <p class="hint">Writes that would go beyond it are refused. Only operators can change it.</p>
      {usage === null ? null : (
        <ul class="bars">
          {quota.bytes === null ? null : (
            <Used name="Size" used={usage.bytes} limit={quota.bytes} format={formatBytes} />
          )}
          {quota.objects === null ? null : (
            <Used
              name="Objects"
              used={usage.objects}
              limit={quota.objects}
              format={(count) => count.toLocaleString()}
            />
          )}
        </ul>
      )}
      <div class="grid">
        <TextField
          label="Size"
          placeholder="not limited"
          value={bytes}
          onChange={setBytes}
          pattern={SIZE}
          hint="such as 10 GiB"
        />
        <TextField
          label="Objects"
          type="number"
          min={0}
          placeholder="not limited"
          value={objects}
          onChange={setObjects}
        />
      </div>
    </SettingsForm>
  );
}

function Used(props: {
  readonly name: string;
  readonly used: number;
  readonly limit: number;
  readonly format: (value: number) => string;
}): JSX.Element {
  const { name, used, limit, format } = props;
  const max = Math.max(limit, 1);
  return (
    <li>
      <span>{name}</span>
      <meter min={0} max={max} low={max * 0.75} high={max * 0.9} optimum={0} value={used} aria-label={`${name} used`} />
      <span class="number">
        {format(used)} of {format(limit)}
      </span>
    </li>
  );
}

const TITLES = {
  requestsPerSecond: 'Requests per second',
  bytesInPerSecond: 'Received per second',
  bytesOutPerSecond: 'Sent per second',
} as const;

function RatesForm({ bucket, rates }: SectionProps & { readonly rates: BucketRates }): JSX.Element {
  const [texts, setTexts] = useState(() => ({
    requestsPerSecond: rates.requestsPerSecond === null ? '' : String(rates.requestsPerSecond),
    bytesInPerSecond: rates.bytesInPerSecond === null ? '' : exactSize(rates.bytesInPerSecond),
    bytesOutPerSecond: rates.bytesOutPerSecond === null ? '' : exactSize(rates.bytesOutPerSecond),
  }));
  const valueOf = (text: string): number | null => (text === '' ? null : parseSize(text));
  const toSave: BucketRates = {
    requestsPerSecond: valueOf(texts.requestsPerSecond),
    bytesInPerSecond: valueOf(texts.bytesInPerSecond),
    bytesOutPerSecond: valueOf(texts.bytesOutPerSecond),
  };
  return (
    <SettingsForm saved="The limits are saved" save={(client) => putRates(client, bucket, toSave)} button="Save limits">
      <h3>Limits of all gateways together</h3>
      <div class="grid">
        {RATES.map((name) => (
          <TextField
            key={name}
            label={TITLES[name]}
            placeholder="server’s default"
            value={texts[name]}
            pattern={name === 'requestsPerSecond' ? String.raw`\d+(\.\d+)?` : SIZE}
            onChange={(text) => setTexts({ ...texts, [name]: text })}
          />
        ))}
      </div>
    </SettingsForm>
  );
}

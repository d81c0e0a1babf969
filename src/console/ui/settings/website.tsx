/** The bucket as a web site. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { getWebsite, putWebsite } from '../api/website.js';
import type { Website } from '../api/website.js';
import { useLoad } from '../context.js';
import { Load } from '../parts/basics.js';
import { SelectField, TextField, Toggle } from '../parts/fields.js';
import type { SectionProps } from '../pages/settings.js';
import { SettingsForm } from './form.js';
import { PROTOCOLS, RoutingRules } from './routing-rules.js';

export function WebsiteSection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`website ${bucket}`, (client) => getWebsite(client, bucket));
  return (
    <Load from={loaded} what="the settings">
      {(site) => <WebsiteForm bucket={bucket} site={site} />}
    </Load>
  );
}

function WebsiteForm(props: SectionProps & { readonly site: Website }): JSX.Element {
  const [site, setSite] = useState(props.site);
  const [redirects, setRedirects] = useState(props.site.redirectHost !== '');
  const set = (part: Partial<Website>): void => setSite({ ...site, ...part });
  const toSave = { ...site, redirectHost: redirects ? site.redirectHost : '' };
  return (
    <SettingsForm saved="The website is saved" save={(client) => putWebsite(client, props.bucket, toSave)}>
      <Toggle
        label="Serve this bucket as a web site"
        checked={site.enabled}
        onChange={(enabled) => set({ enabled, indexDocument: site.indexDocument || 'index.html' })}
        hint="Visitors see what the bucket’s policy lets everybody read."
      />
      {site.enabled ? (
        <>
          <SelectField
            label="Visitors"
            value={String(redirects)}
            onChange={(value) => setRedirects(value === 'true')}
            options={[
              ['false', 'see the pages of this bucket'],
              ['true', 'are sent to another host'],
            ]}
          />
          {redirects ? (
            <div class="grid">
              <SelectField
                label="Protocol"
                value={site.redirectProtocol}
                onChange={(redirectProtocol) => set({ redirectProtocol })}
                options={PROTOCOLS}
              />
              <TextField
                label="Host"
                placeholder="www.example.com"
                required
                value={site.redirectHost}
                onChange={(redirectHost) => set({ redirectHost })}
              />
            </div>
          ) : (
            <>
              <TextField
                label="Index document"
                required
                value={site.indexDocument}
                onChange={(indexDocument) => set({ indexDocument })}
                hint="Shown for folders."
              />
              <TextField
                label="Error document"
                placeholder="none"
                value={site.errorDocument}
                onChange={(errorDocument) => set({ errorDocument })}
              />
              <RoutingRules rules={site.rules} onChange={(rules) => set({ rules })} />
            </>
          )}
        </>
      ) : null}
    </SettingsForm>
  );
}

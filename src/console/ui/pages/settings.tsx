/** The settings of a bucket, one section at a time. */
import type { JSX } from 'preact';
import { linkTo } from '../router.js';
import { BucketTags, PublicAccessSection, VersioningSection } from '../settings/basic.js';
import { CorsSection } from '../settings/cors.js';
import { EncryptionSection } from '../settings/encryption.js';
import { LifecycleSection } from '../settings/lifecycle.js';
import { BucketPolicySection } from '../settings/policy.js';
import { QuotaSection } from '../settings/quota.js';
import { WebsiteSection } from '../settings/website.js';

export interface SectionProps {
  readonly bucket: string;
}

const SECTIONS: readonly (readonly [name: string, title: string, view: (props: SectionProps) => JSX.Element])[] = [
  ['versioning', 'Versions & lock', VersioningSection],
  ['policy', 'Policy', BucketPolicySection],
  ['public', 'Public access', PublicAccessSection],
  ['lifecycle', 'Lifecycle', LifecycleSection],
  ['encryption', 'Encryption', EncryptionSection],
  ['cors', 'CORS', CorsSection],
  ['website', 'Website', WebsiteSection],
  ['tags', 'Tags', BucketTags],
  ['quota', 'Quota & limits', QuotaSection],
];

export function SettingsPage({ bucket, section }: SectionProps & { readonly section: string }): JSX.Element {
  const [name, title, View] = SECTIONS.find(([one]) => one === section) ?? SECTIONS[0] ?? ['', '', () => <></>];
  return (
    <>
      <header class="page-head">
        <nav aria-label="Folders" class="crumbs">
          <ol>
            <li>
              <a href={linkTo({ page: 'buckets' })}>Buckets</a>
            </li>
            <li>
              <a href={linkTo({ page: 'browse', bucket, prefix: '', object: null })}>{bucket}</a>
            </li>
            <li>
              <h1>Settings</h1>
            </li>
          </ol>
        </nav>
      </header>
      <div class="settings">
        <nav aria-label="Sections" class="sections">
          {SECTIONS.map(([one, text]) => (
            <a
              key={one}
              href={linkTo({ page: 'settings', bucket, section: one })}
              {...(one === name ? { 'aria-current': 'page' as const } : {})}
            >
              {text}
            </a>
          ))}
        </nav>
        <section class="card pad section" aria-label={title} key={name}>
          <h2>{title}</h2>
          <View bucket={bucket} />
        </section>
      </div>
    </>
  );
}

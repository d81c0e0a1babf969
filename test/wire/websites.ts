// Sites that tests visit: buckets with pages, and visits by hand.
import { PutBucketPolicyCommand, PutBucketWebsiteCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { PutObjectCommandInput, WebsiteConfiguration } from '@aws-sdk/client-s3';
import { exchange } from './raw.js';
import type { RawResponse } from './raw.js';
import type { Wire } from './servers.js';

/** The gateway's website-uri. */
export const SITES = 's3-website.example.com';

export const PAGES: WebsiteConfiguration = {
  IndexDocument: { Suffix: 'index.html' },
  ErrorDocument: { Key: 'error.html' },
  RoutingRules: [
    { Condition: { KeyPrefixEquals: 'old/' }, Redirect: { ReplaceKeyPrefixWith: 'new/' } },
    {
      Condition: { HttpErrorCodeReturnedEquals: '404', KeyPrefixEquals: 'lost/' },
      Redirect: { HostName: 'found.example.com', Protocol: 'https', HttpRedirectCode: '302' },
    },
  ],
};

export class Sites {
  readonly #wire: Wire;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  async configure(Bucket: string, WebsiteConfiguration: WebsiteConfiguration): Promise<void> {
    await this.#wire.s3.send(new PutBucketWebsiteCommand({ Bucket, WebsiteConfiguration }));
  }

  async put(Bucket: string, Key: string, Body: string, more: Partial<PutObjectCommandInput> = {}): Promise<void> {
    await this.#wire.s3.send(new PutObjectCommand({ Bucket, Key, Body, ContentType: 'text/html', ...more }));
  }

  /** Lets everybody read, and list where `listed`. */
  async open(Bucket: string, { listed = false }: { readonly listed?: boolean } = {}): Promise<void> {
    const all = { Effect: 'Allow', Principal: '*' };
    const Statement = [
      { ...all, Action: 's3:GetObject', Resource: `arn:aws:s3:::${Bucket}/*` },
      ...(listed ? [{ ...all, Action: 's3:ListBucket', Resource: `arn:aws:s3:::${Bucket}` }] : []),
    ];
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
    await this.#wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
  }

  /** A site with a few pages that everybody may read. */
  async site(
    configuration: WebsiteConfiguration = PAGES,
    options: { readonly listed?: boolean } = {},
  ): Promise<string> {
    const Bucket = await this.#wire.bucket();
    await this.open(Bucket, options);
    await this.configure(Bucket, configuration);
    await this.put(Bucket, 'index.html', 'the root');
    await this.put(Bucket, 'docs/index.html', 'the docs');
    await this.put(Bucket, 'error.html', 'our own error');
    return Bucket;
  }

  visit(
    Bucket: string,
    target: string,
    headers: Readonly<Record<string, string>> = {},
    method = 'GET',
  ): Promise<RawResponse> {
    return exchange(this.#wire.server, { method, target, headers: { host: `${Bucket}.${SITES}`, ...headers } });
  }
}

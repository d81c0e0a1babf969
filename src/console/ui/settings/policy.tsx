/** The bucket's policy. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { getPolicy, putPolicy } from '../api/settings.js';
import { useLoad } from '../context.js';
import { jsonFault } from '../lib/json.js';
import { Load } from '../parts/basics.js';
import { JsonEditor } from '../parts/json-editor.js';
import type { SectionProps } from '../pages/settings.js';
import { SettingsForm } from './form.js';

export function BucketPolicySection({ bucket }: SectionProps): JSX.Element {
  const loaded = useLoad(`policy ${bucket}`, (client) => getPolicy(client, bucket));
  return (
    <Load from={loaded} what="the policy">
      {(policy) => <PolicyForm bucket={bucket} policy={policy} />}
    </Load>
  );
}

function PolicyForm(props: SectionProps & { readonly policy: string }): JSX.Element {
  const { bucket } = props;
  const [text, setText] = useState(() => pretty(props.policy));
  const templates = [
    ['Everybody may read objects', publicRead(bucket)],
    ['Another account may read and write', otherAccount(bucket)],
    ['Only over TLS', onlyTls(bucket)],
  ] as const;
  return (
    <SettingsForm
      saved={text.trim() === '' ? 'The policy is removed' : 'The policy is saved'}
      save={(client) => putPolicy(client, bucket, text)}
      button={text.trim() === '' ? 'Remove policy' : 'Save policy'}
      disabled={text.trim() !== '' && jsonFault(text) !== null}
    >
      <p class="hint">
        Says who may do what with this bucket, besides its owner. The server checks it when it is saved. An empty one is
        removed.
      </p>
      <div class="templates">
        <span class="faint">Begin with:</span>
        {templates.map(([name, document]) => (
          <button key={name} type="button" class="link" onClick={() => setText(JSON.stringify(document, null, 2))}>
            {name}
          </button>
        ))}
      </div>
      <JsonEditor label="Policy" value={text} onChange={setText} />
    </SettingsForm>
  );
}

function pretty(text: string): string {
  return text === '' || jsonFault(text) !== null ? text : JSON.stringify(JSON.parse(text), null, 2);
}

const policyOf = (statement: object): object => ({ Version: '2012-10-17', Statement: [statement] });

function publicRead(bucket: string): object {
  return policyOf({
    Sid: 'PublicRead',
    Effect: 'Allow',
    Principal: '*',
    Action: ['s3:GetObject'],
    Resource: [`arn:aws:s3:::${bucket}/*`],
  });
}

function otherAccount(bucket: string): object {
  return policyOf({
    Sid: 'OtherAccount',
    Effect: 'Allow',
    Principal: { AWS: ['ACCOUNT'] },
    Action: ['s3:ListBucket', 's3:GetObject', 's3:PutObject', 's3:DeleteObject'],
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
  });
}

function onlyTls(bucket: string): object {
  return policyOf({
    Sid: 'OnlyTLS',
    Effect: 'Deny',
    Principal: '*',
    Action: 's3:*',
    Resource: [`arn:aws:s3:::${bucket}`, `arn:aws:s3:::${bucket}/*`],
    Condition: { Bool: { 'aws:SecureTransport': 'false' } },
  });
}

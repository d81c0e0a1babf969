/** Sub-resources of a bucket, each as the console edits it. */
import { ApiError } from '../lib/errors.js';
import type { Query } from '../lib/sigv4.js';
import { el, xmlDocument } from '../lib/xml.js';
import type { Client } from './client.js';

export const sub = (name: string): Query => [[name, '']];

export async function remove(client: Client, bucket: string, name: string): Promise<void> {
  await client.send({ method: 'DELETE', bucket, query: sub(name) });
}

export async function put(client: Client, bucket: string, name: string, body: string): Promise<void> {
  await client.send({ method: 'PUT', bucket, query: sub(name), body });
}

/** '' without a policy */
export async function getPolicy(client: Client, bucket: string): Promise<string> {
  try {
    return await (await client.s3({ bucket, query: sub('policy') })).text();
  } catch (error) {
    if (error instanceof ApiError && error.code === 'NoSuchBucketPolicy') return '';
    throw error;
  }
}

export async function putPolicy(client: Client, bucket: string, document: string): Promise<void> {
  await (document.trim() === '' ? remove(client, bucket, 'policy') : put(client, bucket, 'policy', document));
}

export interface CorsRule {
  readonly origins: readonly string[];
  readonly methods: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly maxAgeSeconds: string;
}

export async function getCors(client: Client, bucket: string): Promise<CorsRule[]> {
  const xml = await client.optionalXml({ bucket, query: sub('cors') }, /^NoSuchCORSConfiguration$/);
  return (xml?.all('CORSRule') ?? []).map((rule) => {
    const list = (name: string): string[] => rule.all(name).map(({ value }) => value);
    return {
      origins: list('AllowedOrigin'),
      methods: list('AllowedMethod'),
      headers: list('AllowedHeader'),
      exposed: list('ExposeHeader'),
      maxAgeSeconds: rule.text('MaxAgeSeconds'),
    };
  });
}

export async function putCors(client: Client, bucket: string, rules: readonly CorsRule[]): Promise<void> {
  if (rules.length === 0) return remove(client, bucket, 'cors');
  const list = (name: string, values: readonly string[]) => values.map((value) => el(name, value));
  const content = rules.map((rule) =>
    el('CORSRule', [
      ...list('AllowedOrigin', rule.origins),
      ...list('AllowedMethod', rule.methods),
      ...list('AllowedHeader', rule.headers),
      ...list('ExposeHeader', rule.exposed),
      el('MaxAgeSeconds', rule.maxAgeSeconds === '' ? null : rule.maxAgeSeconds),
    ]),
  );
  return put(client, bucket, 'cors', xmlDocument('CORSConfiguration', content));
}

export interface Encryption {
  /** '' = none */
  readonly algorithm: '' | 'AES256' | 'aws:kms';
  readonly kmsKey: string;
}

export async function getEncryption(client: Client, bucket: string): Promise<Encryption> {
  const absent = /^ServerSideEncryptionConfigurationNotFoundError$/;
  const xml = await client.optionalXml({ bucket, query: sub('encryption') }, absent);
  const rule = xml?.at('Rule', 'ApplyServerSideEncryptionByDefault');
  const algorithm = rule?.text('SSEAlgorithm') ?? '';
  return {
    algorithm: algorithm === 'AES256' || algorithm === 'aws:kms' ? algorithm : '',
    kmsKey: rule?.text('KMSMasterKeyID') ?? '',
  };
}

export async function putEncryption(client: Client, bucket: string, { algorithm, kmsKey }: Encryption): Promise<void> {
  if (algorithm === '') return remove(client, bucket, 'encryption');
  const key = algorithm === 'aws:kms' && kmsKey !== '' ? kmsKey : null;
  const rule = el('ApplyServerSideEncryptionByDefault', [el('SSEAlgorithm', algorithm), el('KMSMasterKeyID', key)]);
  return put(client, bucket, 'encryption', xmlDocument('ServerSideEncryptionConfiguration', el('Rule', rule)));
}

export const PUBLIC_ACCESS = [
  ['BlockPublicAcls', 'Refuse new public ACLs'],
  ['IgnorePublicAcls', 'Ignore public ACLs that are there'],
  ['BlockPublicPolicy', 'Refuse new public policies'],
  ['RestrictPublicBuckets', 'Public policies count for your own account only'],
] as const;

export type PublicAccess = Readonly<Record<(typeof PUBLIC_ACCESS)[number][0], boolean>>;

export async function getPublicAccess(client: Client, bucket: string): Promise<PublicAccess> {
  const absent = /^NoSuchPublicAccessBlockConfiguration$/;
  const xml = await client.optionalXml({ bucket, query: sub('publicAccessBlock') }, absent);
  const entries = PUBLIC_ACCESS.map(([name]) => [name, xml?.text(name) === 'true'] as const);
  return Object.fromEntries(entries) as PublicAccess;
}

export async function putPublicAccess(client: Client, bucket: string, access: PublicAccess): Promise<void> {
  if (!PUBLIC_ACCESS.some(([name]) => access[name])) return remove(client, bucket, 'publicAccessBlock');
  const content = PUBLIC_ACCESS.map(([name]) => el(name, access[name]));
  return put(client, bucket, 'publicAccessBlock', xmlDocument('PublicAccessBlockConfiguration', content));
}

export interface DefaultRetention {
  readonly enabled: boolean;
  /** '' = none */
  readonly mode: '' | 'GOVERNANCE' | 'COMPLIANCE';
  readonly days: string;
}

export async function getLock(client: Client, bucket: string): Promise<DefaultRetention> {
  const absent = /^ObjectLockConfigurationNotFoundError$/;
  const xml = await client.optionalXml({ bucket, query: sub('object-lock') }, absent);
  const rule = xml?.at('Rule', 'DefaultRetention');
  const mode = rule?.text('Mode') ?? '';
  const years = rule?.optional('Years') ?? null;
  return {
    enabled: xml?.text('ObjectLockEnabled') === 'Enabled',
    mode: mode === 'GOVERNANCE' || mode === 'COMPLIANCE' ? mode : '',
    days: years === null ? (rule?.text('Days') ?? '') : String(Number(years) * 365),
  };
}

export async function putLock(client: Client, bucket: string, { mode, days }: DefaultRetention): Promise<void> {
  const rule = mode === '' ? null : el('DefaultRetention', [el('Mode', mode), el('Days', days)]);
  const content = [el('ObjectLockEnabled', 'Enabled'), el('Rule', rule)];
  return put(client, bucket, 'object-lock', xmlDocument('ObjectLockConfiguration', content));
}

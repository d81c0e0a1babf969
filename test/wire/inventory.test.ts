// Inventory reports: the configurations, and that reports arrive with every row, in both formats. A day lasts some seconds here.
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import {
  DeleteBucketInventoryConfigurationCommand,
  DeleteObjectCommand,
  GetBucketInventoryConfigurationCommand,
  ListBucketInventoryConfigurationsCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  PutBucketInventoryConfigurationCommand,
  PutBucketLifecycleConfigurationCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
} from '@aws-sdk/client-s3';
import type { InventoryConfiguration, InventoryOptionalField, PutObjectCommandInput } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { parquetReadObjects } from 'hyparquet';
import { expect, it } from 'vitest';
import { bytes, failure, inParallel, md5, MIB, put, read } from './helpers.js';
import type { Wire } from './servers.js';
import { describeWire, KEYS, USER_KEY } from './servers.js';

const GC = { 'inventory-interval': '300ms', 'inventory-day': '5s', 'lifecycle-interval': 0 };
const SOON = { timeout: 60_000, interval: 300 };

const ALL_FIELDS: InventoryOptionalField[] = [
  'Size',
  'LastModifiedDate',
  'StorageClass',
  'ETag',
  'IsMultipartUploaded',
  'ReplicationStatus',
  'EncryptionStatus',
  'ObjectLockRetainUntilDate',
  'ObjectLockMode',
  'ObjectLockLegalHoldStatus',
  'IntelligentTieringAccessTier',
  'BucketKeyStatus',
  'ChecksumAlgorithm',
  'ObjectAccessControlList',
  'ObjectOwner',
  'LifecycleExpirationDate',
];

interface Manifest {
  readonly sourceBucket: string;
  readonly destinationBucket: string;
  readonly version: string;
  readonly creationTimestamp: string;
  readonly fileFormat: string;
  readonly fileSchema: string;
  readonly files: readonly { readonly key: string; readonly size: number; readonly MD5checksum: string }[];
}

interface Report {
  readonly key: string;
  readonly manifest: Manifest;
  /** in the order of the manifest */
  readonly files: readonly Buffer[];
}

describeWire(
  'inventory',
  (wire) => {
    it('configurations are kept as they were given, listed by pages, and gone when deleted', async () => {
      const Bucket = await wire.bucket();
      const target = await wire.bucket();
      const get = (Id: string) => wire.s3.send(new GetBucketInventoryConfigurationCommand({ Bucket, Id }));
      const full = configuration('full', target, {
        IsEnabled: false,
        Filter: { Prefix: 'logs/' },
        IncludedObjectVersions: 'All',
        Schedule: { Frequency: 'Weekly' },
        OptionalFields: ['ETag', 'Size'],
        Destination: {
          S3BucketDestination: {
            AccountId: USER_KEY.tenant,
            Bucket: `arn:aws:s3:::${target}`,
            Encryption: { SSES3: {} },
            Format: 'Parquet',
            Prefix: 'in/ventory',
          },
        },
      });
      await configure(wire, Bucket, full);
      expect((await get('full')).InventoryConfiguration).toEqual(full);
      expect(await failure(get('other'))).toMatchObject({ status: 404, code: 'NoSuchConfiguration' });
      await inParallel(
        Array.from({ length: 104 }, (_, index) => `c${String(index).padStart(3, '0')}`),
        4,
        (id) => configure(wire, Bucket, configuration(id, target, { IsEnabled: false })),
      );
      const list = (ContinuationToken?: string) =>
        wire.s3.send(new ListBucketInventoryConfigurationsCommand({ Bucket, ContinuationToken }));
      const first = await list();
      expect(first).toMatchObject({ IsTruncated: true });
      expect(first.InventoryConfigurationList).toHaveLength(100);
      const second = await list(first.NextContinuationToken);
      expect(second).toMatchObject({ IsTruncated: false, ContinuationToken: first.NextContinuationToken });
      expect(second.InventoryConfigurationList?.map(({ Id }) => Id)).toEqual(['c100', 'c101', 'c102', 'c103', 'full']);
      expect(second.InventoryConfigurationList?.at(-1)).toEqual(full);
      const remove = () => wire.s3.send(new DeleteBucketInventoryConfigurationCommand({ Bucket, Id: 'full' }));
      expect((await remove()).$metadata.httpStatusCode).toBe(204);
      expect(await failure(remove())).toMatchObject({ status: 404, code: 'NoSuchConfiguration' });
      expect(await failure(get('full'))).toMatchObject({ code: 'NoSuchConfiguration' });
    });

    it('configurations are refused with a reason', async () => {
      const Bucket = await wire.bucket();
      const target = await wire.bucket();
      const refused = (id: string, changes: Partial<InventoryConfiguration>) =>
        failure(configure(wire, Bucket, { ...configuration(id, target), ...changes }, id));
      const destination = (changes: object) => ({
        Destination: { S3BucketDestination: { Bucket: `arn:aws:s3:::${target}`, Format: 'CSV' as const, ...changes } },
      });
      expect(await refused('a', { Id: 'b' })).toMatchObject({ status: 400, code: 'IdMismatch' });
      expect(await refused('a b', {})).toMatchObject({ status: 400, code: 'InvalidConfigurationId' });
      for (const arn of [target, `arn:aws:s3::1:${target}`, `arn:aws:s3:::${target}-is-not-there`])
        expect(await refused('a', destination({ Bucket: arn }))).toMatchObject({
          status: 400,
          code: 'InvalidS3DestinationBucket',
        });
      expect(await refused('a', destination({ AccountId: 'somebody else' }))).toMatchObject({
        code: 'InvalidS3DestinationBucket',
      });
      expect(await refused('a', destination({ Format: 'ORC' }))).toMatchObject({ status: 501, code: 'NotImplemented' });
      expect(await refused('a', destination({ Prefix: 'x'.repeat(1000) }))).toMatchObject({ code: 'InvalidArgument' });
      expect(await refused('a', destination({ Encryption: { SSEKMS: { KeyId: 'not-there' } } }))).toMatchObject({
        status: 400,
        code: 'KMS.NotFoundException',
      });
      const stranger = new PutBucketInventoryConfigurationCommand({
        Bucket,
        Id: 'a',
        InventoryConfiguration: configuration('a', target),
      });
      expect(await failure(wire.client(KEYS.other).send(stranger))).toMatchObject({
        status: 403,
        code: 'AccessDenied',
      });
      const { InventoryConfigurationList } = await wire.s3.send(
        new ListBucketInventoryConfigurationsCommand({ Bucket }),
      );
      expect(InventoryConfigurationList ?? []).toEqual([]);
    });

    it('a policy keeps callers from fields', async () => {
      const Bucket = await wire.bucket();
      const target = await wire.bucket();
      await policy(wire, Bucket, [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${KEYS.other.tenant}:root` },
          Action: 's3:PutInventoryConfiguration',
          Resource: `arn:aws:s3:::${Bucket}`,
          Condition: {
            'ForAllValues:StringEquals': { 's3:InventoryAccessibleOptionalFields': ['Size', 'ETag'] },
          },
        },
      ]);
      const other = wire.client(KEYS.other);
      const ask = (OptionalFields: InventoryOptionalField[]) =>
        other.send(
          new PutBucketInventoryConfigurationCommand({
            Bucket,
            Id: 'a',
            InventoryConfiguration: configuration('a', target, { IsEnabled: false, OptionalFields }),
          }),
        );
      expect(await failure(ask(['Size', 'ObjectOwner']))).toMatchObject({ status: 403 });
      expect((await ask(['Size'])).$metadata.httpStatusCode).toBe(200);
    });

    it('a report in CSV has every current object under its prefix', async () => {
      const { source, target } = await buckets(wire);
      const content = bytes(40_000);
      const objects = ['in/plain', 'in/a b+c&ü"😀,\n', 'in/%20', 'out/not-this'];
      for (const key of objects) await put(wire.s3, source, key, content);
      await configure(
        wire,
        source,
        configuration('csv', target, {
          Filter: { Prefix: 'in/' },
          OptionalFields: ['Size', 'ETag', 'LastModifiedDate'],
        }),
      );
      const { key, manifest, files } = await reportOf(wire, { target, folder: `${source}/csv` });
      expect(manifest).toMatchObject({
        sourceBucket: source,
        destinationBucket: `arn:aws:s3:::${target}`,
        version: '2016-11-30',
        fileFormat: 'CSV',
        fileSchema: 'Bucket, Key, Size, LastModifiedDate, ETag',
      });
      expect(key).toBe(`${source}/csv/${folderOf(manifest)}/manifest.json`);
      expect(manifest.files.map(({ key: name }) => name)).toEqual([
        expect.stringMatching(new RegExp(`^${source}/csv/data/[0-9a-f-]{36}\\.csv\\.gz$`)),
      ]);
      const listed = new Map(
        ((await wire.s3.send(new ListObjectsV2Command({ Bucket: source }))).Contents ?? []).map((object) => [
          object.Key,
          object,
        ]),
      );
      const rows = csvRows(files);
      expect(rows.map((row) => decodeURIComponent(row[1] ?? ''))).toEqual(
        [...listed.keys()].filter((name) => name?.startsWith('in/')),
      );
      for (const [bucket, name = '', size, modified, etag] of rows) {
        const object = listed.get(decodeURIComponent(name));
        expect([bucket, size, modified, etag]).toEqual([
          source,
          String(content.length),
          object?.LastModified?.toISOString(),
          md5(content),
        ]);
      }
      const links = await read(wire.s3, {
        Bucket: target,
        Key: `${source}/csv/hive/dt=${folderOf(manifest).slice(0, -1).replace('T', '-')}/symlink.txt`,
      });
      expect(links.content.toString()).toBe(manifest.files.map(({ key: name }) => `s3://${target}/${name}\n`).join(''));
      const { Contents = [] } = await wire.s3.send(new ListObjectsV2Command({ Bucket: target, FetchOwner: true }));
      expect(Contents.map(({ Owner }) => Owner?.ID)).toEqual(Contents.map(() => USER_KEY.tenant));
    });

    it('a report in Parquet has every version and every field', async () => {
      const { source, target } = await buckets(wire, { ObjectLockEnabledForBucket: true });
      const lifecycle = {
        Rules: [{ ID: 'r', Filter: { Prefix: 'kept/' }, Status: 'Enabled' as const, Expiration: { Days: 9999 } }],
      };
      await wire.s3.send(
        new PutBucketLifecycleConfigurationCommand({ Bucket: source, LifecycleConfiguration: lifecycle }),
      );
      const until = new Date(Date.now() + 3_600_000);
      const putWith = async (input: Omit<PutObjectCommandInput, 'Bucket' | 'Body'>) =>
        (await wire.s3.send(new PutObjectCommand({ Bucket: source, Body: 'content', ...input }))).VersionId;
      const versions = {
        old: await putWith({ Key: 'a', ChecksumAlgorithm: 'SHA256' }),
        new: await putWith({ Key: 'a', ServerSideEncryption: 'AES256' }),
        locked: await putWith({
          Key: 'b ü',
          ObjectLockMode: 'GOVERNANCE',
          ObjectLockRetainUntilDate: until,
          ObjectLockLegalHoldStatus: 'ON',
          ChecksumAlgorithm: 'CRC32',
        }),
        shared: await putWith({ Key: 'kept/x', ACL: 'public-read', ChecksumAlgorithm: 'CRC32C' }),
        kms: await putWith({ Key: 'kms', ServerSideEncryption: 'aws:kms', BucketKeyEnabled: true }),
        marker: (await wire.s3.send(new DeleteObjectCommand({ Bucket: source, Key: 'kms' }))).VersionId,
        parts: (
          await new Upload({
            client: wire.s3,
            params: { Bucket: source, Key: 'parts', Body: bytes(6 * MIB) },
            partSize: 5 * MIB,
          }).done()
        ).VersionId,
      };
      await configure(
        wire,
        source,
        configuration('parquet', target, {
          IncludedObjectVersions: 'All',
          OptionalFields: ALL_FIELDS,
          Destination: {
            S3BucketDestination: {
              Bucket: `arn:aws:s3:::${target}`,
              Format: 'Parquet',
              Prefix: 'reports',
              Encryption: { SSES3: {} },
            },
          },
        }),
      );
      const { manifest, files } = await reportOf(wire, { target, folder: `reports/${source}/parquet` });
      expect(manifest.fileFormat).toBe('Parquet');
      expect(manifest.fileSchema).toMatch(/^message s3\.inventory \{ required binary bucket \(UTF8\); /);
      const dataFile = await read(wire.s3, { Bucket: target, Key: manifest.files[0]?.key });
      expect(dataFile.output.ServerSideEncryption).toBe('AES256');

      const rows: Record<string, unknown>[] = [];
      for (const file of files) rows.push(...(await parquetReadObjects({ file: new Uint8Array(file).buffer })));
      const { Versions = [], DeleteMarkers = [] } = await wire.s3.send(
        new ListObjectVersionsCommand({ Bucket: source }),
      );
      expect(rows.map((row) => row['version_id'])).toHaveLength(Versions.length + DeleteMarkers.length);
      const row = (versionId: string | undefined) => rows.find((candidate) => candidate['version_id'] === versionId);
      for (const version of Versions)
        expect(row(version.VersionId)).toMatchObject({
          bucket: source,
          key: version.Key,
          is_latest: version.IsLatest,
          is_delete_marker: false,
          size: BigInt(version.Size ?? -1),
          last_modified_date: version.LastModified,
          e_tag: version.ETag?.replaceAll('"', ''),
          storage_class: 'STANDARD',
          is_multipart_uploaded: version.Key === 'parts',
          replication_status: null,
          intelligent_tiering_access_tier: null,
          object_owner: USER_KEY.tenant,
        });
      const plain = {
        encryption_status: 'NOT-SSE',
        object_lock_retain_until_date: null,
        object_lock_mode: null,
        object_lock_legal_hold_status: 'OFF',
        bucket_key_status: 'DISABLED',
        lifecycle_expiration_date: null,
      };
      expect(row(versions.old)).toMatchObject({ ...plain, key: 'a', checksum_algorithm: 'SHA256', is_latest: false });
      expect(row(versions.new)).toMatchObject({ ...plain, encryption_status: 'SSE-S3', is_latest: true });
      expect(row(versions.locked)).toMatchObject({
        ...plain,
        key: 'b ü',
        object_lock_retain_until_date: until,
        object_lock_mode: 'GOVERNANCE',
        object_lock_legal_hold_status: 'ON',
        checksum_algorithm: 'CRC32',
      });
      expect(row(versions.kms)).toMatchObject({ ...plain, encryption_status: 'SSE-KMS', bucket_key_status: 'ENABLED' });
      expect(row(versions.marker)).toMatchObject({
        key: 'kms',
        is_latest: true,
        is_delete_marker: true,
        size: null,
        e_tag: null,
        encryption_status: null,
        object_access_control_list: null,
      });
      const shared = row(versions.shared);
      expect(Number(shared?.['lifecycle_expiration_date'])).toBeGreaterThan(Date.now());
      const acl: unknown = JSON.parse(Buffer.from(String(shared?.['object_access_control_list']), 'base64').toString());
      expect(acl).toEqual({
        version: '2022-11-10',
        status: 'AVAILABLE',
        grants: [
          { uri: 'http://acs.amazonaws.com/groups/global/AllUsers', permission: 'READ', type: 'Group' },
          { canonicalId: USER_KEY.tenant, permission: 'FULL_CONTROL', type: 'CanonicalUser' },
        ],
      });
    });

    it('the null version has an empty id', async () => {
      const { source, target } = await buckets(wire);
      await put(wire.s3, source, 'key', 'before');
      await wire.s3.send(
        new PutBucketVersioningCommand({ Bucket: source, VersioningConfiguration: { Status: 'Enabled' } }),
      );
      await put(wire.s3, source, 'key', 'after');
      await configure(wire, source, configuration('all', target, { IncludedObjectVersions: 'All' }));
      const { files } = await reportOf(wire, { target, folder: `${source}/all` });
      expect(csvRows(files).map(([, key, id, ...flags]) => [key, id !== '', ...flags])).toEqual([
        ['key', true, 'true', 'false'],
        ['key', false, 'false', 'false'],
      ]);
    });

    it('a report comes each day, to whoever lets it, also of an empty bucket', async () => {
      const { source, target } = await buckets(wire, {}, { withPolicy: false });
      await configure(wire, source, configuration('daily', target));
      await expect.poll(() => wire.server.logs(), SOON).toContain(`${target} does not allow s3.amazonaws.com`);
      expect((await wire.s3.send(new ListObjectsV2Command({ Bucket: target }))).KeyCount).toBe(0);
      await deliveryPolicy(wire, target, source);
      const empty = await reportOf(wire, { target, folder: `${source}/daily` });
      expect(empty.manifest.files).toEqual([]);
      await put(wire.s3, source, 'later', 'x');
      const keysOfLast = async () =>
        csvRows((await reportOf(wire, { target, folder: `${source}/daily` })).files).map(([, key]) => key);
      await expect.poll(keysOfLast, SOON).toEqual(['later']);
    });
  },
  { gc: GC },
);

async function buckets(wire: Wire, input: Parameters<Wire['bucket']>[0] = {}, { withPolicy = true } = {}) {
  const source = await wire.bucket(input);
  const target = await wire.bucket();
  if (withPolicy) await deliveryPolicy(wire, target, source);
  return { source, target };
}

/** AWS's example policy. */
async function deliveryPolicy(wire: Wire, target: string, source: string): Promise<void> {
  await policy(wire, target, [
    {
      Effect: 'Allow',
      Principal: { Service: 's3.amazonaws.com' },
      Action: 's3:PutObject',
      Resource: [`arn:aws:s3:::${target}/*`],
      Condition: {
        ArnLike: { 'aws:SourceArn': `arn:aws:s3:::${source}` },
        StringEquals: { 'aws:SourceAccount': USER_KEY.tenant, 's3:x-amz-acl': 'bucket-owner-full-control' },
      },
    },
  ]);
}

async function policy(wire: Wire, Bucket: string, Statement: readonly object[]): Promise<void> {
  const Policy = JSON.stringify({ Version: '2012-10-17', Statement });
  await wire.s3.send(new PutBucketPolicyCommand({ Bucket, Policy }));
}

function configuration(
  Id: string,
  target: string,
  overrides: Partial<InventoryConfiguration> = {},
): InventoryConfiguration {
  return {
    Id,
    IsEnabled: true,
    IncludedObjectVersions: 'Current',
    Schedule: { Frequency: 'Daily' },
    Destination: { S3BucketDestination: { Bucket: `arn:aws:s3:::${target}`, Format: 'CSV' } },
    ...overrides,
  };
}

async function configure(wire: Wire, Bucket: string, given: InventoryConfiguration, Id = given.Id): Promise<void> {
  await wire.s3.send(new PutBucketInventoryConfigurationCommand({ Bucket, Id, InventoryConfiguration: given }));
}

/** The newest report in the folder, when it is complete: its checksum and those of its files are right. */
async function reportOf(
  wire: Wire,
  { target, folder }: { readonly target: string; readonly folder: string },
): Promise<Report> {
  const found: Report[] = [];
  const look = async (): Promise<boolean> => {
    const { Contents = [] } = await wire.s3.send(new ListObjectsV2Command({ Bucket: target, Prefix: `${folder}/2` }));
    const checksumKey = Contents.map(({ Key = '' }) => Key).findLast((key) => key.endsWith('/manifest.checksum'));
    if (checksumKey === undefined) return false;
    const key = checksumKey.replace('.checksum', '.json');
    const checksum = (await read(wire.s3, { Bucket: target, Key: checksumKey })).content.toString().trim();
    const text = (await read(wire.s3, { Bucket: target, Key: key })).content;
    // The next report of the same minute is just being published.
    if (md5(text) !== checksum) return false;
    const manifest = JSON.parse(text.toString()) as Manifest;
    const files: Buffer[] = [];
    for (const file of manifest.files) {
      const { content } = await read(wire.s3, { Bucket: target, Key: file.key });
      expect(content.length).toBe(file.size);
      expect(createHash('md5').update(content).digest('hex')).toBe(file.MD5checksum);
      files.push(content);
    }
    found.push({ key, manifest, files });
    return true;
  };
  await expect.poll(look, SOON).toBe(true);
  const [report] = found;
  if (report === undefined) throw new Error('no report');
  return report;
}

/** '2016-11-06T21-32Z' */
function folderOf({ creationTimestamp }: Manifest): string {
  return `${new Date(Number(creationTimestamp)).toISOString().slice(0, 16).replace(':', '-')}Z`;
}

/** Rows of values that hold no quotes and no line breaks themselves. */
function csvRows(files: readonly Buffer[]): string[][] {
  return files
    .flatMap((file) => gunzipSync(file).toString().split('\n'))
    .filter((line) => line !== '')
    .map((line) => line.slice(1, -1).split('","'));
}

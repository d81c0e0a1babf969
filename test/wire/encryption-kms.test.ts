// SSE-KMS with the gateway's own keys, and the default encryption of buckets.
import { randomBytes } from 'node:crypto';
import type { PutBucketEncryptionCommandInput, PutObjectCommandInput } from '@aws-sdk/client-s3';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteBucketEncryptionCommand,
  GetBucketEncryptionCommand,
  HeadObjectCommand,
  PutBucketEncryptionCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, etagOf, failure, KIB, md5, MIB, put, read } from './helpers.js';
import { signedExchange } from './raw.js';
import { clientOf, describeWire, REGION, USER_KEY } from './servers.js';
import { spawnPithos } from '../support/server.js';
import { storeContains } from './stored.js';

const PAYROLL = randomBytes(32).toString('base64');
const KMS_KEYS = {
  payroll: { key: PAYROLL, aliases: ['alias/pay'] },
  'testkey-1': randomBytes(32).toString('base64'),
  closed: { key: randomBytes(32).toString('hex'), enabled: false },
};
const KMS = { ServerSideEncryption: 'aws:kms' } as const;
const ON_PAYROLL = { ...KMS, SSEKMSKeyId: 'payroll' } as const;
const context = (pairs: object): string => Buffer.from(JSON.stringify(pairs)).toString('base64');

type Rule = NonNullable<
  NonNullable<PutBucketEncryptionCommandInput['ServerSideEncryptionConfiguration']>['Rules']
>[number];

const byKms = (KMSMasterKeyID?: string): Rule => ({
  ApplyServerSideEncryptionByDefault: {
    SSEAlgorithm: 'aws:kms',
    ...(KMSMasterKeyID !== undefined && { KMSMasterKeyID }),
  },
});

describeWire(
  'encryption with a KMS',
  (wire) => {
    let Bucket = '';
    beforeAll(async () => {
      Bucket = await wire.bucket();
    });

    const store = (Key: string, more: Partial<PutObjectCommandInput> = {}) =>
      wire.s3.send(new PutObjectCommand({ Bucket, Key, Body: 'content', ...ON_PAYROLL, ...more }));

    it.each([100, 40 * KIB, 3 * MIB])('keeps no plaintext of an object of %i bytes', async (sizeBytes) => {
      const marker = `secret of ${sizeBytes} bytes in ${Bucket}`;
      const content = Buffer.concat([bytes(sizeBytes, 5), Buffer.from(marker)]);
      const stored = await store('sealed', { Body: content });
      expect(stored).toMatchObject(ON_PAYROLL);
      expect(stored.BucketKeyEnabled).toBeUndefined();
      expect(stored.ETag).toMatch(/^"[0-9a-f]{32}"$/);
      expect(stored.ETag).not.toContain(md5(content));
      expect(await storeContains(wire, Buffer.from(marker))).toBe(false);
      const got = await read(wire.s3, { Bucket, Key: 'sealed' });
      expect(got.content.equals(content)).toBe(true);
      expect(got.output).toMatchObject({ ...ON_PAYROLL, ETag: stored.ETag });
      const range = await read(wire.s3, { Bucket, Key: 'sealed', Range: `bytes=${sizeBytes}-` });
      expect(range.content.toString()).toBe(marker);
      const head = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'sealed' }));
      expect(head).toMatchObject({ ...ON_PAYROLL, ContentLength: content.length });
    });

    it('takes a key by its alias and its ARN, and a key of its own when none is named', async () => {
      for (const SSEKMSKeyId of ['alias/pay', `arn:aws:kms:${REGION}:${USER_KEY.tenant}:key/payroll`])
        expect((await store('named', { SSEKMSKeyId })).SSEKMSKeyId).toBe('payroll');
      const unnamed = await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'unnamed', Body: 'x', ...KMS }));
      expect(unnamed).toMatchObject({ ...KMS, SSEKMSKeyId: 'aws/s3' });
      expect((await read(wire.s3, { Bucket, Key: 'unnamed' })).content.toString()).toBe('x');
    });

    it.each([
      ['nobody', 'KMS.NotFoundException'],
      [`arn:aws:kms:elsewhere:t:key/payroll`, 'KMS.NotFoundException'],
      ['closed', 'KMS.DisabledException'],
    ])('refuses key %s with %s', async (SSEKMSKeyId, code) => {
      expect(await failure(store('refused', { SSEKMSKeyId }))).toMatchObject({ status: 400, code });
      const upload = new CreateMultipartUploadCommand({ Bucket, Key: 'refused', ...KMS, SSEKMSKeyId });
      expect(await failure(wire.s3.send(upload))).toMatchObject({ status: 400, code });
      expect((await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'refused' })))).status).toBe(404);
    });

    it('binds a context to the key and gives it back to the writer', async () => {
      const SSEKMSEncryptionContext = context({ department: 'päy' });
      expect((await store('bound', { SSEKMSEncryptionContext })).SSEKMSEncryptionContext).toBe(SSEKMSEncryptionContext);
      expect((await read(wire.s3, { Bucket, Key: 'bound' })).content.toString()).toBe('content');
      for (const wrong of ['no json', context(['a']), context({ 'aws:s3:arn': 'arn:aws:s3:::another/key' })])
        expect(await failure(store('unbound', { SSEKMSEncryptionContext: wrong }))).toMatchObject({
          status: 400,
          code: 'InvalidArgument',
        });
    });

    it('remembers the bucket key setting', async () => {
      expect((await store('bucket-key', { BucketKeyEnabled: true })).BucketKeyEnabled).toBe(true);
      const got = await read(wire.s3, { Bucket, Key: 'bucket-key' });
      expect(got.output.BucketKeyEnabled).toBe(true);
      expect(got.content.toString()).toBe('content');
    });

    it('goes through a multipart upload', async () => {
      const upload = { Bucket, Key: 'multipart' };
      const parts = [bytes(5 * MIB, 7), bytes(1000, 8)] as const;
      await put(wire.s3, Bucket, 'second', parts[1]);
      const created = await wire.s3.send(
        new CreateMultipartUploadCommand({ ...upload, ...ON_PAYROLL, SSEKMSEncryptionContext: context({ a: 'b' }) }),
      );
      expect(created).toMatchObject({ ...ON_PAYROLL, SSEKMSEncryptionContext: context({ a: 'b' }) });
      const which = { ...upload, UploadId: created.UploadId };
      const first = await wire.s3.send(new UploadPartCommand({ ...which, PartNumber: 1, Body: parts[0] }));
      expect(first).toMatchObject(ON_PAYROLL);
      const second = await wire.s3.send(
        new UploadPartCopyCommand({ ...which, PartNumber: 2, CopySource: `${Bucket}/second` }),
      );
      expect(second).toMatchObject(ON_PAYROLL);
      const Parts = [first.ETag, second.CopyPartResult?.ETag].map((ETag, i) => ({ ETag, PartNumber: i + 1 }));
      const done = await wire.s3.send(new CompleteMultipartUploadCommand({ ...which, MultipartUpload: { Parts } }));
      expect(done).toMatchObject(ON_PAYROLL);
      const got = await read(wire.s3, upload);
      expect(got.content.equals(Buffer.concat(parts))).toBe(true);
      expect(got.output).toMatchObject({ ...ON_PAYROLL, ETag: done.ETag });
    });

    it('lets a part repeat the method of its upload, not choose one', async () => {
      const part = async (Key: string, method: string, of: Partial<PutObjectCommandInput>) => {
        const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key, ...of }));
        const target = `/${Bucket}/${Key}?partNumber=1&uploadId=${UploadId}`;
        const headers = { 'x-amz-server-side-encryption': method };
        return signedExchange(wire.server, { method: 'PUT', target, headers, body: 'x' });
      };
      const repeated = await part('repeats', 'aws:kms', ON_PAYROLL);
      expect(repeated.status).toBe(200);
      expect(repeated.headers['x-amz-server-side-encryption-aws-kms-key-id']).toBe('payroll');
      expect(await part('chooses', 'AES256', {})).toMatchObject({ status: 400, code: 'InvalidArgument' });
    });

    it('is chosen anew for each copy', async () => {
      await store('source');
      const CopySource = `${Bucket}/source`;
      const opened = await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'opened', CopySource }));
      expect(opened.ServerSideEncryption).toBeUndefined();
      expect(opened.CopyObjectResult?.ETag).toBe(etagOf('content'));
      const other = { ...KMS, SSEKMSKeyId: 'testkey-1' };
      expect(await wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'other', CopySource, ...other }))).toMatchObject(
        other,
      );
      for (const Key of ['opened', 'other'])
        expect((await read(wire.s3, { Bucket, Key })).content.toString()).toBe('content');
    });

    it('is not asked for by reads', async () => {
      await store('read');
      const headers = { 'x-amz-server-side-encryption': 'aws:kms' };
      const answer = await signedExchange(wire.server, { method: 'GET', target: `/${Bucket}/read`, headers });
      expect(answer).toMatchObject({ status: 400, code: 'InvalidArgument' });
    });

    describe('as the default of a bucket', () => {
      const configure = (target: string, ...Rules: Rule[]) =>
        wire.s3.send(new PutBucketEncryptionCommand({ Bucket: target, ServerSideEncryptionConfiguration: { Rules } }));
      const configured = (target: string) => wire.s3.send(new GetBucketEncryptionCommand({ Bucket: target }));
      const write = (target: string, more: Partial<PutObjectCommandInput> = {}) =>
        wire.s3.send(new PutObjectCommand({ Bucket: target, Key: 'k', Body: 'content', ...more }));

      it('is kept, told and taken away', async () => {
        const own = await wire.bucket();
        const missing = { status: 404, code: 'ServerSideEncryptionConfigurationNotFoundError' };
        expect(await failure(configured(own))).toMatchObject(missing);
        await wire.s3.send(new DeleteBucketEncryptionCommand({ Bucket: own }));
        const rule: Rule = { ...byKms('alias/pay'), BucketKeyEnabled: true };
        await configure(own, rule);
        expect((await configured(own)).ServerSideEncryptionConfiguration).toEqual({ Rules: [rule] });
        await configure(own, { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } });
        expect((await configured(own)).ServerSideEncryptionConfiguration?.Rules?.[0]).toMatchObject({
          ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' },
          BucketKeyEnabled: false,
        });
        await wire.s3.send(new DeleteBucketEncryptionCommand({ Bucket: own }));
        expect(await failure(configured(own))).toMatchObject(missing);
        expect((await write(own)).ServerSideEncryption).toBeUndefined();
      });

      it('that came later is a change which an object may be copied onto itself for, once', async () => {
        const own = await wire.bucket();
        const again = () => wire.s3.send(new CopyObjectCommand({ Bucket: own, Key: 'k', CopySource: `${own}/k` }));
        await write(own);
        expect(await failure(again())).toMatchObject({ status: 400, code: 'InvalidRequest' });
        for (const key of ['payroll', 'testkey-1']) {
          await configure(own, byKms(key));
          expect((await again()).SSEKMSKeyId).toBe(key);
          expect(await failure(again())).toMatchObject({ status: 400, code: 'InvalidRequest' });
        }
        expect((await read(wire.s3, { Bucket: own, Key: 'k' })).content.toString()).toBe('content');
      });

      it('is for writes that name none', async () => {
        const own = await wire.bucket();
        await put(wire.s3, own, 'before', 'content');
        await configure(own, { ...byKms('payroll'), BucketKeyEnabled: true });
        const byDefault = { ...ON_PAYROLL, BucketKeyEnabled: true };
        expect(await write(own)).toMatchObject(byDefault);
        expect((await read(wire.s3, { Bucket: own, Key: 'k' })).content.toString()).toBe('content');
        const CopySource = `${own}/before`;
        expect(await wire.s3.send(new CopyObjectCommand({ Bucket: own, Key: 'copy', CopySource }))).toMatchObject(
          byDefault,
        );
        expect(await wire.s3.send(new CreateMultipartUploadCommand({ Bucket: own, Key: 'm' }))).toMatchObject(
          byDefault,
        );
        const before = await read(wire.s3, { Bucket: own, Key: 'before' });
        expect(before.output.ServerSideEncryption).toBeUndefined();

        expect(await write(own, { ServerSideEncryption: 'AES256' })).toMatchObject({ ServerSideEncryption: 'AES256' });
        expect(await write(own, KMS)).toMatchObject({ SSEKMSKeyId: 'aws/s3' });
        expect((await write(own, { BucketKeyEnabled: false })).BucketKeyEnabled).toBeUndefined();
        await configure(own, { ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } });
        expect(await write(own)).toMatchObject({ ServerSideEncryption: 'AES256', ETag: etagOf('content') });
      });

      it('may keep keys of customers out', async () => {
        const own = await wire.bucket();
        await configure(own, { BlockedEncryptionTypes: { EncryptionType: ['SSE-C'] } });
        const customer = { SSECustomerAlgorithm: 'AES256', SSECustomerKey: randomBytes(32).toString('base64') };
        expect(await failure(write(own, customer))).toMatchObject({ status: 403, code: 'AccessDenied' });
        expect((await write(own)).ServerSideEncryption).toBeUndefined();
      });

      it('is one that writes can be served with', async () => {
        const own = await wire.bucket();
        for (const [rules, code] of [
          [[byKms('nobody')], 'KMS.NotFoundException'],
          [[byKms('closed')], 'KMS.DisabledException'],
          [[], 'MalformedXML'],
          [[byKms(), byKms()], 'MalformedXML'],
          [
            [{ ApplyServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256', KMSMasterKeyID: 'payroll' } } as Rule],
            'InvalidArgument',
          ],
        ] as const)
          expect(await failure(configure(own, ...rules))).toMatchObject({ status: 400, code });
        expect((await failure(configured(own))).status).toBe(404);
      });
    });

    it('reads after a rotation what was written before, and not without its key', async () => {
      await store('rotated');
      const encryption = wire.home.config['encryption'] as object;
      const withKeys = async (
        keys: object,
        check: (s3: ReturnType<typeof clientOf>) => Promise<void>,
      ): Promise<void> => {
        const config = { ...wire.home.config, encryption: { ...encryption, 'kms-keys': keys } };
        const server = await spawnPithos({ config });
        const s3 = clientOf(server);
        try {
          await check(s3);
        } finally {
          s3.destroy();
          await server.stop();
        }
      };
      const rotated = { payroll: { key: randomBytes(32).toString('hex'), 'previous-keys': [PAYROLL] } };
      await withKeys(rotated, async (s3) => {
        expect((await read(s3, { Bucket, Key: 'rotated' })).content.toString()).toBe('content');
        await s3.send(new PutObjectCommand({ Bucket, Key: 'after', Body: 'content', ...ON_PAYROLL }));
        expect((await read(s3, { Bucket, Key: 'after' })).content.toString()).toBe('content');
      });
      expect(await failure(read(wire.s3, { Bucket, Key: 'after' }))).toMatchObject({
        code: 'KMS.KMSInvalidStateException',
      });
      await withKeys({}, async (s3) => {
        expect(await failure(read(s3, { Bucket, Key: 'rotated' }))).toMatchObject({ code: 'KMS.NotFoundException' });
        expect((await s3.send(new HeadObjectCommand({ Bucket, Key: 'rotated' }))).SSEKMSKeyId).toBe('payroll');
      });
    });
  },
  { encryption: { 'kms-keys': KMS_KEYS } },
  { ownKeyspace: true },
);

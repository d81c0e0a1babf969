// SSE-C: the key comes with every request, opens what it sealed and nothing else, and is never to be found anywhere.
import { createHash, randomBytes } from 'node:crypto';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetObjectAttributesCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  UploadPartCommand,
  UploadPartCopyCommand,
} from '@aws-sdk/client-s3';
import { beforeAll, expect, it } from 'vitest';
import { bytes, failure, KIB, md5, MIB, put, read } from './helpers.js';
import { exchange, signedExchange } from './raw.js';
import { bucketName, clientOf, describeWire, makeHome, USER_KEY } from './servers.js';
import { hmacSha1 } from './signing.js';
import { spawnPithos } from '../support/server.js';
import { storeContains } from './stored.js';

interface Customer {
  readonly SSECustomerAlgorithm: 'AES256';
  readonly SSECustomerKey: string;
  readonly SSECustomerKeyMD5: string;
}

function customer(): Customer {
  const key = randomBytes(32);
  return {
    SSECustomerAlgorithm: 'AES256',
    SSECustomerKey: key.toString('base64'),
    SSECustomerKeyMD5: createHash('md5').update(key).digest('base64'),
  };
}

function asCopySource({ SSECustomerAlgorithm, SSECustomerKey, SSECustomerKeyMD5 }: Customer) {
  return {
    CopySourceSSECustomerAlgorithm: SSECustomerAlgorithm,
    CopySourceSSECustomerKey: SSECustomerKey,
    CopySourceSSECustomerKeyMD5: SSECustomerKeyMD5,
  };
}

const HEADER = 'x-amz-server-side-encryption-customer';

function headersOf(key: Customer): Record<string, string> {
  return {
    [`${HEADER}-algorithm`]: key.SSECustomerAlgorithm,
    [`${HEADER}-key`]: key.SSECustomerKey,
    [`${HEADER}-key-md5`]: key.SSECustomerKeyMD5,
  };
}

describeWire(
  'encryption with keys of customers',
  (wire) => {
    const ours = customer();
    const theirs = customer();
    const said = { SSECustomerAlgorithm: 'AES256', SSECustomerKeyMD5: ours.SSECustomerKeyMD5 };
    let Bucket = '';
    beforeAll(async () => {
      Bucket = await wire.bucket();
    });

    it.each([1, 100, 40 * KIB, 3 * MIB])('keeps no plaintext of an object of %i bytes', async (sizeBytes) => {
      const marker = `secret of ${sizeBytes} bytes in ${Bucket}`;
      const content = Buffer.concat([bytes(sizeBytes, 5), Buffer.from(marker)]);
      const stored = await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'sealed', Body: content, ...ours }));
      expect(stored).toMatchObject(said);
      expect(stored.ServerSideEncryption).toBeUndefined();
      expect(stored.ETag).toMatch(/^"[0-9a-f]{32}"$/);
      expect(stored.ETag).not.toContain(md5(content));
      expect(await storeContains(wire, Buffer.from(marker))).toBe(false);
      for (const form of [ours.SSECustomerKey, Buffer.from(ours.SSECustomerKey, 'base64')])
        expect(await storeContains(wire, Buffer.from(form))).toBe(false);
      expect(await storeContains(wire, Buffer.from(ours.SSECustomerKeyMD5))).toBe(true);

      const got = await read(wire.s3, { Bucket, Key: 'sealed', ...ours });
      expect(got.content.equals(content)).toBe(true);
      expect(got.output).toMatchObject({ ...said, ETag: stored.ETag });
      const range = await read(wire.s3, { Bucket, Key: 'sealed', Range: `bytes=${sizeBytes}-`, ...ours });
      expect(range.content.toString()).toBe(marker);
      const head = await wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'sealed', ...ours }));
      expect(head).toMatchObject({ ...said, ContentLength: content.length, ETag: stored.ETag });
    });

    it('opens with its key only', async () => {
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'locked', Body: 'x', ...ours }));
      const object = { Bucket, Key: 'locked' };
      const attributes = { ...object, ObjectAttributes: ['ETag', 'ObjectSize'] as ('ETag' | 'ObjectSize')[] };
      for (const keyless of [new GetObjectCommand(object), new GetObjectAttributesCommand(attributes)])
        expect(await failure(wire.s3.send(keyless as GetObjectCommand))).toMatchObject({
          status: 400,
          code: 'InvalidRequest',
          message:
            'The object was stored using a form of Server Side Encryption. The correct parameters must be provided to retrieve the object.',
        });
      expect((await failure(wire.s3.send(new HeadObjectCommand(object)))).status).toBe(400);
      for (const wrong of [
        new GetObjectCommand({ ...object, ...theirs }),
        new GetObjectAttributesCommand({ ...attributes, ...theirs }),
      ])
        expect(await failure(wire.s3.send(wrong as GetObjectCommand))).toMatchObject({
          status: 403,
          code: 'AccessDenied',
        });
      expect((await failure(wire.s3.send(new HeadObjectCommand({ ...object, ...theirs })))).status).toBe(403);
      expect(await wire.s3.send(new GetObjectAttributesCommand({ ...attributes, ...ours }))).toMatchObject({
        ObjectSize: 1,
      });
    });

    it('is not for objects without it', async () => {
      await put(wire.s3, Bucket, 'open', 'x');
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'sse-s3', Body: 'x', ServerSideEncryption: 'AES256' }));
      for (const Key of ['open', 'sse-s3'])
        expect(await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key, ...ours })))).toMatchObject({
          status: 400,
          code: 'InvalidRequest',
          message: 'The encryption parameters are not applicable to this object.',
        });
    });

    it('copies from one key to another, to SSE-S3 and to plaintext, and turns the key in place', async () => {
      const content = bytes(70 * KIB, 6);
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'source', Body: content, ...ours }));
      const source = { Bucket, CopySource: `${Bucket}/source` };
      const rekeyed = await wire.s3.send(
        new CopyObjectCommand({ ...source, Key: 'rekeyed', ...asCopySource(ours), ...theirs }),
      );
      expect(rekeyed.SSECustomerKeyMD5).toBe(theirs.SSECustomerKeyMD5);
      await wire.s3.send(new CopyObjectCommand({ ...source, Key: 'opened', ...asCopySource(ours) }));
      await wire.s3.send(
        new CopyObjectCommand({ ...source, Key: 'managed', ...asCopySource(ours), ServerSideEncryption: 'AES256' }),
      );
      await wire.s3.send(
        new CopyObjectCommand({ Bucket, Key: 'sealed-copy', CopySource: `${Bucket}/opened`, ...ours }),
      );
      for (const [Key, key] of [
        ['rekeyed', theirs],
        ['opened', {}],
        ['managed', {}],
        ['sealed-copy', ours],
      ] as const)
        expect((await read(wire.s3, { Bucket, Key, ...key })).content.equals(content)).toBe(true);

      await wire.s3.send(new CopyObjectCommand({ ...source, Key: 'source', ...asCopySource(ours), ...theirs }));
      expect((await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'source', ...ours })))).status).toBe(403);
      expect((await read(wire.s3, { Bucket, Key: 'source', ...theirs })).content.equals(content)).toBe(true);

      // Without a key for the target the copy in place opens the object: that is a change of its encryption.
      await wire.s3.send(new CopyObjectCommand({ ...source, Key: 'source', ...asCopySource(theirs) }));
      const opened = await read(wire.s3, { Bucket, Key: 'source' });
      expect(opened.content.equals(content)).toBe(true);
      expect(opened.output.SSECustomerKeyMD5).toBeUndefined();
    });

    it('refuses a copy without the key of its source', async () => {
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'guarded', Body: 'x', ...ours }));
      await put(wire.s3, Bucket, 'unguarded', 'x');
      const copy = (source: string, keys: object) =>
        failure(
          wire.s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/${source}`, ...keys })),
        );
      expect(await copy('guarded', {})).toMatchObject({ status: 400, code: 'InvalidRequest' });
      expect(await copy('guarded', ours)).toMatchObject({ status: 400, code: 'InvalidRequest' });
      expect(await copy('guarded', asCopySource(theirs))).toMatchObject({ status: 403, code: 'AccessDenied' });
      expect(await copy('unguarded', asCopySource(ours))).toMatchObject({ status: 400, code: 'InvalidRequest' });
      expect((await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'copy' })))).status).toBe(404);
    });

    it('goes through a multipart upload', async () => {
      const upload = { Bucket, Key: 'multipart' };
      const parts = [bytes(5 * MIB, 7), bytes(1000, 8), bytes(300, 9)] as const;
      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'third', Body: parts[2], ...theirs }));
      const created = await wire.s3.send(new CreateMultipartUploadCommand({ ...upload, ...ours }));
      expect(created).toMatchObject(said);
      const part = (PartNumber: number, Body: Buffer, keys: object = ours) =>
        wire.s3.send(new UploadPartCommand({ ...upload, UploadId: created.UploadId, PartNumber, Body, ...keys }));
      const third = { ...upload, UploadId: created.UploadId, PartNumber: 3, CopySource: `${Bucket}/third` };

      expect(await failure(part(1, parts[0], {}))).toMatchObject({
        status: 400,
        code: 'InvalidRequest',
        message: expect.stringContaining('Subsequent part requests must include the appropriate encryption') as string,
      });
      const mismatch = {
        status: 400,
        code: 'InvalidRequest',
        message: expect.stringContaining('did not match') as string,
      };
      expect(await failure(part(1, parts[0], theirs))).toMatchObject(mismatch);
      const wrongCopy = new UploadPartCopyCommand({ ...third, ...asCopySource(theirs), ...theirs });
      expect(await failure(wire.s3.send(wrongCopy))).toMatchObject(mismatch);
      const keylessCopy = new UploadPartCopyCommand({ ...third, ...asCopySource(theirs) });
      expect(await failure(wire.s3.send(keylessCopy))).toMatchObject({ status: 400, code: 'InvalidRequest' });

      const first = await part(1, parts[0]);
      expect(first).toMatchObject(said);
      expect(first.ETag).not.toContain(md5(parts[0]));
      // Sent again under the same upload, a part has the same ETag.
      expect((await part(1, parts[0])).ETag).toBe(first.ETag);
      // The last part may be small only: the middle one is a full one too.
      const middle = await part(2, parts[0]);
      const copied = await wire.s3.send(new UploadPartCopyCommand({ ...third, ...asCopySource(theirs), ...ours }));
      const Parts = [first.ETag, middle.ETag, copied.CopyPartResult?.ETag].map((ETag, i) => ({
        ETag,
        PartNumber: i + 1,
      }));
      const complete = { ...upload, UploadId: created.UploadId, MultipartUpload: { Parts } };
      // The SDK sends checksums of parts: then the end wants the key, too.
      for (const keys of [{}, theirs])
        expect(await failure(wire.s3.send(new CompleteMultipartUploadCommand({ ...complete, ...keys })))).toMatchObject(
          {
            status: 400,
            code: 'InvalidRequest',
          },
        );
      const done = await wire.s3.send(new CompleteMultipartUploadCommand({ ...complete, ...ours }));
      expect(done.ETag).toMatch(/^"[0-9a-f]{32}-3"$/);

      const whole = Buffer.concat([parts[0], parts[0], parts[2]]);
      const got = await read(wire.s3, { ...upload, ...ours });
      expect(got.content.equals(whole)).toBe(true);
      expect(got.output).toMatchObject(said);
      const across = await read(wire.s3, { ...upload, Range: `bytes=${5 * MIB - 10}-${5 * MIB + 9}`, ...ours });
      expect(across.content.equals(whole.subarray(5 * MIB - 10, 5 * MIB + 10))).toBe(true);
      expect((await read(wire.s3, { ...upload, PartNumber: 3, ...ours })).content.equals(parts[2])).toBe(true);
      expect((await failure(wire.s3.send(new GetObjectCommand({ ...upload, PartNumber: 3, ...theirs })))).status).toBe(
        403,
      );
    });

    it('is not for parts of an upload without it', async () => {
      const upload = { Bucket, Key: 'plain-upload' };
      const { UploadId } = await wire.s3.send(new CreateMultipartUploadCommand(upload));
      const refused = wire.s3.send(new UploadPartCommand({ ...upload, UploadId, PartNumber: 1, Body: 'x', ...ours }));
      expect(await failure(refused)).toMatchObject({
        status: 400,
        code: 'InvalidRequest',
        message: expect.stringContaining('did not request encryption') as string,
      });
    });

    it.each([
      ['without an algorithm', { [`${HEADER}-algorithm`]: undefined }, 'InvalidArgument'],
      ['without a key', { [`${HEADER}-key`]: undefined }, 'InvalidArgument'],
      ['without an MD5', { [`${HEADER}-key-md5`]: undefined }, 'InvalidArgument'],
      ['with another MD5', { [`${HEADER}-key-md5`]: theirs.SSECustomerKeyMD5 }, 'InvalidArgument'],
      ['with a short key', { [`${HEADER}-key`]: Buffer.alloc(16, 7).toString('base64') }, 'InvalidArgument'],
      ['with another algorithm', { [`${HEADER}-algorithm`]: 'AES128' }, 'InvalidEncryptionAlgorithmError'],
      ['beside SSE-S3', { 'x-amz-server-side-encryption': 'AES256' }, 'InvalidArgument'],
      ['beside SSE-KMS', { 'x-amz-server-side-encryption': 'aws:kms' }, 'InvalidArgument'],
    ] as const)('refuses a write %s, and does not show the key', async (_name, change, code) => {
      const sent: Record<string, string | undefined> = { ...headersOf(ours), ...change };
      const headers = Object.fromEntries(
        Object.entries(sent).filter((entry): entry is [string, string] => entry[1] !== undefined),
      );
      const target = `/${Bucket}/refused`;
      const answer = await signedExchange(wire.server, { method: 'PUT', target, headers, body: 'x' });
      expect(answer).toMatchObject({ status: 400, code });
      expect(answer.body.toString()).not.toContain(headers[`${HEADER}-key`] ?? ours.SSECustomerKey);
      expect((await failure(wire.s3.send(new HeadObjectCommand({ Bucket, Key: 'refused' })))).status).toBe(404);
    });

    it('never shows a key in an error about signatures, nor in the log', async () => {
      const secret = customer();
      const headers = headersOf(secret);
      const target = `/${Bucket}/signed-badly`;
      const wrong = { ...USER_KEY, secretAccessKey: 'not the secret' };
      const refused = await signedExchange(wire.server, {
        method: 'PUT',
        target,
        headers,
        body: 'x',
        credentials: wrong,
      });
      expect(refused).toMatchObject({ status: 403, code: 'SignatureDoesNotMatch' });
      const inHex = Buffer.from(secret.SSECustomerKey).toString('hex').replace(/../g, '$& ').trimEnd();
      for (const shown of [secret.SSECustomerKey, inHex]) expect(refused.body.toString()).not.toContain(shown);
      // The canonical request is there all the same, with the MD5 of the key.
      expect(refused.body.toString()).toContain(secret.SSECustomerKeyMD5);
      await exchange(wire.server, { method: 'PUT', target, headers, body: 'x' });

      await wire.s3.send(new PutObjectCommand({ Bucket, Key: 'logged', Body: bytes(40 * KIB), ...secret }));
      await read(wire.s3, { Bucket, Key: 'logged', ...secret });
      await failure(wire.s3.send(new GetObjectCommand({ Bucket, Key: 'logged', ...ours })));
      await wire.s3.send(
        new CopyObjectCommand({
          Bucket,
          Key: 'logged-copy',
          CopySource: `${Bucket}/logged`,
          ...asCopySource(secret),
          ...ours,
        }),
      );
      await expect.poll(() => wire.server.logs().includes('logged-copy')).toBe(true);
      const log = wire.server.logs();
      for (const key of [secret, ours]) {
        const raw = Buffer.from(key.SSECustomerKey, 'base64');
        for (const form of [
          key.SSECustomerKey,
          raw.toString('hex'),
          raw.toString('base64url'),
          encodeURIComponent(key.SSECustomerKey),
        ])
          expect(log).not.toContain(form);
      }
    });

    it('comes as fields of a form, which never show it in a refusal', async () => {
      const form = async (key: Customer, conditions: readonly (readonly string[])[]) => {
        const policy = Buffer.from(
          JSON.stringify({
            expiration: new Date(Date.now() + 60_000).toISOString(),
            conditions: [{ bucket: Bucket }, ['starts-with', '$key', ''], ...conditions],
          }),
        ).toString('base64');
        const body = new FormData();
        for (const [name, value] of Object.entries({
          key: 'posted',
          AWSAccessKeyId: USER_KEY.accessKeyId,
          policy,
          signature: hmacSha1(USER_KEY.secretAccessKey, policy),
          ...headersOf(key),
        }))
          body.append(name, value);
        body.append('file', new Blob(['posted content']), 'file');
        const answer = await fetch(`${wire.server.url}/${Bucket}`, { method: 'POST', body });
        return { answer, text: await answer.text() };
      };
      const covered = ['algorithm', 'key', 'key-md5'].map((part) => ['starts-with', `$${HEADER}-${part}`, '']);
      const { answer } = await form(ours, covered);
      expect(answer.status).toBe(204);
      expect(answer.headers.get(`${HEADER}-key-md5`)).toBe(ours.SSECustomerKeyMD5);
      expect((await read(wire.s3, { Bucket, Key: 'posted', ...ours })).content.toString()).toBe('posted content');

      const fixed = ['eq', `$${HEADER}-key`, theirs.SSECustomerKey];
      const refused = await form(ours, [...covered.filter(([, name]) => name !== fixed[1]), fixed]);
      expect(refused.answer.status).toBe(403);
      expect(refused.text).toContain('Policy Condition failed');
      for (const { SSECustomerKey } of [ours, theirs]) expect(refused.text).not.toContain(SSECustomerKey);
    });

    it('is refused without TLS where the configuration says so', async () => {
      const home = await makeHome(wire.store, {
        encryption: { ...(wire.home.config['encryption'] as object | undefined), 'customer-keys-require-tls': true },
      });
      const server = await spawnPithos({ config: home.config });
      const s3 = clientOf(server);
      try {
        const target = bucketName('tls');
        await s3.send(new CreateBucketCommand({ Bucket: target }));
        const refused = failure(s3.send(new PutObjectCommand({ Bucket: target, Key: 'x', Body: 'x', ...ours })));
        expect(await refused).toMatchObject({
          status: 400,
          code: 'InvalidRequest',
          message: expect.stringContaining('must be made over a secure connection') as string,
        });
      } finally {
        s3.destroy();
        await server.stop();
        await home.remove();
      }
    });
  },
  {},
  { ownKeyspace: true },
);

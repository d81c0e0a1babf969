// Quotas as clients and operators meet them: 403 QuotaExceeded with the old object still there, the admin API, the command line.
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  CompleteMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  PutObjectCommand,
  RenameObjectCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { run } from '../support/run.js';
import { callAdmin } from './admin.js';
import { bytes, failure, failures, inParallel, KIB, MIB, put, read } from './helpers.js';
import type { Wire } from './servers.js';
import { bucketName, describeWire, KEYS } from './servers.js';

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
/** Setting a quota waits for writers that do not know of it. */
const TIMEOUT_MS = 120_000;

describeWire('quotas', suite, { service: { workers: 2 } }, { ownKeyspace: true });

function suite(wire: Wire): void {
  const admin = (call: Parameters<typeof callAdmin>[2], keys = KEYS.master) => callAdmin(wire.server, keys, call);
  const setQuota = async (what: string, limits: object): Promise<unknown> => {
    const answer = await admin({ method: 'PUT', path: `/${what}/quota`, body: JSON.stringify(limits) });
    expect(answer.status, JSON.stringify(answer.json)).toBe(200);
    return answer.json;
  };
  /** Of what other workers have acknowledged it knows a moment later. */
  const usageIs = (what: string, usage: object): Promise<void> =>
    expect
      .poll(async () => (await admin({ path: `/${what}/quota` })).json?.['usage'], { timeout: 60_000 })
      .toEqual(usage);
  const command = async (exitCode: number, ...args: readonly string[]): Promise<string> => {
    const argv = [path.join('dist', 'server'), ...args, '-f', wire.server.configFile];
    const env = { PITHOS_CONFIGURATION: undefined };
    const { code, stdout, stderr } = await run(process.execPath, argv, { cwd: REPOSITORY, env, timeoutMs: 100_000 });
    expect(code, stderr + stdout).toBe(exitCode);
    return stdout;
  };

  const bucketOf = async (s3: S3Client, Bucket = bucketName(), consistency = 'linearizable'): Promise<string> => {
    const create = new CreateBucketCommand({ Bucket });
    create.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers['x-pithos-consistency'] = consistency;
        return next(args);
      },
      { step: 'build' },
    );
    await s3.send(create);
    return Bucket;
  };

  it(
    'refuse every way of writing that goes above, and leave what was there',
    async () => {
      const Bucket = await wire.bucket();
      const { s3 } = wire;
      await put(s3, Bucket, 'old', bytes(60 * KIB));
      const { UploadId } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'old' }));
      const part = { Bucket, Key: 'old', UploadId, PartNumber: 1, Body: bytes(5 * MIB) };
      const { ETag } = await s3.send(new UploadPartCommand(part));
      expect(await setQuota(`buckets/${Bucket}`, { bytes: 100 * KIB, objects: 3 })).toEqual({
        bytes: 100 * KIB,
        objects: 3,
        usage: { bytes: 60 * KIB, objects: 1 },
      });
      const refused = await failures([
        put(s3, Bucket, 'new', bytes(41 * KIB)),
        put(s3, Bucket, 'old', bytes(101 * KIB)),
        s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/old` })),
        s3.send(
          new CompleteMultipartUploadCommand({
            Bucket,
            Key: 'old',
            UploadId,
            MultipartUpload: { Parts: [{ PartNumber: 1, ETag }] },
          }),
        ),
        s3.send(new PutObjectCommand({ Bucket, Key: 'old', Body: bytes(41 * KIB), WriteOffsetBytes: 60 * KIB })),
      ]);
      for (const { status, code } of refused) expect([status, code]).toEqual([403, 'QuotaExceeded']);
      expect((await read(s3, { Bucket, Key: 'old' })).content).toEqual(bytes(60 * KIB));

      await put(s3, Bucket, 'new', bytes(40 * KIB));
      await usageIs(`buckets/${Bucket}`, { bytes: 100 * KIB, objects: 2 });
      await s3.send(new RenameObjectCommand({ Bucket, Key: 'renamed', RenameSource: 'old' }));
      await put(s3, Bucket, 'new', bytes(10 * KIB));
      await put(s3, Bucket, 'more', bytes(30 * KIB));
      expect((await failure(put(s3, Bucket, 'empty', ''))).code).toBe('QuotaExceeded');
      await s3.send(new DeleteObjectCommand({ Bucket, Key: 'renamed' }));
      await put(s3, Bucket, 'empty', '');
      await usageIs(`buckets/${Bucket}`, { bytes: 40 * KIB, objects: 3 });
      await command(0, 'fsck', '--json', '--min-age', '1h');
    },
    TIMEOUT_MS,
  );

  it(
    'hold to the byte for a tenant, whichever worker is asked',
    async () => {
      const tenant = KEYS.other.tenant;
      const s3 = wire.client(KEYS.other);
      const [first, second] = await Promise.all([bucketOf(s3), bucketOf(s3)]);
      const scope = `tenants/${encodeURIComponent(tenant)}`;
      await setQuota(scope, { bytes: 20_000 });
      const accepted: string[] = [];
      await inParallel(
        Array.from({ length: 60 }, (_, index) => index),
        12,
        async (index) => {
          const call = put(s3, index % 2 === 0 ? first : second, `k${index}`, bytes(1_000));
          const code = await call.then(
            () => 'made',
            (error: unknown) => (error as Error).name,
          );
          if (code === 'made') accepted.push(code);
          else expect(code).toBe('QuotaExceeded');
        },
      );
      expect(accepted).toHaveLength(20);
      await usageIs(scope, { bytes: 20_000, objects: 20 });
      expect((await failure(bucketOf(s3, bucketName(), 'quorum'))).code).toBe('NotImplemented');
      const late = await bucketOf(s3);
      expect((await failure(put(s3, late, 'k', 'x'))).code).toBe('QuotaExceeded');
      s3.destroy();

      const own = await admin({ path: '/quotas' }, KEYS.other);
      expect(own.json).toEqual({
        quotas: [{ tenant, bucket: null, bytes: 20_000, objects: null, usage: { bytes: 20_000, objects: 20 } }],
        next: null,
      });
      const all = await admin({ path: '/quotas', query: 'limit=1000' });
      expect(all.json?.['quotas']).toEqual(expect.arrayContaining(own.json?.['quotas'] as object[]));
    },
    TIMEOUT_MS,
  );

  it('are set by operators, and shown to those whom they are about', async () => {
    const Bucket = await wire.bucket();
    const scope = { path: `/buckets/${Bucket}/quota` };
    const body = JSON.stringify({ objects: 5 });
    expect((await admin({ ...scope, method: 'PUT', body }, KEYS.user)).status).toBe(403);
    expect((await admin({ ...scope, method: 'DELETE' }, KEYS.user)).status).toBe(403);
    expect((await admin(scope, KEYS.other)).status).toBe(403);
    expect((await admin(scope, KEYS.user)).json).toEqual({ bytes: null, objects: null, usage: null });
    expect((await admin({ path: '/tenants/somebody/quota' }, KEYS.user)).status).toBe(403);
    expect((await admin({ path: '/quotas', query: 'tenant=somebody' }, KEYS.user)).status).toBe(403);
    for (const wrong of [{}, { bytes: -1 }, { bytes: 1.5 }, { objects: '5' }, { bytes: 1, more: 2 }]) {
      const answer = await admin({ ...scope, method: 'PUT', body: JSON.stringify(wrong) });
      expect([answer.status, answer.json?.['code']]).toEqual([400, 'ValidationError']);
    }
    expect((await admin({ path: '/buckets/there-is-none/quota' })).status).toBe(404);
    const quorum = bucketName();
    await bucketOf(wire.s3, quorum, 'quorum');
    const refused = await admin({ method: 'PUT', path: `/buckets/${quorum}/quota`, body });
    expect([refused.status, refused.json?.['code']]).toEqual([501, 'NotImplemented']);
  });

  it(
    'are set, shown, listed and removed from the command line',
    async () => {
      const Bucket = await wire.bucket();
      await put(wire.s3, Bucket, 'k', bytes(1_000));
      const tenant = KEYS.user.tenant;
      const set = JSON.parse(await command(0, 'quota', 'set', '--bucket', Bucket, '--bytes', '2k', '--json')) as object;
      const quota = {
        tenant,
        bucket: Bucket,
        limits: { bytes: 2048, objects: null },
        usage: { bytes: 1000, objects: 1 },
      };
      expect(set).toEqual({ format: 'pithos-quota/1', quota });
      expect((await failure(put(wire.s3, Bucket, 'l', bytes(1_049)))).code).toBe('QuotaExceeded');
      expect(await command(0, 'quota', 'show', '--bucket', Bucket)).toBe(
        `bucket ${Bucket} of ${tenant}: 1000 of 2048 bytes, 1 of any number objects\n`,
      );
      const list = JSON.parse(await command(0, 'quota', '--tenant', tenant, '--json')) as { quotas: object[] };
      expect(list.quotas).toContainEqual(quota);
      expect(await command(0, 'quota', 'remove', '--bucket', Bucket)).toBe('removed\n');
      await put(wire.s3, Bucket, 'l', bytes(1_049));
      expect(await command(0, 'quota', 'remove', '--bucket', Bucket)).toBe('there was none\n');
      await command(2, 'quota', 'set', '--bucket', Bucket);
      await command(2, 'quota', 'set', '--bucket', Bucket, '--objects', 'many');
      await command(2, 'quota', 'show');
    },
    TIMEOUT_MS,
  );
}

// The AWS command line: `aws s3` with its default settings, and single calls of `aws s3api`.
import { readFile, rm, utimes } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bytes, md5, MIB } from '../wire/helpers.js';
import { bucketName, describeWire, REGION, USER_KEY } from '../wire/servers.js';
import { expectLogged, httpGet, showFaultsOf, useWorkDir } from './fixtures.js';
import { clientEnv, ensurePython, run, runOk } from './tools.js';
import type { PythonTools, RunOptions } from './tools.js';

/** Over the CLI's limit of 8 MiB for one PUT: three parts. */
const LARGE_BYTES = 20 * MIB + 5;
const CHECKSUMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256'] as const;

let tools: PythonTools;
beforeAll(async () => {
  tools = await ensurePython();
});

describeWire('awscli', (wire) => {
  const workDir = useWorkDir();
  showFaultsOf(wire);

  const options = (): RunOptions => ({
    cwd: workDir().path,
    env: {
      ...clientEnv(workDir().path),
      AWS_ACCESS_KEY_ID: USER_KEY.accessKeyId,
      AWS_SECRET_ACCESS_KEY: USER_KEY.secretAccessKey,
      AWS_DEFAULT_REGION: REGION,
      AWS_MAX_ATTEMPTS: '1',
    },
  });
  const line = (args: readonly string[]) => ['-B', tools.bin('aws'), '--endpoint-url', wire.server.url, ...args];
  const aws = async (...args: readonly string[]) => (await runOk(tools.python, line(args), options())).stdout;
  const awsFed = (input: Uint8Array, ...args: readonly string[]) =>
    runOk(tools.python, line(args), { ...options(), input });
  const awsFails = async (...args: readonly string[]): Promise<string> => {
    const { code, stderr } = await run(tools.python, line(args), options());
    expect(code).not.toBe(0);
    return stderr;
  };
  const s3api = async (...args: readonly string[]): Promise<Record<string, unknown>> =>
    JSON.parse((await aws('s3api', '--output=json', ...args)) || '{}') as Record<string, unknown>;

  const withBucket = async (test: (bucket: string) => Promise<void>): Promise<void> => {
    const bucket = bucketName('awscli');
    expect(await aws('s3', 'mb', `s3://${bucket}`)).toBe(`make_bucket: ${bucket}\n`);
    await test(bucket);
    expect(await aws('s3', 'rb', '--force', `s3://${bucket}`)).toContain(`remove_bucket: ${bucket}`);
    expect(await aws('s3', 'ls')).not.toContain(bucket);
  };

  it('copies, lists, moves and removes', () =>
    withBucket(async (bucket) => {
      await workDir().write('one file.txt', 'one');
      expect(await aws('s3', 'ls')).toContain(bucket);
      await aws('s3', 'cp', 'one file.txt', `s3://${bucket}/in a folder/ü+%41.txt`);
      await aws('s3', 'cp', 'one file.txt', `s3://${bucket}/top.txt`, '--acl', 'public-read');
      expect(await aws('s3', 'ls', `s3://${bucket}`)).toMatch(/^ +PRE in a folder\/\n.* 3 top\.txt\n$/);
      expect(await aws('s3', 'ls', '--recursive', '--summarize', `s3://${bucket}`)).toMatch(
        / 3 in a folder\/ü\+%41\.txt\n.* 3 top\.txt\n\nTotal Objects: 2\n +Total Size: 6\n/,
      );
      expect(await aws('s3', 'cp', `s3://${bucket}/in a folder/ü+%41.txt`, '-')).toBe('one');
      await aws('s3', 'mv', `s3://${bucket}/top.txt`, `s3://${bucket}/moved.txt`);
      expect(await aws('s3', 'cp', `s3://${bucket}/moved.txt`, '-')).toBe('one');
      expect(await awsFails('s3', 'cp', `s3://${bucket}/top.txt`, '-')).toContain('404');
      await aws('s3', 'rm', `s3://${bucket}/moved.txt`);
      expect(await aws('s3', 'ls', '--recursive', `s3://${bucket}`)).toMatch(/^.* 3 in a folder\/ü\+%41\.txt\n$/);
      expect(await awsFails('s3', 'rb', `s3://${bucket}`)).toContain('BucketNotEmpty');
    }));

  it('copies large files in parts, up, down, across and from a pipe', () =>
    withBucket(async (bucket) => {
      const content = bytes(LARGE_BYTES);
      const file = await workDir().write('large.bin', content);
      await aws('s3', 'cp', file, `s3://${bucket}/large.bin`);
      await expectLogged(wire.server, { bucket, key: 'large.bin', operation: 'UploadPart', times: 3 });
      await aws('s3', 'cp', `s3://${bucket}/large.bin`, 'large.back');
      expect(content.equals(await workDir().read('large.back'))).toBe(true);
      await aws('s3', 'cp', `s3://${bucket}/large.bin`, `s3://${bucket}/across.bin`);
      await expectLogged(wire.server, { bucket, key: 'across.bin', operation: 'UploadPartCopy', times: 3 });
      await awsFed(content, 's3', 'cp', '-', `s3://${bucket}/piped.bin`);
      for (const key of ['across.bin', 'piped.bin']) {
        await aws('s3', 'cp', `s3://${bucket}/${key}`, 'large.back');
        expect(content.equals(await workDir().read('large.back'))).toBe(true);
      }
      const head = await s3api('head-object', '--bucket', bucket, '--key', 'large.bin', '--checksum-mode=ENABLED');
      expect(head).toMatchObject({ ContentLength: LARGE_BYTES, ChecksumCRC32: expect.any(String) as string });
    }));

  it('synchronizes folders', () =>
    withBucket(async (bucket) => {
      await workDir().writeAll({ 'sync/a/1.txt': '1', 'sync/b c/2 ü.txt': '2', 'sync/gone.txt': 'gone' });
      // S3 tells times in whole seconds: a file of the same second as its object looks newer than it.
      const anHourAgo = Date.now() / 1000 - 3600;
      for (const file of ['a/1.txt', 'b c/2 ü.txt']) await utimes(workDir().at('sync', file), anHourAgo, anHourAgo);
      await aws('s3', 'sync', '--exclude=gone.txt', 'sync', `s3://${bucket}/to`);
      expect(await aws('s3', 'sync', '--exclude=gone.txt', 'sync', `s3://${bucket}/to`)).toBe('');
      await aws('s3', 'sync', 'sync', `s3://${bucket}/to`);
      expect(await aws('s3', 'ls', `s3://${bucket}/to/`)).toContain('gone.txt');
      await rm(workDir().at('sync', 'gone.txt'));
      await workDir().write('sync/a/1.txt', 'other content');
      const changes = await aws('s3', 'sync', '--delete', 'sync', `s3://${bucket}/to`);
      expect(changes).toContain(`delete: s3://${bucket}/to/gone.txt`);
      expect(changes).toContain(`to s3://${bucket}/to/a/1.txt`);
      await aws('s3', 'sync', `s3://${bucket}/to`, `s3://${bucket}/copy`);
      await aws('s3', 'sync', `s3://${bucket}/copy`, 'down');
      expect(await workDir().tree('down')).toEqual({ 'a/1.txt': 'other content', 'b c/2 ü.txt': '2' });
      await aws('s3', 'rm', '--recursive', `s3://${bucket}/copy`, '--exclude', '*.txt');
      await aws('s3', 'rm', '--recursive', `s3://${bucket}/to`);
      expect((await aws('s3', 'ls', '--recursive', `s3://${bucket}`)).trim().split('\n')).toHaveLength(2);
    }));

  it('presigns URLs', () =>
    withBucket(async (bucket) => {
      await awsFed(Buffer.from('signed'), 's3', 'cp', '-', `s3://${bucket}/signed ü.txt`);
      const url = (await aws('s3', 'presign', `s3://${bucket}/signed ü.txt`, '--expires-in=60')).trim();
      expect(await httpGet(wire.server, url)).toMatchObject({ status: 200, body: 'signed' });
      const later = url.replace('X-Amz-Expires=60', 'X-Amz-Expires=600');
      expect(later).not.toBe(url);
      expect(await httpGet(wire.server, later)).toMatchObject({ status: 403 });
    }));

  describe('with checksums', () => {
    const bucket = bucketName('awscli');
    const content = bytes(9 * MIB, 3);
    beforeAll(() => aws('s3', 'mb', `s3://${bucket}`));
    afterAll(() => aws('s3', 'rb', '--force', `s3://${bucket}`));

    it.each(CHECKSUMS)('computes %s', async (algorithm) => {
      const file = await workDir().write('checked.bin', content);
      const object = `s3://${bucket}/${algorithm}`;
      await aws('s3', 'cp', file, object, '--checksum-algorithm', algorithm);
      const head = await s3api('head-object', '--bucket', bucket, '--key', algorithm, '--checksum-mode=ENABLED');
      expect(head).toMatchObject({ [`Checksum${algorithm}`]: expect.any(String) as string });
      // With the mode the CLI compares what it gets with the checksum, and fails when they differ.
      await aws('s3', 'cp', object, 'checked.back', '--checksum-mode=ENABLED');
      expect(content.equals(await workDir().read('checked.back'))).toBe(true);
    });
  });

  it('makes single calls on objects', () =>
    withBucket(async (bucket) => {
      const target = ['--bucket', bucket, '--key', 'dir/ü key'];
      const file = await workDir().write('body.txt', '0123456789');
      const put = await s3api(
        'put-object',
        ...target,
        '--body',
        file,
        '--metadata',
        'a=b',
        '--server-side-encryption=AES256',
      );
      expect(put).toMatchObject({ ETag: expect.any(String) as string, ServerSideEncryption: 'AES256' });
      expect(await s3api('head-object', ...target)).toMatchObject({ ContentLength: 10, Metadata: { a: 'b' } });
      const part = await s3api('get-object', ...target, '--range=bytes=2-4', workDir().at('part.txt'));
      expect(part).toMatchObject({ ContentRange: 'bytes 2-4/10' });
      expect(await readFile(workDir().at('part.txt'), 'utf8')).toBe('234');
      const again = ['put-object', ...target, '--body', file, '--if-none-match', '*'];
      expect(await awsFails('s3api', ...again)).toContain('PreconditionFailed');
      const attributes = await s3api('get-object-attributes', ...target, '--object-attributes', 'ETag', 'ObjectSize');
      expect(attributes).toMatchObject({ ObjectSize: 10 });
      const copy = ['--bucket', bucket, '--key', 'copy', '--copy-source', `${bucket}/dir/ü key`];
      expect(await s3api('copy-object', ...copy)).toMatchObject({
        CopyObjectResult: { ETag: `"${md5('0123456789')}"` },
      });
      await s3api('put-object-tagging', ...target, '--tagging', 'TagSet=[{Key=k,Value=v w}]');
      expect(await s3api('get-object-tagging', ...target)).toEqual({ TagSet: [{ Key: 'k', Value: 'v w' }] });
      await s3api('put-object-acl', ...target, '--acl=public-read');
      const { Grants } = await s3api('get-object-acl', ...target);
      expect(Grants).toContainEqual(expect.objectContaining({ Permission: 'READ' }));
      const list = ['list-objects-v2', '--bucket', bucket, '--page-size=1', '--query', 'Contents[].Key'];
      expect(await s3api(...list)).toEqual(['copy', 'dir/ü key']);
      const several = JSON.stringify({ Objects: [{ Key: 'copy' }, { Key: 'dir/ü key' }] });
      const { Deleted } = await s3api('delete-objects', '--bucket', bucket, '--delete', several);
      expect(Deleted).toHaveLength(2);
      expect(await awsFails('s3api', 'head-object', ...target)).toContain('404');
    }));

  it('makes single calls on buckets and uploads', () =>
    withBucket(async (bucket) => {
      const target = ['--bucket', bucket];
      expect(await s3api('get-bucket-location', ...target)).toEqual({ LocationConstraint: REGION });
      expect(await s3api('get-bucket-versioning', ...target)).toEqual({});
      const cors = { CORSRules: [{ AllowedMethods: ['GET'], AllowedOrigins: ['*'] }] };
      await s3api('put-bucket-cors', ...target, '--cors-configuration', JSON.stringify(cors));
      expect(await s3api('get-bucket-cors', ...target)).toEqual(cors);
      const { UploadId } = await s3api('create-multipart-upload', ...target, '--key=half');
      const { Uploads } = await s3api('list-multipart-uploads', ...target);
      expect(Uploads).toMatchObject([{ Key: 'half', UploadId }]);
      await s3api('abort-multipart-upload', ...target, '--key=half', '--upload-id', String(UploadId));
      expect(await s3api('list-multipart-uploads', ...target)).not.toHaveProperty('Uploads');
      expect(await awsFails('s3api', 'head-bucket', '--bucket', bucketName('absent'))).toContain('404');
    }));
});

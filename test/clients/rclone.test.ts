// rclone with the settings that its documentation gives for an unknown provider, parts of 5 MiB; and with Signature Version 2.
import { rm } from 'node:fs/promises';
import { CreateMultipartUploadCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, it } from 'vitest';
import { bytes, md5, MIB } from '../wire/helpers.js';
import { bucketName, describeWire, REGION, USER_KEY } from '../wire/servers.js';
import { expectLogged, httpGet, showFaultsOf, useWorkDir } from './fixtures.js';
import { clientEnv, ensureRclone, run, runOk } from './tools.js';
import type { RunOptions } from './tools.js';

const LARGE_BYTES = 12 * MIB + 1;
const SIGNATURES = { 'Signature Version 4': false, 'Signature Version 2': true };

let rcloneCommand: string;
beforeAll(async () => {
  rcloneCommand = await ensureRclone();
});

describeWire('rclone', (wire) => {
  const workDir = useWorkDir();
  showFaultsOf(wire);

  describe.each(Object.entries(SIGNATURES))('with %s', (_name, v2) => {
    let configFile: string;
    beforeAll(async () => {
      configFile = await workDir().write(
        'rclone.conf',
        `[pithos]
type = s3
provider = Other
access_key_id = ${USER_KEY.accessKeyId}
secret_access_key = ${USER_KEY.secretAccessKey}
region = ${REGION}
location_constraint = ${REGION}
endpoint = ${wire.server.url}
force_path_style = true
v2_auth = ${String(v2)}
chunk_size = 5M
upload_cutoff = 5M
copy_cutoff = 5M
`,
      );
    });

    const options = (): RunOptions => ({ cwd: workDir().path, env: clientEnv(workDir().path) });
    const line = (args: readonly string[]) => ['--config', configFile, '--retries=1', '--low-level-retries=1', ...args];
    const rclone = async (...args: readonly string[]) => (await runOk(rcloneCommand, line(args), options())).stdout;

    const withBucket = async (test: (remote: string, bucket: string) => Promise<void>): Promise<void> => {
      const bucket = bucketName('rclone');
      const remote = `pithos:${bucket}`;
      await rclone('mkdir', remote);
      expect(await rclone('lsf', 'pithos:')).toContain(`${bucket}/\n`);
      await test(remote, bucket);
      await rclone('purge', remote);
      expect(await rclone('lsf', 'pithos:')).not.toContain(`${bucket}/\n`);
    };

    it('copies, checks and lists folders', () =>
      withBucket(async (remote) => {
        const files = {
          'copy/top.txt': 'top',
          'copy/empty': '',
          'copy/a folder/one+two%20.txt': 'one',
          'copy/ünïcödé/日本 🎈.txt': 'balloon',
        };
        await rm(workDir().at('copy'), { recursive: true, force: true });
        await workDir().writeAll(files);
        await rclone('copy', 'copy', `${remote}/to`);
        await rclone('check', 'copy', `${remote}/to`);
        await rclone('check', '--download', 'copy', `${remote}/to`);
        const listed = await rclone('lsf', '-R', '--files-only', '--format=sp', `${remote}/to`);
        expect(listed.trim().split('\n').sort()).toEqual(
          ['0;empty', '3;a folder/one+two%20.txt', '3;top.txt', '7;ünïcödé/日本 🎈.txt'].sort(),
        );
        expect(await rclone('lsf', '--dirs-only', `${remote}/to`)).toBe('a folder/\nünïcödé/\n');
        expect(await rclone('md5sum', `${remote}/to/top.txt`)).toBe(`${md5('top')}  top.txt\n`);
        expect(await rclone('size', '--json', remote)).toContain('"count":4,"bytes":13');
        await rclone('copy', `${remote}/to`, await workDir().folder('copy.back'));
        expect(await workDir().tree('copy.back')).toEqual(await workDir().tree('copy'));
        await rclone('copyto', 'copy/top.txt', `${remote}/to/empty`);
        const differ = await run(rcloneCommand, line(['check', 'copy', `${remote}/to`]), options());
        expect(differ.code).not.toBe(0);
        expect(differ.stderr).toContain('1 differences found');
      }));

    it('synchronizes, and keeps times', () =>
      withBucket(async (remote) => {
        await rm(workDir().at('sync'), { recursive: true, force: true });
        await workDir().writeAll({ 'sync/keep.txt': 'keep', 'sync/sub/old.txt': 'old', 'sync/gone.txt': 'gone' });
        await rclone('touch', '--timestamp=2001-02-03T04:05:06', 'sync/keep.txt');
        await rclone('sync', 'sync', remote);
        expect(await rclone('lsf', '--format=t', `${remote}/keep.txt`)).toMatch(/^2001-02-0[34] /);
        await rm(workDir().at('sync', 'gone.txt'));
        await workDir().write('sync/sub/old.txt', 'changed content');
        const { stderr } = await runOk(rcloneCommand, line(['sync', '-v', 'sync', remote]), options());
        expect(stderr).toMatch(/gone\.txt: Deleted/);
        expect(stderr).not.toContain('keep.txt');
        await rclone('check', 'sync', remote);
        await rclone('sync', remote, await workDir().folder('sync.back'));
        expect(await workDir().tree('sync.back')).toEqual({ 'keep.txt': 'keep', 'sub/old.txt': 'changed content' });
      }));

    it('moves large files in parts, up, down, across and from a pipe', () =>
      withBucket(async (remote, bucket) => {
        const content = bytes(LARGE_BYTES, 4);
        await workDir().write('large/large.bin', content);
        await rclone('copy', '--s3-no-check-bucket', 'large', remote);
        await expectLogged(wire.server, { bucket, key: 'large.bin', operation: 'UploadPart', times: 3 });
        await rclone('check', 'large', remote);
        await rclone('copyto', `${remote}/large.bin`, `${remote}/across/large.bin`);
        await expectLogged(wire.server, { bucket, key: 'across/large.bin', operation: 'UploadPartCopy', times: 3 });
        await rclone('check', '--download', 'large', `${remote}/across`);
        await runOk(rcloneCommand, line(['rcat', `${remote}/piped/large.bin`]), { ...options(), input: content });
        await rclone('check', '--download', 'large', `${remote}/piped`);
        const tail = await runOk(rcloneCommand, line(['cat', '--offset=9000000', `${remote}/large.bin`]), options());
        expect(content.subarray(9_000_000).equals(tail.stdoutBytes)).toBe(true);
      }));

    it('copies and moves on the server, and deletes', () =>
      withBucket(async (from, fromBucket) =>
        withBucket(async (to, toBucket) => {
          await rm(workDir().at('across'), { recursive: true, force: true });
          await workDir().writeAll({ 'across/1 ü+.txt': '1', 'across/2.txt': '22' });
          await rclone('copy', 'across', from);
          await rclone('copy', from, `${to}/copied`);
          await expectLogged(wire.server, { bucket: toBucket, key: 'copied/1 ü+.txt', operation: 'CopyObject' });
          await rclone('check', 'across', `${to}/copied`);
          await rclone('moveto', `${from}/2.txt`, `${to}/moved.txt`);
          expect(await rclone('lsf', from)).toBe('1 ü+.txt\n');
          await expectLogged(wire.server, { bucket: fromBucket, key: '2.txt', operation: 'DeleteObject' });
          expect(await rclone('cat', `${to}/moved.txt`)).toBe('22');
          await rclone('deletefile', `${to}/moved.txt`);
          await rclone('delete', `${to}/copied`, '--include=2.txt');
          expect(await rclone('lsf', '-R', '--files-only', to)).toBe('copied/1 ü+.txt\n');
          const full = await run(rcloneCommand, line(['rmdir', to]), options());
          expect(full.code).not.toBe(0);
          expect(full.stderr).toMatch(/not empty/i);
        }),
      ));

    it('makes public links and clears away half uploads', () =>
      withBucket(async (remote, Bucket) => {
        await workDir().write('link.txt', 'linked');
        await rclone('copyto', 'link.txt', `${remote}/a link.txt`);
        const url = (await rclone('link', '--expire=1m', `${remote}/a link.txt`)).trim();
        expect(await httpGet(wire.server, url)).toMatchObject({ status: 200, body: 'linked' });
        const { UploadId = '' } = await wire.s3.send(new CreateMultipartUploadCommand({ Bucket, Key: 'half' }));
        expect(await rclone('backend', 'list-multipart-uploads', remote)).toContain(UploadId);
        await rclone('backend', 'cleanup', remote, '-o', 'max-age=0s');
        expect(await rclone('backend', 'list-multipart-uploads', remote)).not.toContain(UploadId);
      }));
  });
});

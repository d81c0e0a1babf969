// s3cmd on everything that it can ask of the gateway: with the documentation's configuration (Signature Version 2, bucket names
// in host names, the gateway as a proxy, encryption by the server); and the essentials with Signature Version 4 and paths.
import { readFile, rm } from 'node:fs/promises';
import { CreateMultipartUploadCommand, UploadPartCommand } from '@aws-sdk/client-s3';
import { beforeAll, expect, it } from 'vitest';
import { MASTER_KEY, REGION, SERVICE_URI } from '../support/server.js';
import { bytes, md5, MIB } from '../wire/helpers.js';
import { bucketName, describeWire } from '../wire/servers.js';
import type { Wire } from '../wire/servers.js';
import { expectLogged, httpGet, showFaultsOf, useWorkDir } from './fixtures.js';
import { documentedS3cfg, S3cmd, s3cfgV4 } from './s3cmd.js';
import { ensurePython } from './tools.js';
import type { PythonTools } from './tools.js';

/** Over s3cmd's limit of 15 MiB for one PUT. */
const LARGE_BYTES = 16 * MIB + 123;

/** Keys that a signature, a URL or an XML document can get wrong, and that are good file names. */
const AWKWARD = [
  'a b.txt',
  'a+b.txt',
  '100%.txt',
  '%41%2F.txt',
  'ünïcödé-日本-🎈.txt',
  "quote'and&amp;.txt",
  'semi;colon=comma,at@.txt',
  '(paren)[bracket]{brace}.txt',
  'hash#tilde~star!.txt',
];

let tools: PythonTools;
beforeAll(async () => {
  tools = await ensurePython();
});

interface Flavour {
  readonly name: string;
  /** Whether all of s3cmd's commands are tried. */
  readonly thorough: boolean;
  readonly config: (wire: Wire) => string;
  /** What `s3cmd info` calls the encryption of an object. */
  readonly encryption: string;
  /** The host and path that signed URLs have for a bucket. */
  readonly urlOf: (wire: Wire, bucket: string) => string;
}

const FLAVOURS: readonly Flavour[] = [
  {
    name: 's3cmd as documented',
    thorough: true,
    config: (wire) => documentedS3cfg(wire.server),
    encryption: 'AES256',
    urlOf: (_wire, bucket) => `http://${bucket}.${SERVICE_URI}/`,
  },
  {
    name: 's3cmd with Signature Version 4 and paths',
    thorough: false,
    config: (wire) => s3cfgV4(wire.server),
    encryption: 'none',
    urlOf: (wire, bucket) => `http://${wire.server.host}:${wire.server.port}/${bucket}/`,
  },
];

for (const { name, thorough, config, encryption, urlOf } of FLAVOURS) {
  describeWire(name, (wire) => {
    const workDir = useWorkDir();
    showFaultsOf(wire);
    let s3cmd: S3cmd;
    beforeAll(async () => {
      s3cmd = await S3cmd.configured({ tools, workDir: workDir(), config: config(wire) });
    });

    /** Runs a test with a bucket of its own, as s3://BUCKET. */
    const withBucket = async (test: (uri: string, bucket: string) => Promise<void>): Promise<void> => {
      const bucket = bucketName('s3cmd');
      const uri = `s3://${bucket}`;
      expect(await s3cmd.ok('mb', uri)).toBe(`Bucket '${uri}/' created\n`);
      await test(uri, bucket);
      await s3cmd.removeBucket(uri);
      expect(await s3cmd.ok('ls')).not.toContain(uri);
    };

    /** Column by column what `s3cmd ls` says: size (or DIR) and URI of each line. */
    const listed = async (...args: readonly string[]): Promise<string[][]> => {
      const lines = (await s3cmd.ok('ls', ...args)).split('\n').filter((line) => line !== '');
      return lines.map((line) => /(\d+|DIR)\s+(s3:\/\/.*)$/.exec(line)?.slice(1) ?? [line]);
    };

    it('stores and reads a small object', () =>
      withBucket(async (uri) => {
        const file = await workDir().write('small.txt', 'small');
        await s3cmd.ok('put', file, `${uri}/small.txt`);
        expect(await listed(uri)).toEqual([['5', `${uri}/small.txt`]]);
        await s3cmd.ok('get', '--force', `${uri}/small.txt`, workDir().at('small.back'));
        expect(await workDir().read('small.back')).toEqual(Buffer.from('small'));
        const empty = await workDir().write('empty', '');
        await s3cmd.ok('put', empty, `${uri}/empty`);
        expect(await s3cmd.ok('get', `${uri}/empty`, '-')).toBe('');
        const info = await s3cmd.ok('info', `${uri}/small.txt`);
        expect(info).toMatch(/File size: 5$/m);
        expect(info).toContain('MIME type: text/plain');
        expect(info).toContain(`MD5 sum:   ${md5('small')}`);
        expect(info).toContain(`SSE:       ${encryption}\n`);
        expect(info).toContain(`ACL:       ${MASTER_KEY.tenant}: FULL_CONTROL`);
      }));

    it('stores, reads, resumes and copies a large object in parts', () =>
      withBucket(async (uri, bucket) => {
        const content = bytes(LARGE_BYTES);
        const file = await workDir().write('large.bin', content);
        await s3cmd.ok('put', file, `${uri}/large.bin`);
        await expectLogged(wire.server, { bucket, key: 'large.bin', operation: 'UploadPart', times: 2 });
        await expectLogged(wire.server, { bucket, key: 'large.bin', operation: 'CompleteMultipartUpload' });
        const whole = workDir().at('large.back');
        await s3cmd.ok('get', '--force', `${uri}/large.bin`, whole);
        expect(content.equals(await readFile(whole))).toBe(true);

        const half = await workDir().write('large.half', content.subarray(0, 9 * MIB + 1));
        await s3cmd.ok('get', '--continue', `${uri}/large.bin`, half);
        expect(content.equals(await readFile(half))).toBe(true);

        const inParts = `${config(wire)}multipart_copy_chunk_size_mb = 5\n`;
        const copier = await S3cmd.configured({ tools, workDir: workDir(), config: inParts, name: '.s3cfg-parts' });
        await copier.ok('cp', `${uri}/large.bin`, `${uri}/copy.bin`);
        await expectLogged(wire.server, { bucket, key: 'copy.bin', operation: 'UploadPartCopy', times: 4 });
        await s3cmd.ok('get', '--force', `${uri}/copy.bin`, whole);
        expect(content.equals(await readFile(whole))).toBe(true);
        expect(await s3cmd.ok('info', `${uri}/copy.bin`)).toContain(`SSE:       ${encryption}\n`);
        expect(await listed(uri)).toEqual([
          [String(LARGE_BYTES), `${uri}/copy.bin`],
          [String(LARGE_BYTES), `${uri}/large.bin`],
        ]);
      }));

    it('keeps awkward keys apart', () =>
      withBucket(async (uri) => {
        await workDir().writeAll(Object.fromEntries(AWKWARD.map((key) => [`awkward/${key}`, `content of ${key}`])));
        await s3cmd.ok('put', '--recursive', `${workDir().at('awkward')}/`, `${uri}/in a folder+%/`);
        const keys = (await listed(`${uri}/in a folder+%/`)).map(([, object]) => object);
        expect(keys).toEqual([...AWKWARD].sort(compareBytes).map((key) => `${uri}/in a folder+%/${key}`));
        await s3cmd.ok('cp', '--recursive', `${uri}/in a folder+%/`, `${uri}/copied ü/`);
        await s3cmd.ok('get', '--recursive', `${uri}/copied ü/`, `${await workDir().folder('awkward.back')}/`);
        expect(await workDir().tree('awkward.back')).toEqual(await workDir().tree('awkward'));
        await s3cmd.ok('del', ...AWKWARD.slice(0, 3).map((key) => `${uri}/copied ü/${key}`));
        expect(await listed(`${uri}/copied ü/`)).toHaveLength(AWKWARD.length - 3);
      }));

    it('signs URLs', () =>
      withBucket(async (uri, bucket) => {
        const file = await workDir().write('signed.txt', 'signed');
        await s3cmd.ok('put', file, `${uri}/signed ü+.txt`);
        const url = (await s3cmd.ok('signurl', `${uri}/signed ü+.txt`, '+60')).trim();
        expect(url.startsWith(urlOf(wire, bucket))).toBe(true);
        expect(await httpGet(wire.server, url)).toMatchObject({ status: 200, body: 'signed' });
        const tampered = url.replace('signed%20', 'Signed%20');
        expect(tampered).not.toBe(url);
        expect(await httpGet(wire.server, tampered)).toMatchObject({ status: 403 });
        const past = (await s3cmd.ok('signurl', `${uri}/signed ü+.txt`, '1500000000')).trim();
        expect(await httpGet(wire.server, past)).toMatchObject({ status: 403 });
      }));

    it('says what it may not do', () =>
      withBucket(async (uri) => {
        const wrong = config(wire).replace(MASTER_KEY.secretAccessKey, 'wrong');
        const stranger = await S3cmd.configured({ tools, workDir: workDir(), config: wrong, name: '.s3cfg-wrong' });
        const file = await workDir().write('no.txt', 'no');
        const refused = await stranger.run('put', file, uri);
        expect(refused.code).not.toBe(0);
        expect(refused.stderr).toContain('SignatureDoesNotMatch');
        expect(await listed(uri)).toEqual([]);
        await s3cmd.ok('put', file, uri);
        expect((await s3cmd.run('rb', uri)).stderr).toContain('BucketNotEmpty');
        expect((await s3cmd.run('ls', `s3://${bucketName('absent')}`)).stderr).toContain('NoSuchBucket');
      }));

    // The rest signs nothing that the above does not.
    if (!thorough) return;

    it('stores what it reads from a pipe', () =>
      withBucket(async (uri, bucket) => {
        const content = bytes(6 * MIB, 2);
        await s3cmd.fed(content, 'put', '--multipart-chunk-size-mb=5', '-', `${uri}/piped`);
        await expectLogged(wire.server, { bucket, key: 'piped', operation: 'CompleteMultipartUpload' });
        await s3cmd.ok('get', '--force', `${uri}/piped`, workDir().at('piped'));
        expect(content.equals(await workDir().read('piped'))).toBe(true);
      }));

    it('lists folders', () =>
      withBucket(async (uri) => {
        await workDir().writeAll({ 'folders/top.txt': '1', 'folders/a/one.txt': '22', 'folders/a/b/two.txt': '333' });
        await s3cmd.ok('put', '--recursive', `${workDir().at('folders')}/`, `${uri}/`);
        expect(await listed(uri)).toEqual([
          ['DIR', `${uri}/a/`],
          ['1', `${uri}/top.txt`],
        ]);
        expect(await listed(`${uri}/a/`)).toEqual([
          ['DIR', `${uri}/a/b/`],
          ['2', `${uri}/a/one.txt`],
        ]);
        expect(await listed('--recursive', uri)).toEqual([
          ['3', `${uri}/a/b/two.txt`],
          ['2', `${uri}/a/one.txt`],
          ['1', `${uri}/top.txt`],
        ]);
        expect(await s3cmd.ok('la')).toContain(`${uri}/top.txt`);
        expect(await s3cmd.ok('du', uri)).toMatch(/^\s*6\s+3 objects s3:/);
        await s3cmd.ok('get', '--recursive', `${uri}/a/`, `${await workDir().folder('fetched')}/`);
        expect(await workDir().tree('fetched')).toEqual({ 'b/two.txt': '333', 'one.txt': '22' });
      }));

    it('copies, moves and deletes, also between buckets', () =>
      withBucket(async (from) =>
        withBucket(async (to) => {
          const file = await workDir().write('it.txt', 'it');
          await s3cmd.ok('put', '--add-header=x-amz-meta-colour: blue', file, `${from}/it.txt`);
          await s3cmd.ok('cp', `${from}/it.txt`, `${to}/copied.txt`);
          expect(await s3cmd.ok('info', `${to}/copied.txt`)).toContain('x-amz-meta-colour: blue');
          await s3cmd.ok('mv', `${from}/it.txt`, `${to}/moved.txt`);
          expect(await listed(from)).toEqual([]);
          expect(await listed(to)).toEqual([
            ['2', `${to}/copied.txt`],
            ['2', `${to}/moved.txt`],
          ]);
          await s3cmd.ok('del', `${to}/copied.txt`);
          expect(await listed(to)).toEqual([['2', `${to}/moved.txt`]]);
          expect(await s3cmd.ok('get', `${to}/moved.txt`, '-')).toBe('it');
          const missing = await s3cmd.run('get', `${to}/copied.txt`, '-');
          expect(missing.stderr).toContain('does not exist');
        }),
      ));

    it('synchronizes up, down and between prefixes', () =>
      withBucket(async (uri) => {
        await workDir().writeAll({ 'sync/keep.txt': 'keep', 'sync/sub/old.txt': 'old', 'sync/gone.txt': 'gone' });
        const up = ['sync', '--delete-removed', `${workDir().at('sync')}/`, `${uri}/up/`];
        await s3cmd.ok(...up);
        await s3cmd.ok('sync', `${uri}/up/`, `${uri}/again/`);
        await workDir().writeAll({ 'sync/sub/old.txt': 'new content', 'sync/added.txt': 'added' });
        await rm(workDir().at('sync', 'gone.txt'));
        const uploaded = await s3cmd.ok(...up);
        expect(uploaded).toContain(`delete: '${uri}/up/gone.txt'`);
        expect(uploaded).not.toContain('keep.txt');
        await s3cmd.ok('sync', `${uri}/`, `${await workDir().folder('down')}/`);
        expect(await workDir().tree('down')).toEqual({
          'again/gone.txt': 'gone',
          'again/keep.txt': 'keep',
          'again/sub/old.txt': 'old',
          'up/added.txt': 'added',
          'up/keep.txt': 'keep',
          'up/sub/old.txt': 'new content',
        });
      }));

    it('makes objects public and private', () =>
      withBucket(async (uri, bucket) => {
        const anonymously = async (key: string) => httpGet(wire.server, `${wire.server.url}/${bucket}/${key}`);
        await workDir().writeAll({ 'acl/1.txt': 'one', 'acl/2.txt': 'two' });
        await s3cmd.ok('put', '--acl-public', workDir().at('acl', '1.txt'), `${uri}/1.txt`);
        await s3cmd.ok('put', workDir().at('acl', '2.txt'), `${uri}/2.txt`);
        expect(await anonymously('1.txt')).toMatchObject({ status: 200, body: 'one' });
        expect(await anonymously('2.txt')).toMatchObject({ status: 403 });
        await s3cmd.ok('setacl', '--acl-private', `${uri}/1.txt`);
        expect(await anonymously('1.txt')).toMatchObject({ status: 403 });
        await s3cmd.ok('setacl', '--acl-public', '--recursive', `${uri}/`);
        expect(await anonymously('1.txt')).toMatchObject({ status: 200, body: 'one' });
        expect(await anonymously('2.txt')).toMatchObject({ status: 200, body: 'two' });
        expect(await s3cmd.ok('info', `${uri}/2.txt`)).toContain('*anon*: READ');
        expect(await httpGet(wire.server, `http://${bucket}.${SERVICE_URI}/2.txt`)).toMatchObject({ body: 'two' });

        expect(await anonymously('')).toMatchObject({ status: 403 });
        await s3cmd.ok('setacl', '--acl-public', uri);
        expect((await anonymously('')).body).toContain('<Key>2.txt</Key>');
        await s3cmd.ok('setacl', '--acl-private', uri);
        expect(await anonymously('')).toMatchObject({ status: 403 });
      }));

    it('changes metadata and tags', () =>
      withBucket(async (uri) => {
        const object = `${uri}/changed.txt`;
        const file = await workDir().write('changed.txt', 'unchanged content');
        await s3cmd.ok('put', '--mime-type=text/plain', file, object);
        await s3cmd.ok('modify', '--add-header=x-amz-meta-shade: dark', '--mime-type=text/x-modified', object);
        const info = await s3cmd.ok('info', object);
        expect(info).toContain('x-amz-meta-shade: dark');
        expect(info).toContain('MIME type: text/x-modified');
        expect(await s3cmd.ok('get', object, '-')).toBe('unchanged content');
        await s3cmd.ok('settagging', object, 'team=blue&level=9');
        const tags = await s3cmd.ok('gettagging', object);
        expect(tags).toMatch(/\bteam:\s*blue$/m);
        expect(tags).toMatch(/\blevel:\s*9$/m);
        await s3cmd.ok('deltagging', object);
        expect(await s3cmd.ok('gettagging', object)).not.toContain('team');
      }));

    it('shows what a bucket is', () =>
      withBucket(async (uri) => {
        const info = await s3cmd.ok('info', uri);
        expect(info).toContain(`${uri}/ (bucket):`);
        expect(info).toContain(`Location:  ${REGION}`);
        expect(info).toContain('Payer:     BucketOwner');
        expect(info).toContain(`ACL:       ${MASTER_KEY.tenant}: FULL_CONTROL`);
        const rules = await workDir().write(
          'cors.xml',
          '<CORSConfiguration><CORSRule><AllowedOrigin>https://example.org</AllowedOrigin>' +
            '<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>',
        );
        await s3cmd.ok('setcors', rules, uri);
        expect(await s3cmd.ok('info', uri)).toContain('<AllowedOrigin>https://example.org</AllowedOrigin>');
        await s3cmd.ok('delcors', uri);
        expect(await s3cmd.ok('info', uri)).toMatch(/CORS: +none/);
      }));

    it('finds and aborts an upload that was left half done', () =>
      withBucket(async (uri, Bucket) => {
        const s3 = wire.client(MASTER_KEY);
        const Key = 'half done.bin';
        const { UploadId = '' } = await s3.send(new CreateMultipartUploadCommand({ Bucket, Key }));
        await s3.send(new UploadPartCommand({ Bucket, Key, UploadId, PartNumber: 1, Body: 'a part' }));
        s3.destroy();
        const object = `${uri}/${Key}`;
        expect(await s3cmd.ok('multipart', uri)).toContain(`${object}\t${UploadId}\n`);
        expect(await s3cmd.ok('listmp', object, UploadId)).toMatch(new RegExp(`1\t"${md5('a part')}"\t6$`, 'm'));
        await s3cmd.ok('abortmp', object, UploadId);
        expect(await s3cmd.ok('multipart', uri)).not.toContain(UploadId);
        expect((await s3cmd.run('listmp', object, UploadId)).stderr).toContain('NoSuchUpload');
      }));
  });
}

function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

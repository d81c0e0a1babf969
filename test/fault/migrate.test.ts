// migrate against a keyspace of the original Pithos: killed halfway, it goes on; what it cannot prove it does not take over; and a
// gateway serves the rest as the original did. PITHOS_TEST_CASSANDRA=host:port uses a Cassandra that is there.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import {
  GetBucketAclCommand,
  GetBucketCorsCommand,
  GetObjectAclCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListBucketsCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import type { Grant } from '@aws-sdk/client-s3';
import type { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { startNode } from '../cassandra/index.mjs';
import type { CassandraNode } from '../cassandra/index.mjs';
import { connectCassandra, dropKeyspace, uniqueKeyspace } from '../support/cassandra.js';
import { run } from '../support/run.js';
import { bootstrap, cassandraConfig, embeddedConfig, OTHER_KEY, spawnPithos } from '../support/server.js';
import type { PithosConfig, PithosProcess } from '../support/server.js';
import { bytes, failure, md5, read } from '../wire/helpers.js';
import { OriginalPithos, ownerOnly } from './original-pithos.js';

const SERVER = fileURLToPath(new URL('../../dist/server.js', import.meta.url));
const KIB = 1024;
const CHUNK = 4 * KIB;
const BLOCK = 4 * CHUNK;
/** More than two pages of keys, so that a kill comes between checkpoints. */
const BULK = 450;
const BULK_BYTES = 6 * KIB;
const OWNER = OTHER_KEY.tenant;
const CREATED = '2014-10-01T12:34:56.789Z';
const WRITTEN = '2015-02-03T04:05:06.700Z';

interface Expected {
  readonly body: Buffer;
  readonly metadata?: Readonly<Record<string, string>>;
  /** default the MD5 of the body */
  readonly etag?: string;
}

let node: CassandraNode | null = null;
let shared: { contactPoint: string; localDataCenter: string };
let keyspace: string;
let dir: string;
let oldFile: string;
let client: Client;
/** Of bucket `first`, which has one of everything. */
const expected = new Map<string, Expected>();

beforeAll(async () => {
  dir = await mkdtemp(path.join(os.tmpdir(), 'pithos-migrate-'));
  const external = process.env['PITHOS_TEST_CASSANDRA'];
  if (external === undefined || external === '') node = await startNode({ heapMb: 768, volatileSchema: true });
  const [contactPoint = '', localDataCenter = 'datacenter1'] = (external ?? '').split(',');
  shared =
    node === null
      ? { contactPoint, localDataCenter }
      : { contactPoint: node.contactPoint, localDataCenter: node.localDataCenter };
  keyspace = uniqueKeyspace('original');
  client = await connectCassandra(shared);
  oldFile = path.join(dir, 'original.yaml');
  await writeFile(oldFile, stringify(originalConfig()), { mode: 0o600 });
  await build(new OriginalPithos(client, { keyspace, maxChunkBytes: CHUNK, maxBlockChunks: BLOCK / CHUNK }));
});

afterAll(async () => {
  await client.shutdown();
  await dropKeyspace({ ...shared, keyspace });
  await node?.stop();
  await rm(dir, { recursive: true, force: true });
});

/** A file of the original's own: keys that mean nothing here are in it too. */
function originalConfig(): PithosConfig {
  const [cluster, port] = shared.contactPoint.split(':');
  const target = { cluster, port: Number(port), keyspace };
  return {
    service: { host: '127.0.0.1', port: 8080 },
    logging: { level: 'info', console: true, overrides: { 'io.pithos': 'debug' } },
    options: { 'service-uri': 's3.example.com', 'default-region': 'myregion', reporting: true },
    keystore: { keys: { AKIDEXAMPLE: { master: true, tenant: OWNER, secret: 'never used here, but in the file' } } },
    bucketstore: { 'default-region': 'myregion', ...target },
    regions: {
      myregion: {
        metastore: target,
        'storage-classes': { standard: { ...target, 'max-chunk': '4k', 'max-block-chunk': BLOCK / CHUNK } },
      },
    },
  };
}

async function build(original: OriginalPithos): Promise<void> {
  await original.converge();
  await original.createBucket('first', {
    tenant: OWNER,
    created: CREATED,
    acl: `{:READ [{:URI "anonymous"}], :FULL_CONTROL [{:ID "${OWNER}", :DisplayName "${OWNER}"}]}`,
  });
  await original.putBucketCors(
    'first',
    '[{:origins ["https://app.example.com"], :methods [:get :put], :headers ["*"], :exposed ["x-amz-meta-a"], :max-age "3000"} ' +
      '{:origins ["*"], :methods [:get], :headers [], :exposed [], :max-age nil}]',
  );
  const put = async (key: string, body: Buffer, options: Parameters<OriginalPithos['putObject']>[3] = {}) => {
    await original.putObject('first', key, body, { atime: WRITTEN, ...options });
    expected.set(key, { body, ...(options.metadata && { metadata: options.metadata }) });
  };
  await put('empty', Buffer.alloc(0));
  await put('one-byte', Buffer.from('a'));
  await put('one-chunk', bytes(CHUNK, 2));
  await put('whole-blocks', bytes(2 * BLOCK, 3));
  await put('many-blocks', bytes(5 * BLOCK + 777, 4), { readBytes: 1_000 });
  await put('large', bytes(900 * KIB + 1, 5));
  await put('käse/日本語/🎉', bytes(100, 6));
  await put("it's a 'quote' + %20", bytes(101, 7));
  await put('with-metadata', bytes(10, 8), {
    metadata: {
      'content-type': 'text/plain; charset=utf-8',
      'cache-control': 'max-age=60',
      'content-disposition': 'attachment; filename="a.txt"',
      'x-amz-meta-colour': 'blue',
    },
  });
  await put('public', bytes(20, 9), {
    acl: `{:FULL_CONTROL [{:ID "${OWNER}", :DisplayName "${OWNER}"}], :READ [{:URI "anonymous"}]}`,
  });
  await put('granted', bytes(21, 10), {
    acl: `{:FULL_CONTROL [{:ID "${OWNER}", :DisplayName "${OWNER}"}], :READ_ACP [{:ID "test@example.com", :DisplayName "Somebody \\"else\\""}]}`,
  });
  await put('acl-without-grants', bytes(22, 11), { acl: 'nil' });

  const upload = async (key: string, sizes: readonly number[], seed: number) => {
    const id = await original.initiateUpload('first', key, { metadata: { 'x-amz-meta-from': 'parts' } });
    const bodies = sizes.map((size, index) => bytes(size, seed + index));
    const parts = [];
    for (const [index, body] of bodies.entries())
      parts.push(await original.uploadPart('first', key, id, index + 1, body));
    return { id, parts, body: Buffer.concat(bodies) };
  };
  const complete = async (key: string, sizes: readonly number[], seed: number) => {
    const { id, parts, body } = await upload(key, sizes, seed);
    const metadata = { 'x-amz-meta-from': 'parts' };
    await original.completeUpload('first', key, id, parts, { atime: WRITTEN, metadata });
    expected.set(key, { body, metadata });
  };
  await complete('multipart', [BLOCK - 1, 2 * CHUNK, 10], 20);
  await complete('multipart-of-many-blocks', [2 * BLOCK + 5, BLOCK + 100], 30);
  await upload('never-completed', [100, 200], 40);

  // Copied over by a shorter one, whose chunks are of other lengths.
  const shorter = bytes(BLOCK + 500, 51);
  const source = await original.putObject('first', 'copy-source', shorter, { readBytes: 900, atime: WRITTEN });
  const over = await original.putObject('first', 'copied-over', bytes(4 * BLOCK, 50));
  await original.copyOnto('first', 'copied-over', over, source);
  expected.set('copy-source', { body: shorter }).set('copied-over', { body: shorter });

  // No original wrote such; somebody's own tool may have.
  await put('etag-of-parts', bytes(30, 70));
  const etag = `${md5('parts')}-2`;
  await original.run(`UPDATE object SET checksum = '${etag}' WHERE bucket = 'first' AND object = 'etag-of-parts'`);
  expected.set('etag-of-parts', { body: bytes(30, 70), etag });

  await original.putObjectAcl('first', 'never-written', ownerOnly(OWNER));
  await original.damage(await original.putObject('first', 'damaged', bytes(3 * BLOCK - 100, 60)));
  // Overwritten by a daemon that died: the old data went before the new metadata came.
  await original.deleteInode(await original.putObject('first', 'lost', bytes(BLOCK, 61)));

  await original.createBucket('Gone_Bucket', { tenant: OWNER, created: CREATED });
  await original.putObject('Gone_Bucket', 'orphan', bytes(5, 62));
  await original.deleteBucketRow('Gone_Bucket');

  await original.createBucket('Old_Name', { tenant: OWNER, created: CREATED });
  const names = Array.from({ length: BULK }, (_, index) => bulkKey(index));
  for (const [index, name] of names.entries())
    await original.putObject('Old_Name', name, bytes(BULK_BYTES, index % 200), { atime: WRITTEN });
}

function bulkKey(index: number): string {
  return `bulk/${String(index).padStart(5, '0')}`;
}

interface Report {
  readonly resumed: boolean;
  readonly complete: boolean;
  readonly figures: Readonly<Record<string, number>>;
  readonly findings: readonly {
    readonly problem: boolean;
    readonly kind: string;
    readonly bucket: string;
    readonly key?: string;
    readonly what: string;
  }[];
}

const PROBLEMS = [
  ['corrupt', 'damaged'],
  ['corrupt', 'lost'],
];

describe.each(['cassandra', 'embedded'] as const)('migrate to the %s store', (store) => {
  let configFile: string;
  let config: PithosConfig;
  let stateFile: string;
  let server: PithosProcess | null = null;
  let s3: S3Client;

  beforeAll(async () => {
    // The old tables and the new ones in one keyspace.
    config =
      store === 'embedded'
        ? embeddedConfig({ dataDir: path.join(dir, 'embedded') })
        : cassandraConfig({ contactPoints: [shared.contactPoint], localDataCenter: shared.localDataCenter, keyspace });
    configFile = path.join(dir, `${store}.yaml`);
    stateFile = path.join(dir, `${store}.state`);
    await writeFile(configFile, stringify(config), { mode: 0o600 });
    if (store === 'cassandra') expect((await bootstrap(configFile)).code).toBe(0);
  });

  afterAll(async () => {
    await server?.stop();
  });

  const args = (...more: string[]): string[] => [SERVER, 'migrate', '-f', configFile, '--from', oldFile, ...more];
  /** Sends the signal once the state says that the bulk is done up to that key or further. */
  const interrupted = async (signal: NodeJS.Signals, key: string) => {
    const child = spawn(process.execPath, args('--parallel', '1', '--state', stateFile), {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
    const closed = once(child, 'close');
    try {
      await untilBulkReached({ stateFile, key, child });
    } finally {
      child.kill(signal);
      await closed;
    }
    return { code: child.exitCode, signal: child.signalCode, stderr };
  };
  const migrate = async (...more: string[]): Promise<{ code: number; report: Report }> => {
    const { code, stdout, stderr } = await run(process.execPath, args('--json', ...more), { timeoutMs: 240_000 });
    expect(code, stderr).toBeLessThan(2);
    return { code, report: JSON.parse(stdout) as Report };
  };
  const problemsOf = ({ findings }: Report) =>
    findings
      .filter(({ problem }) => problem)
      .map(({ kind, key }) => [kind, key])
      .sort();

  it('reads and checks everything on a dry run, and writes nothing', async () => {
    const { code, report } = await migrate('--dry-run');
    expect(code).toBe(1);
    expect(problemsOf(report)).toEqual(PROBLEMS);
    expect(report.figures).toMatchObject({ migrated: expected.size + BULK, bucketsCreated: 0, already: 0 });
  });

  it('goes on where it was stopped, and where it was killed', async () => {
    const stopped = await interrupted('SIGTERM', bulkKey(0));
    expect(stopped).toMatchObject({ code: 3, signal: null });
    expect(stopped.stderr).toContain(`${stateFile} remembers how far it got`);
    expect(await interrupted('SIGKILL', bulkKey(250))).toMatchObject({ code: null, signal: 'SIGKILL' });
    const { code, report } = await migrate('--state', stateFile);
    expect(code).toBe(1);
    expect(report).toMatchObject({ resumed: true, complete: false });
    const { migrated = 0, already = 0, objects, refused, empty, bucketsCreated } = report.figures;
    expect(migrated + already).toBe(expected.size + BULK);
    expect({ objects, refused, empty, bucketsCreated }).toEqual({
      objects: expected.size + BULK + 3,
      refused: 2,
      empty: 1,
      bucketsCreated: 2,
    });
    expect(problemsOf(report)).toEqual(PROBLEMS);
    const notes = report.findings.filter(({ problem }) => !problem).map(({ kind, bucket, key }) => [kind, bucket, key]);
    expect(notes.sort()).toEqual([
      ['checksum', 'first', 'etag-of-parts'],
      ['empty', 'first', 'never-written'],
      ['no-bucket', 'Gone_Bucket', undefined],
      ['size', 'first', 'multipart-of-many-blocks'],
      ['upload', 'first', 'never-completed'],
    ]);
    await expect(access(stateFile)).rejects.toThrow('ENOENT');
  });

  it('serves everything as it was', async () => {
    server = await spawnPithos({ config });
    const { url } = server;
    s3 = new S3Client({
      endpoint: url,
      region: 'myregion',
      forcePathStyle: true,
      credentials: { accessKeyId: OTHER_KEY.accessKeyId, secretAccessKey: OTHER_KEY.secretAccessKey },
    });
    const { Buckets = [] } = await s3.send(new ListBucketsCommand());
    expect(Buckets.map(({ Name, CreationDate }) => [Name, CreationDate?.toISOString()])).toEqual([
      ['Old_Name', '2014-10-01T12:34:56.000Z'],
      ['first', '2014-10-01T12:34:56.000Z'],
    ]);
    for (const [Key, { body, metadata = {}, etag = md5(body) }] of expected) {
      const { output, content } = await read(s3, { Bucket: 'first', Key });
      expect(content.equals(body), Key).toBe(true);
      expect(output.ETag).toBe(`"${etag}"`);
      expect(output.ContentType).toBe(metadata['content-type'] ?? 'application/binary');
      expect(output.CacheControl).toBe(metadata['cache-control']);
      expect(output.ContentDisposition).toBe(metadata['content-disposition']);
      const user = Object.entries(metadata).flatMap(([name, value]) =>
        name.startsWith('x-amz-meta-') ? [[name.slice('x-amz-meta-'.length), value]] : [],
      );
      expect(output.Metadata).toEqual(Object.fromEntries(user));
    }
    const { LastModified } = await s3.send(new HeadObjectCommand({ Bucket: 'first', Key: 'many-blocks' }));
    expect(LastModified?.toISOString()).toBe('2015-02-03T04:05:06.000Z');
    const middle = await read(s3, { Bucket: 'first', Key: 'large', Range: `bytes=300000-300099` });
    expect(middle.content.equals(bytes(900 * KIB + 1, 5).subarray(300_000, 300_100))).toBe(true);
    for (const Key of ['damaged', 'lost', 'never-written', 'never-completed'])
      expect(await failure(s3.send(new GetObjectCommand({ Bucket: 'first', Key })))).toMatchObject({
        code: 'NoSuchKey',
      });
  });

  it('lists what there is', async () => {
    const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'first' }));
    const wanted = [...expected]
      .map(([key, { body, etag = md5(body) }]) => ({ key, size: body.length, etag: `"${etag}"` }))
      .sort((a, b) => Buffer.compare(Buffer.from(a.key), Buffer.from(b.key)));
    expect(Contents.map(({ Key, Size, ETag }) => ({ key: Key, size: Size, etag: ETag }))).toEqual(wanted);
    const bulk = await s3.send(new ListObjectsV2Command({ Bucket: 'Old_Name', Prefix: 'bulk/' }));
    expect(bulk.Contents?.map(({ Key }) => Key)).toEqual(Array.from({ length: BULK }, (_, index) => bulkKey(index)));
    const { Uploads } = await s3.send(new ListMultipartUploadsCommand({ Bucket: 'first' }));
    expect(Uploads ?? []).toEqual([]);
  });

  it('keeps permissions and CORS rules', async () => {
    const grants = ({ Grants = [] }: { Grants?: Grant[] | undefined }) =>
      Grants.map(({ Grantee, Permission }) => `${Grantee?.URI ?? Grantee?.ID ?? ''} ${Permission ?? ''}`);
    const everybody = 'http://acs.amazonaws.com/groups/global/AllUsers READ';
    const own = `${OWNER} FULL_CONTROL`;
    const acl = (Key: string) => s3.send(new GetObjectAclCommand({ Bucket: 'first', Key }));
    expect(grants(await s3.send(new GetBucketAclCommand({ Bucket: 'first' })))).toEqual([everybody, own]);
    expect(grants(await s3.send(new GetBucketAclCommand({ Bucket: 'Old_Name' })))).toEqual([own]);
    expect(grants(await acl('public'))).toEqual([everybody, own]);
    expect(grants(await acl('granted'))).toEqual([own, 'test@example.com READ_ACP']);
    expect(grants(await acl('acl-without-grants'))).toEqual([]);
    const url = server?.url ?? '';
    expect((await fetch(`${url}/first/public`)).status).toBe(200);
    expect((await fetch(`${url}/first/one-byte`)).status).toBe(403);
    expect((await fetch(`${url}/first`)).status).toBe(200);
    expect((await fetch(`${url}/Old_Name`)).status).toBe(403);

    const { CORSRules } = await s3.send(new GetBucketCorsCommand({ Bucket: 'first' }));
    expect(CORSRules).toEqual([
      {
        AllowedHeaders: ['*'],
        AllowedMethods: ['GET', 'PUT'],
        AllowedOrigins: ['https://app.example.com'],
        ExposeHeaders: ['x-amz-meta-a'],
        MaxAgeSeconds: 3000,
      },
      { AllowedMethods: ['GET'], AllowedOrigins: ['*'] },
    ]);
  });

  it('finds everything done when it is run again, and leaves what is newer', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'first', Key: 'one-chunk', Body: 'changed since' }));
    const { code, report } = await migrate();
    expect(code).toBe(1);
    expect(report.resumed).toBe(false);
    expect(report.figures).toMatchObject({
      migrated: 0,
      bytes: 0,
      kept: 1,
      already: expected.size + BULK - 1,
      bucketsCreated: 0,
    });
    expect((await read(s3, { Bucket: 'first', Key: 'one-chunk' })).content.toString()).toBe('changed since');
    expect(problemsOf(report)).toEqual(PROBLEMS);
  });

  it('leaves a store that fsck finds nothing wrong with', async () => {
    const { code, stdout, stderr } = await run(process.execPath, [SERVER, 'fsck', '-f', configFile, '--data']);
    expect(code, stdout + stderr).toBe(0);
  });
});

describe('a command line that makes no sense', () => {
  it.each([
    [[], 'migrate needs --from'],
    [['--from', 'ORIGINAL', '--bucket', 'nowhere'], "the old store has no bucket 'nowhere'"],
  ])('%j is refused', async (given, reason) => {
    const configFile = path.join(dir, 'refused.yaml');
    await writeFile(configFile, stringify(embeddedConfig({ dataDir: path.join(dir, 'refused') })));
    const named = given.map((arg) => (arg === 'ORIGINAL' ? oldFile : arg));
    const { code, stderr } = await run(process.execPath, [SERVER, 'migrate', '-f', configFile, ...named]);
    expect(code, stderr).toBe(2);
    expect(stderr).toContain(reason);
  });

  it('a keyspace without the tables of an original is told', async () => {
    const file = path.join(dir, 'wrong.yaml');
    const text = stringify(originalConfig()).replaceAll(`keyspace: ${keyspace}`, 'keyspace: system');
    await writeFile(file, text);
    const configFile = path.join(dir, 'refused.yaml');
    await writeFile(configFile, stringify(embeddedConfig({ dataDir: path.join(dir, 'refused') })));
    const { code, stderr } = await run(process.execPath, [SERVER, 'migrate', '-f', configFile, '--from', file]);
    expect(code, stderr).toBe(3);
    expect(stderr).toContain("keyspace 'system' has no table 'bucket' of an original Pithos");
  });
});

/** Bucket `Old_Name`, which has the bulk, comes before `first`. */
async function untilBulkReached({
  stateFile,
  key,
  child,
}: {
  readonly stateFile: string;
  readonly key: string;
  readonly child: { readonly exitCode: number | null };
}): Promise<void> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const text = await readFile(stateFile, 'utf8').catch(() => '{}');
    const { cursor } = JSON.parse(text) as { cursor?: { bucket: string; after: string } };
    if (cursor?.bucket === 'Old_Name' && cursor.after >= key) return;
    if (child.exitCode !== null) throw new Error(`it ended, with ${child.exitCode}, before it could be stopped`);
    if (Date.now() > deadline) throw new Error('no checkpoint came');
    await sleep(5);
  }
}

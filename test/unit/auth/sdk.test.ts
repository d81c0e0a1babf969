/** What the AWS SDK for JavaScript v3 sends, signed by its own client and presigner, must verify. */
import { Readable } from 'node:stream';
import {
  CreateMultipartUploadCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketTaggingCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { describe, expect, it } from 'vitest';
import { checkedPayload } from '../../../src/auth/checked-payload.js';
import type { SigningRequest } from '../../../src/auth/types.js';
import { authenticatorAt, chunksOf, collect, EXAMPLE, s3Error, signingRequest } from './support.js';

interface SentRequest {
  readonly method: string;
  readonly hostname: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string | readonly string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);

function rawQuery(query: SentRequest['query']): string {
  return Object.entries(query)
    .flatMap(([name, value]) => {
      if (value === null) return [encode(name)];
      return (typeof value === 'string' ? [value] : value).map((single) => `${encode(name)}=${encode(single)}`);
    })
    .join('&');
}

/** A client whose requests are kept instead of sent. */
function recordingClient(options: { sessionToken?: string; forcePathStyle?: boolean; protocol?: string } = {}) {
  const sent: SentRequest[] = [];
  const client = new S3Client({
    endpoint: `${options.protocol ?? 'http'}://s3.example.com`,
    region: 'eu-west-1',
    forcePathStyle: options.forcePathStyle ?? true,
    maxAttempts: 1,
    credentials: {
      accessKeyId: EXAMPLE.accessKey,
      secretAccessKey: EXAMPLE.secret,
      ...(options.sessionToken === undefined ? {} : { sessionToken: options.sessionToken }),
    },
    requestHandler: {
      handle: async (request: SentRequest) => {
        // The client throws its streams away afterwards: read them now.
        const body = request.body instanceof Readable ? Buffer.concat(await request.body.toArray()) : request.body;
        sent.push({ ...request, headers: { ...request.headers }, body });
        return { response: { statusCode: 200, headers: {}, body: Readable.from([]) } };
      },
    } as never,
  });
  return { client, sent };
}

function asReceived(request: SentRequest): SigningRequest {
  const query = rawQuery(request.query);
  const vhost = request.hostname.endsWith('.s3.example.com')
    ? request.hostname.slice(0, -'.s3.example.com'.length)
    : null;
  return signingRequest(
    request.method,
    query === '' ? request.path : `${request.path}?${query}`,
    request.headers,
    vhost,
  );
}

const KEYS = [
  'plain',
  'with space+plus~tilde',
  "unicode-\u017elu\u0165/(paren)'!*",
  'a//b/../c/./d',
  '100%',
  '/leading',
  'tr\u00e4iling/',
];

describe('the SDK client', () => {
  for (const forcePathStyle of [true, false]) {
    it(`signs requests that verify, ${forcePathStyle ? 'path' : 'virtual-hosted'} style`, async () => {
      const { client, sent } = recordingClient({ forcePathStyle });
      for (const Key of KEYS) {
        await client.send(new GetObjectCommand({ Bucket: 'bucket', Key, VersionId: 'v+1/2=' }));
        await client.send(
          new PutObjectCommand({ Bucket: 'bucket', Key, Body: 'data', Metadata: { note: 'two  words ' } }),
        );
        await client.send(
          new CreateMultipartUploadCommand({ Bucket: 'bucket', Key, ContentType: 'text/plain; charset=utf-8' }),
        );
      }
      for (const Prefix of KEYS)
        await client.send(new ListObjectsV2Command({ Bucket: 'bucket', Prefix, Delimiter: '/' }));
      await client.send(
        new PutBucketTaggingCommand({ Bucket: 'bucket', Tagging: { TagSet: [{ Key: 'a', Value: 'b' }] } }),
      );
      expect(sent.length).toBe(KEYS.length * 4 + 1);
      const authenticator = authenticatorAt(Date.now());
      for (const request of sent) {
        const received = asReceived(request);
        expect(await authenticator.authenticate(received)).toMatchObject({
          kind: 'signed',
          version: 'v4',
          region: 'eu-west-1',
        });
        const error = await s3Error(authenticator.authenticate({ ...received, rawPath: received.rawPath + '.' }));
        expect(error.code).toBe('SignatureDoesNotMatch');
      }
    });
  }

  it('sends the hash of a body in memory, which is then checked', async () => {
    const { client, sent } = recordingClient();
    await client.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body: 'some data' }));
    const [request] = sent;
    if (request === undefined) throw new Error('nothing sent');
    const { payload } = await authenticatorAt(Date.now()).authenticate(asReceived(request));
    expect(payload.kind).toBe('sha256');
    expect((await collect(checkedPayload(chunksOf('some data'), payload).body)).toString()).toBe('some data');
    const error = await s3Error(collect(checkedPayload(chunksOf('some dato'), payload).body));
    expect(error.code).toBe('XAmzContentSHA256Mismatch');
  });

  it('frames a stream as unsigned chunks with a checksum behind them', async () => {
    const { client, sent } = recordingClient({ protocol: 'https' });
    const data = Buffer.alloc(100_000, 'stream');
    const Body = Readable.from([data.subarray(0, 30_000), data.subarray(30_000)]);
    await client.send(new PutObjectCommand({ Bucket: 'b', Key: 'k', Body, ContentLength: data.length }));
    const [request] = sent;
    if (request === undefined) throw new Error('nothing sent');
    const { payload } = await authenticatorAt(Date.now()).authenticate(asReceived(request));
    expect(payload).toMatchObject({ kind: 'chunked', signed: false, trailer: true, decodedLengthBytes: data.length });
    const checked = checkedPayload(chunksOf(request.body as Buffer), payload);
    expect((await collect(checked.body)).equals(data)).toBe(true);
    expect([...checked.trailers.keys()]).toEqual(['x-amz-checksum-crc32']);
  });

  it('carries the token of temporary credentials', async () => {
    const { client, sent } = recordingClient({ sessionToken: 'token' });
    await client.send(new GetObjectCommand({ Bucket: 'b', Key: 'k' }));
    const [request] = sent;
    if (request === undefined) throw new Error('nothing sent');
    const temporary = authenticatorAt(Date.now(), { lookup: () => ({ ...EXAMPLE, sessionToken: 'token' }) });
    expect((await temporary.authenticate(asReceived(request))).kind).toBe('signed');
    expect((await s3Error(authenticatorAt(Date.now()).authenticate(asReceived(request)))).code).toBe('InvalidToken');
  });
});

describe('the SDK presigner', () => {
  function received(method: string, url: string): SigningRequest {
    return signingRequest(method, url, { host: new URL(url).host });
  }

  it('makes URLs that verify until they expire', async () => {
    const { client } = recordingClient();
    for (const Key of KEYS) {
      const command = new GetObjectCommand({
        Bucket: 'b',
        Key,
        ResponseContentDisposition: 'attachment; filename="a+b&c.txt"',
      });
      const url = await getSignedUrl(client, command, { expiresIn: 60 });
      const result = await authenticatorAt(Date.now()).authenticate(received('GET', url));
      expect(result).toMatchObject({ kind: 'signed', carrier: 'query', payload: { kind: 'unsigned' } });
      const error = await s3Error(authenticatorAt(Date.now() + 61_000).authenticate(received('GET', url)));
      expect([error.code, error.message]).toEqual(['AccessDenied', 'Request has expired']);
    }
  });

  it('moves headers into the URL, from where they are given back', async () => {
    const { client } = recordingClient({ sessionToken: 'to/ken+' });
    const command = new PutObjectCommand({ Bucket: 'b', Key: 'k', ACL: 'public-read', Metadata: { note: 'a b+c' } });
    const url = await getSignedUrl(client, command, { expiresIn: 60 });
    const temporary = authenticatorAt(Date.now(), { lookup: () => ({ ...EXAMPLE, sessionToken: 'to/ken+' }) });
    const result = await temporary.authenticate(received('PUT', url));
    if (result.kind !== 'signed') throw new Error('it is signed');
    expect(result.hoistedHeaders).toMatchObject({ 'x-amz-acl': 'public-read', 'x-amz-meta-note': 'a b+c' });
    expect(Object.keys(result.hoistedHeaders)).not.toContain('x-amz-security-token');
    const raised = received('PUT', url.replace('public-read', 'public-read-write'));
    expect((await s3Error(temporary.authenticate(raised))).code).toBe('SignatureDoesNotMatch');
  });
});

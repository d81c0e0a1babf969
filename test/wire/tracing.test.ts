// Traces as a real receiver of OTLP gets them: a request, its parts, and the statements that it makes.
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { spawnPithos } from '../support/server.js';
import type { PithosProcess } from '../support/server.js';
import { contentOf, KIB } from './helpers.js';
import type { ReceivedSpan } from './otlp.js';
import { OtlpReceiver } from './otlp.js';
import type { Home, StoreKind } from './servers.js';
import { bucketName, clientOf, makeHome, STORES, USER_KEY } from './servers.js';

describe.each(STORES)('tracing on %s', (store) => {
  suite(store);
});

function suite(store: StoreKind): void {
  const Bucket = bucketName();
  const KEY = 'a-key-that-is-nobody-elses-business';
  const BODY = Buffer.alloc(600 * KIB, 7);
  let receiver: OtlpReceiver;
  let home: Home;
  let server: PithosProcess;

  beforeAll(async () => {
    receiver = await OtlpReceiver.start();
    // Only requests whose clients are traced themselves.
    const tracing = {
      endpoint: receiver.url,
      'sample-ratio': 0,
      'service-name': 'pithos-test',
      headers: { 'x-receiver-key': 'of-the-receiver' },
    };
    home = await makeHome(store, { service: { workers: 1 }, tracing });
    server = await spawnPithos({ config: home.config });
    const s3 = clientOf(server);
    await s3.send(new CreateBucketCommand({ Bucket }));
    s3.destroy();
  });
  afterAll(async () => {
    await server.stop();
    await receiver.stop();
    await home.remove();
  });

  /** Runs a request under a span of ours; sampled: as its flag says. */
  async function traced<T>(send: (s3: S3Client) => Promise<T>, sampled = true) {
    const traceId = randomBytes(16).toString('hex');
    const spanId = randomBytes(8).toString('hex');
    const s3 = clientOf(server);
    s3.middlewareStack.add(
      (next) => (args) => {
        (args.request as { headers: Record<string, string> }).headers['traceparent'] =
          `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
        return next(args);
      },
      { step: 'finalizeRequest', priority: 'low' },
    );
    const result = await send(s3);
    s3.destroy();
    return { traceId, spanId, result };
  }

  /** All spans of a trace, once the request's own has come, which is the last to end. */
  async function spansOf(traceId: string): Promise<ReceivedSpan[]> {
    const found = (): ReceivedSpan[] => receiver.spans.filter((span) => span.traceId === traceId);
    await expect.poll(() => found().some(({ name }) => /^[A-Z]/.test(name)), { timeout: 60_000 }).toBe(true);
    return found();
  }

  const readAll = async (s3: S3Client): Promise<Buffer> =>
    contentOf(await s3.send(new GetObjectCommand({ Bucket, Key: KEY })));

  const named = (spans: readonly ReceivedSpan[], name: string): ReceivedSpan => {
    const found = spans.find((span) => span.name === name);
    if (found === undefined) throw new Error(`no span ${name} among ${spans.map((span) => span.name).join(', ')}`);
    return found;
  };

  it('shows a write down to its statements', async () => {
    const { traceId, spanId } = await traced((s3) => s3.send(new PutObjectCommand({ Bucket, Key: KEY, Body: BODY })));
    const spans = await spansOf(traceId);
    const request = named(spans, 'PutObject');
    expect(request.parentSpanId).toBe(spanId);
    expect(request.attributes).toMatchObject({
      'http.request.method': 'PUT',
      'http.response.status_code': 200,
      'aws.s3.bucket': Bucket,
      'aws.request_id': expect.stringMatching(/^[0-9A-F]{20}$/) as unknown,
      'url.scheme': 'http',
    });
    expect(request.resource).toMatchObject({ 'service.name': 'pithos-test' });
    for (const part of ['authenticate', 'store write chunk', 'store finish blob', 'store commit'])
      expect(named(spans, part).parentSpanId).toBe(request.spanId);
    // Every part lies under the request, however deep.
    const ids = new Set(spans.map((span) => span.spanId));
    expect(spans.filter((span) => span !== request).every((span) => ids.has(span.parentSpanId))).toBe(true);
    if (store === 'embedded') return;
    const chunk = named(spans, 'insert blob_block');
    expect(spans.find((span) => span.spanId === chunk.parentSpanId)?.name).toMatch(/^store (write chunk|finish blob)$/);
    expect(chunk.attributes).toMatchObject({
      'db.system.name': 'cassandra',
      'db.operation.name': 'insert',
      'db.collection.name': 'blob_block',
    });
    const commit = named(spans, 'store commit');
    expect(spans.some((span) => span.parentSpanId === commit.spanId && span.name.startsWith('cas '))).toBe(true);
  });

  it('shows a read', async () => {
    const { traceId, result } = await traced(readAll);
    expect(result.equals(BODY)).toBe(true);
    const spans = await spansOf(traceId);
    const request = named(spans, 'GetObject');
    const read = named(spans, 'store read chunks');
    expect(read.parentSpanId).toBe(request.spanId);
    expect(Number(read.attributes['pithos.chunks'])).toBeGreaterThanOrEqual(1);
    if (store === 'cassandra') expect(named(spans, 'select blob_block').parentSpanId).toBe(read.spanId);
  });

  it('shows what failed', async () => {
    const { traceId } = await traced((s3) =>
      s3.send(new GetObjectCommand({ Bucket, Key: 'none' })).catch(() => undefined),
    );
    const request = named(await spansOf(traceId), 'GetObject');
    expect(request.attributes).toMatchObject({ 'http.response.status_code': 404, 'error.type': 'NoSuchKey' });
  });

  it('names the trace in the log of the request', async () => {
    const { traceId } = await traced(readAll);
    await expect.poll(() => server.logs().includes(`"traceId":"${traceId}"`), { timeout: 60_000 }).toBe(true);
  });

  it('traces nothing that is not to be traced, and sends nothing that is not its business', async () => {
    const before = await traced(readAll, false);
    const s3 = clientOf(server);
    await readAll(s3);
    s3.destroy();
    const after = await traced(readAll);
    await spansOf(after.traceId);
    expect(receiver.spans.filter(({ traceId }) => traceId === before.traceId)).toEqual([]);
    // Neither requests without a parent, nor what runs beside requests.
    expect(receiver.spans.filter(({ parentSpanId }) => parentSpanId === '')).toEqual([]);
    expect(receiver.text).not.toContain(KEY);
    expect(receiver.text).not.toContain(USER_KEY.accessKeyId);
    expect(new Set(receiver.headers.map((headers) => headers['x-receiver-key']))).toEqual(new Set(['of-the-receiver']));
  });
}

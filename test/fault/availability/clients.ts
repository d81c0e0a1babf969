// Clients at work: each writes and reads keys of its own with the AWS SDK and knows what must be there.
import { createHash, randomBytes } from 'node:crypto';
import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { MASTER_KEY, REGION } from '../../support/config.js';
import type { Timeline } from './timeline.js';

const KEYS_OF_A_CLIENT = 20;
const SMALL_BYTES = 4 * 1024;
/** Beyond what is kept in the metadata row. */
const CHUNKED_BYTES = 200 * 1024;

interface Known {
  /** MD5 of what may be there: the last acknowledged, and what was sent since without an answer. */
  readonly possible: Set<string>;
}

export interface ClientsOptions {
  readonly endpoints: readonly string[];
  readonly bucket: string;
  readonly count: number;
  /** The SDK's: 1 = no retries, 3 = its default. */
  readonly attempts: number;
  readonly timeline: Timeline;
  readonly prefix: string;
}

export class Clients {
  readonly #options: ClientsOptions;
  readonly #known = new Map<string, Known>();
  readonly wrong: string[] = [];
  #stopped = false;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  start(): void {
    const { count } = this.#options;
    this.#running = Promise.all(Array.from({ length: count }, (_, number) => this.#work(number)));
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#running;
  }

  /** Reads all that was acknowledged through a gateway; answers the keys that are lost or wrong. */
  async audit(endpoint: string): Promise<string[]> {
    const s3 = clientOf(endpoint, 5);
    const lost: string[] = [];
    for (const [key, { possible }] of this.#known) {
      const digest = await read(s3, this.#options.bucket, key).catch((error: unknown) => String(error));
      if (!possible.has(digest)) lost.push(`${key}: ${digest}`);
    }
    s3.destroy();
    return lost;
  }

  get keys(): number {
    return this.#known.size;
  }

  async #work(number: number): Promise<void> {
    const { endpoints, attempts } = this.#options;
    const s3 = clientOf(endpoints[number % endpoints.length] ?? '', attempts);
    for (let round = 0; !this.#stopped; round++) {
      const key = `${this.#options.prefix}${number}/${round % KEYS_OF_A_CLIENT}`;
      await this.#write(s3, key, round % 4 === 3 ? CHUNKED_BYTES : SMALL_BYTES);
      const known = this.#known.get(key);
      if (known === undefined) continue;
      await this.#check(s3, key, known);
    }
    s3.destroy();
  }

  async #write(s3: S3Client, key: string, bytes: number): Promise<void> {
    const { bucket, timeline } = this.#options;
    const Body = randomBytes(bytes);
    const digest = md5(Body);
    const before = this.#known.get(key);
    before?.possible.add(digest);
    const put = new PutObjectCommand({ Bucket: bucket, Key: key, Body });
    const answer = await timeline.observe('PUT', () => s3.send(put));
    if (answer !== null) this.#known.set(key, { possible: new Set([digest]) });
  }

  async #check(s3: S3Client, key: string, { possible }: Known): Promise<void> {
    const { bucket, timeline } = this.#options;
    const digest = await timeline.observe('GET', () => read(s3, bucket, key));
    if (digest !== null && !possible.has(digest)) this.wrong.push(`${key} answered ${digest}`);
    await timeline.observe('HEAD', () => s3.send(new HeadObjectCommand({ Bucket: bucket, Key: key })));
  }
}

export function clientOf(endpoint: string, attempts: number): S3Client {
  const { accessKeyId, secretAccessKey } = MASTER_KEY;
  return new S3Client({
    endpoint,
    region: REGION,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
    maxAttempts: attempts,
  });
}

async function read(s3: S3Client, Bucket: string, Key: string): Promise<string> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
  return md5(await (Body ?? failed()).transformToByteArray());
}

function failed(): never {
  throw new Error('an object without a body');
}

function md5(bytes: Uint8Array): string {
  return createHash('md5').update(bytes).digest('hex');
}

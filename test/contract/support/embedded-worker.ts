/** A process of its own that works on a data directory others have open; driven by messages from the test. */
import { StoreError } from '../../../src/store/errors.js';
import { openEmbeddedStores } from '../../../src/store/embedded/index.js';
import type { EmbeddedStoresOptions } from '../../../src/store/embedded/index.js';
import type { BucketRef, KeyCommit, MetadataStore, VersionDraft } from '../../../src/store/types.js';

export type WorkerTask =
  /** add `times` to the number under the key, one commit each, `width` at a time */
  | { readonly kind: 'count'; readonly key: string; readonly times: number; readonly width: number }
  /** set the number to 1, 2, 3, ... up to `upTo`, reporting each after its acknowledgement and waiting for a reply */
  | { readonly kind: 'announce'; readonly key: string; readonly upTo: number }
  /** put <prefix>0 ... with inline bytes of that size, reporting each acknowledgement and each failure */
  | { readonly kind: 'fill'; readonly prefix: string; readonly times: number; readonly sizeBytes: number }
  /** put <prefix>0, <prefix>1, ... without end, reporting each acknowledgement */
  | { readonly kind: 'flood'; readonly prefix: string; readonly width: number };

export interface WorkerStart {
  readonly options: EmbeddedStoresOptions;
  readonly bucket: BucketRef;
  readonly task: WorkerTask;
}

export type WorkerReport =
  | { readonly acknowledged: number }
  | { readonly refused: number; readonly errorKind: string }
  | { readonly done: true }
  | { readonly failed: string };

export function numberDraft(value: number): VersionDraft {
  return {
    deleteMarker: false,
    sizeBytes: 0,
    etag: 'etag',
    lastModified: 0,
    storageClass: 'STANDARD',
    owner: { id: 'o', displayName: 'o' },
    headers: { count: String(value) },
    data: { kind: 'inline', bytes: Buffer.alloc(0) },
    acl: null,
    tags: {},
    parts: null,
    checksum: null,
    encryption: null,
    retention: null,
    legalHold: false,
    uploadId: null,
    extra: {},
  };
}

export function setNumber(
  metadata: MetadataStore,
  bucket: BucketRef,
  key: string,
  next: (current: number) => number,
): Promise<KeyCommit> {
  return metadata.commit({
    bucket,
    key,
    select: 'latest',
    decide: ({ latest }) => ({
      put: { draft: numberDraft(next(Number(latest?.headers['count'] ?? 0))), isNull: true },
    }),
  });
}

async function run({ options, bucket, task }: WorkerStart): Promise<void> {
  const stores = await openEmbeddedStores(options);
  const metadata = stores.regions.get(bucket.region)?.metadata;
  if (metadata === undefined) throw new Error(`no region ${bucket.region}`);
  if (task.kind === 'count') {
    let left = task.times;
    const add = async () => {
      while (left-- > 0) await setNumber(metadata, bucket, task.key, (current) => current + 1);
    };
    await Promise.all(Array.from({ length: task.width }, add));
  } else if (task.kind === 'announce') {
    for (let i = 1; i <= task.upTo; i++) {
      await setNumber(metadata, bucket, task.key, () => i);
      const reply = new Promise((resolve) => process.once('message', resolve));
      report({ acknowledged: i });
      await reply;
    }
  } else if (task.kind === 'fill') {
    const data = { kind: 'inline', bytes: Buffer.alloc(task.sizeBytes, 7) } as const;
    for (let i = 0; i < task.times; i++) {
      const put = { draft: { ...numberDraft(i), data }, isNull: true };
      const key = task.prefix + String(i);
      await metadata.commit({ bucket, key, select: 'latest', decide: () => ({ put }) }).then(
        () => report({ acknowledged: i }),
        (error: unknown) =>
          report({
            refused: i,
            errorKind: error instanceof StoreError ? error.kind : `not a StoreError: ${String(error)}`,
          }),
      );
    }
  } else {
    let next = 0;
    const put = async (): Promise<never> => {
      for (;;) {
        const i = next++;
        await setNumber(metadata, bucket, task.prefix + String(i), () => i);
        report({ acknowledged: i });
      }
    };
    await Promise.all(Array.from({ length: task.width }, put));
  }
  await stores.close();
  report({ done: true });
  process.disconnect();
}

function report(message: WorkerReport): void {
  process.send?.(message);
}

if (process.send !== undefined && process.argv[2] === 'embedded-worker') {
  process.once('message', (start) => {
    run(start as WorkerStart).catch((error: unknown) => {
      report({ failed: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      process.exitCode = 1;
      process.disconnect();
    });
  });
}

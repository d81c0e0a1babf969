/** Stores that make a span of what requests ask of them: commits, reads of keys, listings, chunks. Made only where requests are traced. */
import type { BlobStore, BlobWriter, BucketStore, MetadataStore, Region, Stores } from '../store/types.js';
import type { Tracing } from './tracing.js';

/** What requests wait for; streams and what runs in the background are left out. */
const METADATA_METHODS = [
  'getVersion',
  'commit',
  'rename',
  'openIntent',
  'announceBlob',
  'scanObjects',
  'scanVersions',
  'createUpload',
  'getUpload',
  'putPart',
  'listParts',
  'scanUploads',
  'closeUpload',
  'isEmpty',
] as const satisfies readonly (keyof MetadataStore)[];

const BUCKET_METHODS = ['create', 'update', 'delete'] as const satisfies readonly (keyof BucketStore)[];

export function tracedStores(stores: Stores, tracing: Tracing): Stores {
  const regions = new Map(
    [...stores.regions].map(([name, region]): [string, Region] => [
      name,
      {
        ...region,
        metadata: tracedMethods(region.metadata, METADATA_METHODS, tracing),
        blobs: new Map(
          [...region.blobs].map(([storageClass, blobs]) => [storageClass, tracedBlobs(blobs, storageClass, tracing)]),
        ),
      },
    ]),
  );
  return { ...stores, regions, buckets: tracedMethods(stores.buckets, BUCKET_METHODS, tracing) };
}

/** The same store, whose named methods are spans 'store <method>'. */
function tracedMethods<T extends object>(target: T, names: readonly (keyof T & string)[], tracing: Tracing): T {
  const traced = new Set<PropertyKey>(names);
  const wrapped = new Map<PropertyKey, unknown>();
  return new Proxy(target, {
    get(_proxy, name) {
      const known = wrapped.get(name);
      if (known !== undefined) return known;
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      const method = value.bind(target) as (...args: unknown[]) => Promise<unknown>;
      const seen = traced.has(name)
        ? (...args: unknown[]) => tracing.within(`store ${String(name)}`, () => method(...args))
        : method;
      wrapped.set(name, seen);
      return seen;
    },
  });
}

function tracedBlobs(blobs: BlobStore, storageClass: string, tracing: Tracing): BlobStore {
  return {
    chunkSizeBytes: blobs.chunkSizeBytes,
    window: blobs.window,
    openWriter: async (inode, options) => {
      const writer = await tracing.within('store open blob', () => blobs.openWriter(inode, options));
      return tracedWriter(writer, tracing);
    },
    readChunks: (inode, options) => {
      const { first, last } = options;
      return tracedRead(() => blobs.readChunks(inode, options), {
        tracing,
        attributes: { 'pithos.chunks': last - first + 1, 'pithos.storage_class': storageClass },
      });
    },
    delete: (inode) => blobs.delete(inode),
  };
}

function tracedWriter(writer: BlobWriter, tracing: Tracing): BlobWriter {
  return {
    write: (index, payload) => tracing.within('store write chunk', () => writer.write(index, payload)),
    finish: () => tracing.within('store finish blob', () => writer.finish()),
    abort: () => writer.abort(),
  };
}

interface TracedRead {
  readonly tracing: Tracing;
  readonly attributes: Readonly<Record<string, string | number>>;
}

/** One span from the first chunk that is asked for to the end, with the statements that it makes below it. */
async function* tracedRead(
  open: () => AsyncIterable<Buffer>,
  { tracing, attributes }: TracedRead,
): AsyncGenerator<Buffer, void, void> {
  const { context, end } = tracing.begin('store read chunks', attributes);
  let failure: unknown = null;
  const chunks = tracing.inside(context, () => open()[Symbol.asyncIterator]());
  let ended = false;
  try {
    for (;;) {
      const next = await tracing.inside(context, () => chunks.next());
      if (next.done === true) {
        ended = true;
        return;
      }
      yield next.value;
    }
  } catch (error) {
    ended = true;
    failure = error;
    throw error;
  } finally {
    // Whoever reads has had enough.
    if (!ended) await chunks.return?.();
    end(failure);
  }
}

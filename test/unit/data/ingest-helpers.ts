/** Options for ingest with the parts that a test does not care about filled in. */
import { MemoryBudget } from '../../../src/data/budget.js';
import type { IngestOptions } from '../../../src/data/ingest.js';
import { BUCKET, MemoryBlobs, MemoryIntents, sourceOf } from './memory-stores.js';

export const CHUNK_BYTES = 256;
export const INLINE_BYTES = 100;

export interface Setup {
  readonly events: string[];
  readonly intents: MemoryIntents;
  readonly blobs: MemoryBlobs;
  readonly budget: MemoryBudget;
  /** ingest's options for a source; overrides win */
  readonly options: (
    source: AsyncIterable<Buffer> | readonly Buffer[],
    overrides?: Partial<IngestOptions>,
  ) => IngestOptions;
}

export function setUp({ window = 4, limitBytes = 1_000_000 } = {}): Setup {
  const events: string[] = [];
  const intents = new MemoryIntents(events);
  const blobs = new MemoryBlobs({ chunkSizeBytes: CHUNK_BYTES, window, events });
  const budget = new MemoryBudget({ limitBytes });
  return {
    events,
    intents,
    blobs,
    budget,
    options: (source, overrides = {}) => ({
      source: Symbol.asyncIterator in source ? source : sourceOf(source),
      target: { bucket: BUCKET, key: 'cat.jpg', storageClass: 'STANDARD', metadata: intents, blobs },
      inlineThresholdBytes: INLINE_BYTES,
      cipher: null,
      checksums: [],
      budget,
      maxSizeBytes: 1_000_000,
      sizeHintBytes: null,
      allowInline: true,
      leaseMs: 60_000,
      signal: new AbortController().signal,
      ...overrides,
    }),
  };
}

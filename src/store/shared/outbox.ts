/** What both stores' outboxes have in common: the form of an entry, names of queues, and who wants to know of new ones. */
import { StoreError } from '../errors.js';
import type { BucketRef, OutboxEntry } from '../types.js';

/** An entry without its place. */
export type OutboxContent = Omit<OutboxEntry, 'id' | 'queue'>;

interface StoredEntry {
  readonly bucket: readonly [name: string, instance: string];
  readonly key: string;
  readonly seq: number;
  readonly createdMs: number;
  readonly attempts?: number;
  readonly body: string;
}

export function encodeEntry({ bucket, key, seq, createdMs, attempts, body }: OutboxContent): string {
  const stored: StoredEntry = {
    bucket: [bucket.name, bucket.instance],
    key,
    seq,
    createdMs,
    ...(attempts > 0 && { attempts }),
    body,
  };
  return JSON.stringify(stored);
}

/** @throws StoreError corrupt */
export function decodeEntry(document: string, region: string): OutboxContent {
  let stored: StoredEntry;
  try {
    stored = JSON.parse(document) as StoredEntry;
  } catch (cause) {
    throw new StoreError('corrupt', 'notApplied', 'a stored outbox entry is not JSON', cause);
  }
  const [name, instance] = stored.bucket;
  const bucket: BucketRef = { name, instance, region };
  const { key, seq, createdMs, attempts = 0, body } = stored;
  return { bucket, key, seq, createdMs, attempts, body };
}

const QUEUE = /^[!-~]{1,200}$/;

/** @throws StoreError internal: a bug of the caller */
export function checkQueue(queue: string): void {
  if (!QUEUE.test(queue)) throw new StoreError('internal', 'notApplied', `${JSON.stringify(queue)} names no queue`);
}

/** Who wants to know of new entries. */
export class OutboxWatchers {
  readonly #listeners = new Set<(queue: string) => void>();

  add(listener: (queue: string) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  tell(queue: string): void {
    for (const listener of this.#listeners) listener(queue);
  }
}

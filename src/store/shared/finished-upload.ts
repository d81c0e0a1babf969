/** What is remembered of a multipart upload that has become a version of its key. */
import type { ObjectVersion } from '../types.js';
import { decodeVersion, encodeVersion } from './codec.js';

/** How long: repetitions of a completion come sooner. The Cassandra table's rows expire after the same time. */
export const FINISHED_MEMORY_MS = 24 * 60 * 60 * 1000;

/** A document of bounded size: neither data nor parts, of which there may be 10,000. */
export function encodeFinished(version: ObjectVersion): string {
  return encodeVersion({ ...version, data: { kind: 'none' }, parts: null });
}

/** @throws StoreError corrupt */
export function decodeFinished(document: string): ObjectVersion {
  return decodeVersion(document, null);
}

/**
 * The sweeper's questions about keys of quorum buckets. There a write cannot be fenced off by another one, for that would win against
 * writes that it has not seen. So a write of which nobody knows whether it is made is either seen, or called off, and all sweepers agree
 * on which (write_verdict) before any of them lets a blob go: neither its own, nor those of what it takes the place of.
 *
 * Nothing acknowledged is ever called off: it is on a quorum, where the look of every sweeper finds it, or something newer; and whoever
 * makes a write acknowledges it only while its lease holds.
 */
import type { BlobName } from '../shared/key-change.js';
import { unreferencedBlobs } from '../shared/key-change.js';
import type { BucketRef, GarbageEntry } from '../types.js';
import { nextSeq } from '../versions.js';
import { parseEntryId } from './garbage-rows.js';
import type { Head, HeadTable } from './head-table.js';
import type { IndexWriter } from './index-writer.js';
import type { IntentLog } from './intents.js';
import type { CassandraOptions } from './options.js';
import type { PlainHeads } from './plain-heads.js';
import type { Uploads } from './uploads.js';

export interface PlainSweepParts {
  readonly heads: Pick<HeadTable, 'load'>;
  readonly plain: Pick<PlainHeads, 'agree' | 'callOff' | 'remove'>;
  readonly index: Pick<IndexWriter, 'repair'>;
  readonly uploads: Pick<Uploads, 'blobsOfKey' | 'removeOfKey'>;
  readonly intents: Pick<IntentLog, 'announceGarbage'>;
  readonly options: Pick<CassandraOptions, 'now'>;
}

export class PlainSweep {
  readonly #parts: PlainSweepParts;

  constructor(parts: PlainSweepParts) {
    this.#parts = parts;
  }

  /** As MetadataStore.unreferenced. */
  async unreferenced(entry: GarbageEntry): Promise<readonly BlobName[]> {
    const { index, uploads } = this.#parts;
    const { bucket, key, blobs } = entry;
    const place = parseEntryId(entry.id);
    // Uploads first: what moves from an upload into a version between the two looks is seen in both.
    const parts = blobs.length === 0 ? [] : await uploads.blobsOfKey(bucket, key, { fence: place?.kind !== 'garbage' });
    const head =
      place?.slot === undefined ? await this.#head(bucket, key) : await this.#settled(bucket, key, place.slot);
    if (place?.kind !== 'garbage' || place.slot !== undefined) await index.repair(bucket, key);
    const { latest } = head.state;
    const held = new Set(parts.map(({ inode }) => inode));
    return unreferencedBlobs(blobs, latest === null ? [] : [latest]).filter(({ inode }) => !held.has(inode));
  }

  /** The key, when it is certain whether the write with that clock is made. */
  async #settled(bucket: BucketRef, key: string, clock: number): Promise<Head> {
    const { plain } = this.#parts;
    const head = await this.#head(bucket, key);
    const newest = head.slot ?? 0;
    // Below a newer write it is nothing any more, made or not.
    if (newest > clock) return head;
    const verdict = await plain.agree(bucket, key, clock, newest === clock ? 'made' : 'lost');
    if (verdict === 'lost') await plain.callOff(bucket, key, clock);
    return this.#head(bucket, key);
  }

  /** A write that slipped into a bucket while it was deleted, and was refused. */
  async purge(bucket: BucketRef, key: string): Promise<void> {
    const { plain, index, uploads, intents, options } = this.#parts;
    const { state } = await this.#head(bucket, key);
    if (state.latest?.data.kind === 'blobs') await intents.announceGarbage(bucket, key, state.latest.data.blobs);
    await plain.remove(bucket, key, nextSeq(state.seq, options.now()));
    await uploads.removeOfKey(bucket, key);
    await index.repair(bucket, key);
  }

  #head(bucket: BucketRef, key: string): Promise<Head> {
    return this.#parts.heads.load(bucket, key, 'latest', { withInline: false, serial: false });
  }
}

/** Names and cells of the garbage tables: shards by minute and gateway, entries as JSON, ids that name both. Pure. */
import { StoreError } from '../errors.js';
import type { BlobName } from '../shared/key-change.js';
import type { BucketRef, GarbageEntry } from '../types.js';

/**
 * commit: a change of the key that may have been under way; intent: blobs that were announced; garbage: blobs that a change
 * let go.
 */
export type GarbageKind = 'commit' | 'intent' | 'garbage';

/** What one row says of one key. */
export interface GarbageItem {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly blobs: readonly BlobName[];
  /** Of a write in a quorum bucket that is not known to be made: blobs are its own, and those of what it supersedes. */
  readonly slot?: number;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DIGITS = 10;

/** Numbers that sort as text. */
function padded(value: number): string {
  return String(value).padStart(DIGITS, '0');
}

export interface Shard {
  readonly region: string;
  readonly hour: string;
  /** minute and gateway */
  readonly name: string;
}

export function shardAt(region: string, gateway: string, nowMs: number): Shard {
  return {
    region,
    hour: padded(Math.floor(nowMs / HOUR_MS)),
    name: `${padded(Math.floor(nowMs / MINUTE_MS))}-${gateway}`,
  };
}

/** Partition key of garbage. */
export function shardKey(shard: Shard): string {
  return `${shard.region}/${shard.name}`;
}

export function hourScope(region: string, hour: string): string {
  return `${region}/${hour}`;
}

/** When the last row of the shard may have been written, by the clock of its gateway: ms since the epoch. */
export function shardEndMs(name: string): number {
  return (Number.parseInt(name, 10) + 1) * MINUTE_MS;
}

export function hourEndMs(hour: string): number {
  return (Number.parseInt(hour, 10) + 1) * HOUR_MS;
}

type StoredItem = [bucket: string, instance: string, key: string, ...rest: ([string, string] | number)[]];

export function encodeItems(items: readonly GarbageItem[]): string {
  const stored = items.map(({ bucket, key, blobs, slot }): StoredItem => [
    bucket.name,
    bucket.instance,
    key,
    ...(slot === undefined ? [] : [slot]),
    ...blobs.map(({ inode, storageClass }): [string, string] => [inode, storageClass]),
  ]);
  return JSON.stringify(stored);
}

/** @throws StoreError corrupt */
export function decodeItems(text: string, region: string): GarbageItem[] {
  let stored: StoredItem[];
  try {
    stored = JSON.parse(text) as StoredItem[];
  } catch (cause) {
    throw new StoreError('corrupt', 'notApplied', 'a garbage row is not JSON', cause);
  }
  return stored.map(([name, instance, key, ...rest]) => {
    const slot = rest.find((one) => typeof one === 'number');
    return {
      bucket: { name, instance, region },
      key,
      blobs: rest.filter((one) => typeof one !== 'number').map(([inode, storageClass]) => ({ inode, storageClass })),
      ...(slot !== undefined && { slot }),
    };
  });
}

/** Where an entry lies: row, position in it, and how many there are. */
export interface EntryPlace {
  readonly shard: string;
  readonly row: string;
  readonly kind: GarbageKind;
  readonly index: number;
  readonly count: number;
  /** as in GarbageItem */
  readonly slot?: number;
}

export function entryId(place: EntryPlace): string {
  const { shard, row, kind, index, count, slot } = place;
  return [kind, row, String(index), String(count), ...(slot === undefined ? [] : [`@${slot}`]), shard].join('|');
}

/** null: not an id of this store */
export function parseEntryId(id: string): EntryPlace | null {
  const match = /^(commit|intent|garbage)\|([0-9a-f-]{36})\|(\d+)\|(\d+)\|(?:@(\d+)\|)?(.+)$/s.exec(id);
  if (match === null) return null;
  const [, kind, row = '', index, count, slot, shard = ''] = match;
  const place = { kind: kind as GarbageKind, row, index: Number(index), count: Number(count), shard };
  return slot === undefined ? place : { ...place, slot: Number(slot) };
}

export function toEntries(
  row: { readonly shard: string; readonly id: string; readonly kind: GarbageKind; readonly notBeforeMs: number },
  items: readonly GarbageItem[],
): GarbageEntry[] {
  return items.map(({ slot, ...item }, index) => {
    const place = { shard: row.shard, row: row.id, kind: row.kind, index, count: items.length };
    return { id: entryId(slot === undefined ? place : { ...place, slot }), ...item, notBeforeMs: row.notBeforeMs };
  });
}

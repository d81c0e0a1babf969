/** Keeps a key's partition within its bound: a change that adds a version to a full key is refused before it is attempted. */
import { consistencyOf } from '../consistency.js';
import type { AppliedChange } from '../shared/key-change.js';
import { tooManyVersions, versionsAdded } from '../shared/version-limit.js';
import type { BucketRef } from '../types.js';
import type { Head, HeadTable } from './head-table.js';
import { tallyAfter } from './version-tally.js';

/** Of documents and inline bytes of all versions of a key: leaves room below 100 MB for what grows without a version more. */
export const MAX_KEY_BYTES = 80 * 1024 * 1024;
const MIB = 1024 * 1024;

export interface VersionLimitParts {
  readonly heads: Pick<HeadTable, 'count'>;
  readonly maxVersions: number;
  /** Default 80 MiB. */
  readonly maxBytes?: number;
}

export class VersionLimit {
  readonly #heads: Pick<HeadTable, 'count'>;
  readonly #maxVersions: number;
  readonly #maxBytes: number;

  constructor({ heads, maxVersions, maxBytes = MAX_KEY_BYTES }: VersionLimitParts) {
    this.#heads = heads;
    this.#maxVersions = maxVersions;
    this.#maxBytes = maxBytes;
  }

  /**
   * Whether the key may have one version more. A change that adds none is never refused.
   * @returns the key as it was read, with the number of its versions where that had to be counted: true as long as its clock stays
   * @throws StoreError tooManyVersions, or what counting fails with
   */
  async check(bucket: BucketRef, key: string, head: Head, applied: AppliedChange): Promise<Head> {
    if (versionsAdded(applied) <= 0 || consistencyOf(bucket) === 'quorum') return head;
    const known = await this.#counted(bucket, key, head);
    if (versionsOf(known) + versionsAdded(applied) > this.#maxVersions)
      throw tooManyVersions(`${this.#maxVersions} versions or more`);
    const after = tallyAfter(known, applied);
    if (after !== null && after.sizeBytes > this.#maxBytes)
      throw tooManyVersions(`versions of ${Math.floor(this.#maxBytes / MIB)} MiB in its metadata`);
    return known;
  }

  async #counted(bucket: BucketRef, key: string, head: Head): Promise<Head> {
    if (head.counted?.kind !== 'unknown') return head;
    // Of one more nobody needs to know how many there are exactly.
    const tally = await this.#heads.count(bucket, key, {
      versions: this.#maxVersions + 1,
      sizeBytes: this.#maxBytes,
    });
    return { ...head, counted: { kind: 'tally', tally } };
  }
}

function versionsOf({ counted }: Head): number {
  if (counted === undefined || counted.kind === 'unknown') return 0;
  return counted.kind === 'all' ? counted.versions.length : counted.tally.versions;
}

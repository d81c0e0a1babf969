/**
 * Finds out whether a change was made whose entry in the outbox is all that is left of the gateway that was making it: by the
 * key's trail of commits, after a fence on the key where the change might still be applied.
 */
import { StoreError } from '../errors.js';
import type { BucketRef } from '../types.js';
import { nextSeq } from '../versions.js';
import { fateOf, newToken } from './commit-trail.js';
import { CLOCK_TTL_S } from './head-table.js';
import type { HeadTable } from './head-table.js';
import { backoff } from './retry.js';

export interface Unsettled {
  readonly bucket: BucketRef;
  readonly key: string;
  readonly token: Buffer;
  readonly base: Buffer;
  /** ms since the epoch */
  readonly createdMs: number;
}

const MAX_ATTEMPTS = 30;

export class OutboxSettler {
  readonly #heads: Pick<HeadTable, 'load' | 'fence'>;
  readonly #now: () => number;

  constructor(heads: Pick<HeadTable, 'load' | 'fence'>, now: () => number) {
    this.#heads = heads;
    this.#now = now;
  }

  /**
   * False: the change was not made, and never will be. True: it was, or nobody can tell any more (the key has changed often
   * since): better told of once too often.
   * @throws StoreError when the key cannot be read
   */
  async wasMade(change: Unsettled): Promise<boolean> {
    return (await this.fate(change)) !== 'dead';
  }

  /** dead: it was not made, and never will be. @throws StoreError when the key cannot be read */
  async fate({ bucket, key, token, base, createdMs }: Unsettled): Promise<'made' | 'dead' | 'unknown'> {
    for (let attempt = 0; ; attempt++) {
      const head = await this.#heads.load(bucket, key, 'latest', { withInline: false, serial: true });
      const fate = fateOf(token, base, head.trail);
      if (fate === 'applied') return 'made';
      if (fate !== 'pending') return fate;
      // The trail of a key without versions ends with its clock: then a key that came and went looks like one that never was.
      if (this.#now() - createdMs > (CLOCK_TTL_S * 1000) / 2) return 'unknown';
      if (attempt >= MAX_ATTEMPTS)
        throw new StoreError('contention', 'notApplied', `key ${JSON.stringify(key)} cannot be fenced`);
      try {
        await this.#heads.fence(bucket, key, head, { clock: nextSeq(head.state.seq, this.#now()), token: newToken() });
      } catch (error) {
        const lost = error instanceof StoreError && error.outcome === 'unknown' && error.kind !== 'internal';
        if (!lost) throw error;
      }
      await backoff(attempt);
    }
  }
}

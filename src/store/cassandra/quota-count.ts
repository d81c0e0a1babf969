/**
 * Counts a bucket while others write. Its keys are taken page by page: on the page that is being counted nobody begins a change, and
 * those that were begun are waited for; so what the listings say of it then is what there is. Changes of keys before the page are
 * added to what was found, keys behind it are still to come. A writer that waits too long breaks the page up, and it is counted
 * once more.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { StoreError } from '../errors.js';
import { compareKeys } from '../key-order.js';
import type { QuotaAmount, QuotaCheck } from '../quota-types.js';
import { amountOfVersion, beginCount, endCount, plus, ZERO } from '../shared/quota.js';
import type { BucketTally, Count } from '../shared/quota.js';
import type { BucketRef } from '../types.js';
import type { LedgerDraft } from './quota-draft.js';
import { freshly } from './quota-ledger.js';
import type { Ledger } from './quota-ledger.js';
import type { QuotaRegion } from './quota-region.js';
import type { QuotaSettler } from './quota-settler.js';

export interface CountRequest {
  readonly ledger: Pick<Ledger, 'run'>;
  readonly region: Pick<QuotaRegion, 'scanVersions'>;
  readonly settler: Pick<QuotaSettler, 'settle' | 'underWay'>;
  readonly tenant: string;
  readonly bucket: BucketRef;
  /** The counter says afterwards what was counted. */
  readonly adopt: boolean;
  readonly signal?: AbortSignal | undefined;
  /** Versions of a page. */
  readonly pageSize: number;
}

const LEAST_PAGE = 8;
const POLL_MS = 20;
/** Versions of one read. */
const ROWS = 1_000;

/** null: there is no counter. @throws StoreError contention: somebody else counts the bucket */
export async function countBucket(request: CountRequest): Promise<QuotaCheck | null> {
  const walk = new Walk(request);
  if (!(await walk.begin())) return null;
  let size = request.pageSize;
  for (;;) {
    request.signal?.throwIfAborted();
    const result = await walk.page(size);
    if (result === 'broken') size = Math.max(LEAST_PAGE, size >> 1);
    else if (result !== 'more') return result;
  }
}

class Walk {
  readonly #request: CountRequest;
  readonly #id = randomUUID();
  #after = '';

  constructor(request: CountRequest) {
    this.#request = request;
  }

  async begin(): Promise<boolean> {
    return this.#change((draft, row) => {
      if (row.count?.id !== this.#id) draft.setBucket(this.#request.bucket.instance, beginCount(row, this.#id));
      return true;
    }).then((begun) => begun ?? false);
  }

  async page(size: number): Promise<QuotaCheck | 'more' | 'broken' | null> {
    const { bucket, region } = this.#request;
    const scan = { from: this.#after, inclusive: false, end: null, limit: size, fromSeqBelow: null };
    const rows = await region.scanVersions(bucket, scan);
    const page = { id: randomUUID(), to: rows.length < size ? null : (rows.at(-1)?.key ?? null) };
    const opened = await this.#change((draft, row) => {
      const count = this.#own(row);
      if (count.page?.id !== page.id) draft.setBucket(bucket.instance, { ...row, count: { ...count, page } });
      return true;
    });
    if (opened === null) return null;
    if (!(await this.#quiet(page.to))) return 'broken';
    const found = await this.#sum(page.to);
    return this.#close(page, found);
  }

  /** @returns false: it takes long, writers may have broken the page up */
  async #quiet(to: string | null): Promise<boolean> {
    const { settler, tenant, bucket, signal } = this.#request;
    const untilMs = performance.now() + 10_000;
    while ((await settler.underWay(tenant, bucket.instance, (key) => this.#isOn(key, to))) > 0) {
      signal?.throwIfAborted();
      if (performance.now() > untilMs) {
        await settler.settle(tenant);
        return false;
      }
      await sleep(POLL_MS);
    }
    return true;
  }

  #isOn(key: string, to: string | null): boolean {
    return compareKeys(key, this.#after) > 0 && (to === null || compareKeys(key, to) <= 0);
  }

  async #sum(to: string | null): Promise<QuotaAmount> {
    const { region, bucket, signal } = this.#request;
    let found = ZERO;
    for (let from = this.#after, below: number | null = null; ;) {
      signal?.throwIfAborted();
      const scan = { from, inclusive: false, end: null, limit: ROWS, fromSeqBelow: below };
      const rows = await region.scanVersions(bucket, scan);
      for (const entry of rows) if (this.#isOn(entry.key, to)) found = plus(found, amountOfVersion(entry));
      const last = rows.at(-1);
      if (last === undefined || rows.length < ROWS || !this.#isOn(last.key, to)) return found;
      [from, below] = [last.key, last.seq];
    }
  }

  async #close(page: NonNullable<Count['page']>, found: QuotaAmount): Promise<QuotaCheck | 'more' | 'broken' | null> {
    const { bucket, adopt } = this.#request;
    /** Of the attempt that was written. */
    let check: QuotaCheck | null = null;
    const result = await this.#change((draft, row): 'more' | 'broken' | 'end' => {
      if (row.lastCount === this.#id) return 'end';
      const count = this.#own(row);
      if (count.lastPage === page.id) return 'more';
      if (count.page?.id !== page.id) return 'broken';
      const next: Count = { ...count, found: plus(count.found, found), page: null, lastPage: page.id };
      if (page.to !== null) {
        draft.setBucket(bucket.instance, { ...row, count: { ...next, after: page.to } });
        return 'more';
      }
      check = { counter: row.counted ? row.used : null, counted: next.found, repaired: adopt };
      draft.setBucket(bucket.instance, endCount(row, next, adopt));
      return 'end';
    });
    if (result === 'more' && page.to !== null) this.#after = page.to;
    return result === 'end' ? check : result;
  }

  #own({ count, name }: BucketTally): Count {
    if (count?.id === this.#id) return count;
    throw new StoreError('contention', 'notApplied', `bucket ${name} is being counted by others`);
  }

  /** null: there is no counter any more */
  #change<T>(change: (draft: LedgerDraft, row: BucketTally) => T): Promise<T | null> {
    const { ledger, bucket } = this.#request;
    const run = (draft: LedgerDraft): T | null => {
      const row = draft.bucket(bucket.instance);
      return row === null ? null : change(draft, row);
    };
    return ledger.run(freshly([bucket.instance], run));
  }
}

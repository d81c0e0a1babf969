/** One sweep of one bucket by its lifecycle rules: versions first, then uploads, holding the bucket's lease all the while. */
import type { Logger } from 'pino';
import { abortUpload } from '../s3/abort-upload.js';
import { lifecycleEventsOf } from '../s3/events.js';
import type { LifecycleAction } from '../s3/lifecycle-action.js';
import type { Clock, LifecycleConfiguration } from '../s3/lifecycle.js';
import { lifecycleOf, uploadAbortOf } from '../s3/lifecycle.js';
import { StoreError } from '../store/errors.js';
import type { BucketRecord, KeyState, Region, UploadRecord } from '../store/types.js';
import type { Judgement, Step } from './lifecycle-decisions.js';
import { expiryChange, stepFor, stillDue } from './lifecycle-decisions.js';
import type { Held, LifecycleLease, Progress } from './lifecycle-lease.js';
import type { Task } from './lifecycle-walk.js';
import { byKey, walkVersions } from './lifecycle-walk.js';
import { moveVersion } from './move-version.js';

const PAGE = 500;
/** Keys worked on at once. */
const PARALLEL = 8;

export interface SweepOptions {
  readonly region: Region;
  readonly lease: LifecycleLease;
  /** how long the lease holds */
  readonly leaseMs: number;
  /** how long an intent holds */
  readonly intentLeaseMs: number;
  readonly dayMs: number;
  readonly now: () => number;
  readonly log: Logger;
  /** After each thing that was done; must not throw. */
  readonly onAction?: (action: LifecycleAction) => void;
  /** Fires to stop: the sweep notes how far it has come. */
  readonly signal: AbortSignal;
}

/** What a sweep did. */
export interface SweepCounts {
  listed: number;
  /** current versions that were removed or got a delete marker */
  expired: number;
  /** noncurrent versions removed */
  noncurrent: number;
  /** delete markers removed that nothing was left under */
  markers: number;
  /** versions brought into another storage class */
  moved: number;
  /** uploads aborted */
  aborted: number;
  failures: number;
}

export class BucketSweep {
  readonly counts: SweepCounts = {
    listed: 0,
    expired: 0,
    noncurrent: 0,
    markers: 0,
    moved: 0,
    aborted: 0,
    failures: 0,
  };
  readonly #options: SweepOptions;
  #bucket: BucketRecord;
  #progress: Progress;
  #renewedMs: number;
  /** Another gateway has the bucket, its rules are new, or it is gone. */
  #lost = false;

  constructor(options: SweepOptions, { bucket, progress }: Held) {
    this.#options = options;
    this.#bucket = bucket;
    this.#progress = progress;
    this.#renewedMs = options.now();
  }

  /** Goes on from where the last sweep stopped. @throws StoreError when the bucket cannot be listed */
  async run(): Promise<'done' | 'stopped'> {
    try {
      if (this.#progress.phase === 'versions') {
        await this.#versions();
        if (this.#goesOn()) this.#progress = { phase: 'uploads', afterKey: '' };
      }
      if (this.#goesOn()) await this.#uploads();
    } finally {
      if (!this.#lost) await this.#options.lease.release(this.#bucket, this.#goesOn() ? null : this.#progress);
    }
    return this.#goesOn() ? 'done' : 'stopped';
  }

  #goesOn(): boolean {
    return !this.#lost && !this.#options.signal.aborted;
  }

  get #rules(): LifecycleConfiguration {
    return lifecycleOf(this.#bucket) ?? { rules: [], transitionMinimum: 'all_storage_classes_128K' };
  }

  get #clock(): Clock {
    return { nowMs: this.#options.now(), dayMs: this.#options.dayMs };
  }

  #judgement(key: string): Judgement {
    return { bucket: this.#bucket, configuration: this.#rules, clock: this.#clock, key };
  }

  async #versions(): Promise<void> {
    const pages = walkVersions({
      metadata: this.#options.region.metadata,
      bucket: this.#bucket,
      afterKey: this.#progress.afterKey,
      pageSize: PAGE,
      judgement: () => ({ configuration: this.#rules, clock: this.#clock }),
    });
    for await (const { tasks, doneKey, listed } of pages) {
      this.counts.listed += listed;
      await this.#inParallel(byKey(tasks), async (group) => {
        for (const task of group) if (this.#goesOn()) await this.#guarded(task.entry.key, () => this.#perform(task));
      });
      if (!this.#goesOn()) return;
      await this.#keep({ phase: 'versions', afterKey: doneKey });
      if (!this.#goesOn()) return;
    }
  }

  async #perform({ entry, step }: Task): Promise<void> {
    if (step.kind === 'move') return this.#move(entry.key, entry.versionId, entry.seq, step);
    const { key, versionId, seq } = entry;
    const judgement = this.#judgement(key);
    const { changed, before, version } = await this.#options.region.metadata.commit({
      bucket: this.#bucket,
      key,
      select: { versionId },
      ...lifecycleEventsOf({ bucket: this.#bucket, key, cause: 'LifecycleExpiration' }),
      decide: (state) => expiryChange(judgement, state, seq, step),
    });
    if (!changed) return this.#moveInstead(judgement, before, seq, step);
    const kind = version?.deleteMarker === true ? 'create-delete-marker' : 'expire';
    this.#tell({
      key,
      versionId: version?.versionId ?? versionId,
      kind,
      sizeBytes: before.selected?.sizeBytes ?? null,
    });
    if (step.kind === 'removeMarker') this.counts.markers += 1;
    else if (step.standing === null) this.counts.expired += 1;
    else this.counts.noncurrent += 1;
  }

  /** Only the commit saw the tags: a version that does not expire may still be due for a move. */
  async #moveInstead(judgement: Judgement, { selected }: KeyState, seq: number, step: Step): Promise<void> {
    if (selected?.seq !== seq || step.kind !== 'expire') return;
    const next = stepFor(judgement, { ...selected, key: judgement.key }, { standing: step.standing, alone: false });
    if (next?.kind === 'move') await this.#move(judgement.key, selected.versionId, seq, next);
  }

  async #move(key: string, versionId: string, seq: number, listed: Step & { readonly kind: 'move' }): Promise<void> {
    const { region, intentLeaseMs, signal } = this.#options;
    const judgement = this.#judgement(key);
    const version = await region.metadata.getVersion(this.#bucket, key, { versionId }, { withInline: false });
    if (version?.seq !== seq) return;
    const step = stepFor(judgement, { ...version, key }, { standing: listed.standing, alone: false });
    if (step?.kind !== 'move') return;
    const moved = await moveVersion({
      region,
      bucket: this.#bucket,
      key,
      version,
      storageClass: step.storageClass,
      ...lifecycleEventsOf({ bucket: this.#bucket, key, cause: 'LifecycleTransition' }),
      leaseMs: intentLeaseMs,
      signal,
      decide: (state) => stillDue(judgement, state, seq, step),
    });
    if (!moved) return;
    this.counts.moved += 1;
    const { sizeBytes } = version;
    this.#tell({ key, versionId, kind: 'transition', storageClass: step.storageClass, sizeBytes });
  }

  #tell(action: Omit<LifecycleAction, 'bucket' | 'storageClass'> & { readonly storageClass?: string }): void {
    const bucket = this.#bucket;
    const versionId = bucket.versioning === 'unversioned' ? null : action.versionId;
    this.#options.onAction?.({ storageClass: null, ...action, bucket, versionId });
  }

  async #uploads(): Promise<void> {
    const { metadata } = this.#options.region;
    if (!this.#rules.rules.some(({ enabled, abortUploadDays }) => enabled && abortUploadDays !== null)) return;
    let from = this.#progress.afterKey;
    let fromUploadIdAfter: string | null = null;
    for (;;) {
      const page: readonly UploadRecord[] = await metadata.scanUploads(this.#bucket, {
        from,
        inclusive: false,
        end: null,
        fromUploadIdAfter,
        limit: PAGE,
      });
      await this.#inParallel(page, async (upload) => {
        if (this.#goesOn()) await this.#guarded(upload.key, () => this.#abortIfDue(upload));
      });
      const last = page.at(-1);
      if (last === undefined || page.length < PAGE || !this.#goesOn()) return;
      // A key may have more uploads than a page: a later sweep begins with the key before.
      const doneKey = page.findLast(({ key }) => key !== last.key)?.key ?? from;
      await this.#keep({ phase: 'uploads', afterKey: doneKey });
      if (!this.#goesOn()) return;
      from = last.key;
      fromUploadIdAfter = last.uploadId;
    }
  }

  async #abortIfDue(upload: UploadRecord): Promise<void> {
    const { nowMs, dayMs } = this.#clock;
    const due = uploadAbortOf(this.#rules, upload, dayMs);
    if (due === null || due.atMs > nowMs) return;
    const ref = { bucket: this.#bucket, key: upload.key, uploadId: upload.uploadId };
    if ((await abortUpload(this.#options.region.metadata, ref)) !== 'aborted') return;
    this.counts.aborted += 1;
    this.#tell({ key: upload.key, versionId: null, kind: 'abort-upload', sizeBytes: null });
  }

  /** What fails for one key does not keep the others from their turn; the next sweep comes back to it. */
  async #guarded(key: string, task: () => Promise<void>): Promise<void> {
    try {
      await task();
    } catch (error) {
      if (error instanceof StoreError && error.kind === 'bucketGone') {
        this.#lost = true;
        return;
      }
      if (this.#options.signal.aborted) return;
      this.counts.failures += 1;
      this.#options.log.warn({ err: error, bucket: this.#bucket.name, key }, 'a lifecycle rule could not be applied');
    }
  }

  /** Renews the lease when a third of it has passed; with it come the rules of now. */
  async #keep(progress: Progress): Promise<void> {
    this.#progress = progress;
    const { now, leaseMs, lease } = this.#options;
    if (now() - this.#renewedMs < leaseMs / 3) return;
    const bucket = await lease.renew(this.#bucket, progress);
    if (bucket === null) this.#lost = true;
    else this.#bucket = bucket;
    this.#renewedMs = now();
  }

  async #inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
    const left = items[Symbol.iterator]();
    const worker = async (): Promise<void> => {
      for (let next = left.next(); next.done !== true; next = left.next()) await run(next.value);
    };
    await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
  }
}

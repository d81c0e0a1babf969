/** All uploads of this page, a few files at a time. Lives beside the pages: going to another one stops nothing. */
import type { Client } from '../api/client.js';
import { UploadItem } from './item.js';
import { Slots } from './slots.js';

/** Requests at a time; each holds at most one part in memory. */
const REQUESTS = 4;
const FILES = 3;

export interface Source {
  readonly file: File;
  /** path below the folder that it is dropped on */
  readonly path: string;
}

export interface Totals {
  readonly files: number;
  readonly done: number;
  readonly failed: number;
  readonly active: number;
  readonly sizeBytes: number;
  readonly sentBytes: number;
  readonly bytesPerSecond: number;
}

export class UploadQueue {
  #items: UploadItem[] = [];
  readonly #slots = new Slots(REQUESTS);
  readonly #listeners = new Set<() => void>();
  readonly #client: () => Client | null;
  #running = 0;
  #completed = 0;
  #announced = false;
  /** [when, how much was sent by then] of the last seconds */
  #samples: (readonly [ms: number, bytes: number])[] = [];

  /** client: of whoever is logged in */
  constructor(client: () => Client | null) {
    this.#client = client;
  }

  get items(): readonly UploadItem[] {
    return this.#items;
  }

  /** How many files have been uploaded since the page was opened. */
  get completed(): number {
    return this.#completed;
  }

  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  add(target: { readonly bucket: string; readonly prefix: string }, sources: readonly Source[]): void {
    const options = { slots: this.#slots, changed: () => this.#announce() };
    for (const { file, path } of sources)
      this.#items.push(new UploadItem({ bucket: target.bucket, key: target.prefix + path, file }, options));
    this.#announce();
    this.#pump();
  }

  retry(item: UploadItem): void {
    item.reset();
    this.#pump();
  }

  retryAll(): void {
    for (const item of this.#items) if (item.state === 'failed') item.reset();
    this.#pump();
  }

  cancel(item: UploadItem): void {
    const client = this.#client();
    if (client !== null && !item.finished) item.cancel(client);
  }

  /** Of one that has failed: what it has left at the server goes too. */
  giveUp(item: UploadItem): void {
    const client = this.#client();
    if (client !== null && item.state === 'failed') item.cancel(client);
  }

  cancelAll(): void {
    for (const item of this.#items) this.cancel(item);
  }

  clearFinished(): void {
    this.#items = this.#items.filter(({ finished }) => !finished);
    this.#announce();
  }

  totals(): Totals {
    const counted = this.#items.filter(({ state }) => state !== 'cancelled');
    const count = (state: string): number => counted.filter((item) => item.state === state).length;
    const sentBytes = counted.reduce((sum, item) => sum + item.sentBytes, 0);
    return {
      files: counted.length,
      done: count('done'),
      failed: count('failed'),
      active: count('running') + count('waiting'),
      sizeBytes: counted.reduce((sum, { file }) => sum + file.size, 0),
      sentBytes,
      bytesPerSecond: this.#rate(sentBytes),
    };
  }

  #rate(sentBytes: number): number {
    const nowMs = performance.now();
    this.#samples.push([nowMs, sentBytes]);
    this.#samples = this.#samples.filter(([ms]) => nowMs - ms < 5_000);
    const [first] = this.#samples;
    if (first === undefined || nowMs - first[0] < 500) return 0;
    return Math.max(0, ((sentBytes - first[1]) * 1000) / (nowMs - first[0]));
  }

  #pump(): void {
    const client = this.#client();
    if (client === null) return;
    while (this.#running < FILES) {
      const next = this.#items.find(({ state }) => state === 'waiting');
      if (next === undefined) return;
      this.#running++;
      void next.run(client).then(() => {
        this.#running--;
        if (next.state === 'done') this.#completed++;
        this.#announce();
        this.#pump();
      });
    }
  }

  /** At most once per frame: progress comes far more often than anybody can see. */
  #announce(): void {
    if (this.#announced) return;
    this.#announced = true;
    setTimeout(() => {
      this.#announced = false;
      for (const listener of this.#listeners) listener();
    }, 100);
  }
}

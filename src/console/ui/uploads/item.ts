/** One file on its way: sent in one request, or in parts of which a second attempt sends only those that are missing. */
import type { Client } from '../api/client.js';
import { pause } from '../api/client.js';
import type { Upload } from '../api/multipart.js';
import { abortUpload, completeUpload, createUpload, putPart } from '../api/multipart.js';
import type { PartPlan } from '../api/multipart-plan.js';
import { MULTIPART_BYTES, planParts } from '../api/multipart-plan.js';
import { ApiError, isAbort } from '../lib/errors.js';
import type { Slots } from './slots.js';

export type UploadState = 'waiting' | 'running' | 'done' | 'failed' | 'cancelled';

/** What a part or file is tried before the upload counts as failed. */
const ATTEMPTS = 4;
const RETRY_MS = 500;
const MAX_RETRY_MS = 8_000;

export class UploadItem {
  readonly bucket: string;
  readonly key: string;
  readonly file: File;
  state: UploadState = 'waiting';
  error: unknown = null;
  readonly #slots: Slots;
  readonly #changed: () => void;
  readonly #plan: PartPlan;
  #aborter = new AbortController();
  #upload: Upload | null = null;
  readonly #etags = new Map<number, string>();
  /** of what is under way, by part */
  readonly #sending = new Map<number, number>();

  constructor(
    target: { readonly bucket: string; readonly key: string; readonly file: File },
    { slots, changed }: { readonly slots: Slots; readonly changed: () => void },
  ) {
    this.bucket = target.bucket;
    this.key = target.key;
    this.file = target.file;
    this.#slots = slots;
    this.#changed = changed;
    this.#plan = planParts(target.file.size);
  }

  get sentBytes(): number {
    if (this.state === 'done') return this.file.size;
    let bytes = 0;
    for (const number of this.#etags.keys()) bytes += this.#blob(number).size;
    for (const sent of this.#sending.values()) bytes += sent;
    return Math.min(bytes, this.file.size);
  }

  get finished(): boolean {
    return this.state === 'done' || this.state === 'failed' || this.state === 'cancelled';
  }

  /** Never rejects: how it ends is in `state`. */
  async run(client: Client): Promise<void> {
    this.#aborter = new AbortController();
    this.#become('running');
    try {
      await (this.file.size > MULTIPART_BYTES ? this.#inParts(client) : this.#whole(client));
      this.#become('done');
    } catch (error) {
      // One part's failure stops the others.
      this.#aborter.abort();
      this.#sending.clear();
      if (this.state === 'cancelled') await this.#forget(client);
      else this.#become('failed', isAbort(error) ? null : error);
    }
  }

  cancel(client: Client): void {
    const idle = this.state !== 'running';
    this.#become('cancelled');
    this.#aborter.abort();
    if (idle) void this.#forget(client);
  }

  /** Back into the queue. */
  reset(): void {
    this.#become('waiting');
  }

  async #whole(client: Client): Promise<void> {
    const { bucket, key, file } = this;
    const headers = { 'content-type': contentTypeOf(file) };
    const signal = this.#aborter.signal;
    await this.#attempt(1, (onProgress) =>
      client.upload({ bucket, key, body: file, keepChecksum: true, headers, onProgress, signal }),
    );
  }

  async #inParts(client: Client): Promise<void> {
    const { bucket, key, file } = this;
    const upload = (this.#upload ??= await createUpload(client, { bucket, key, contentType: contentTypeOf(file) }));
    const numbers = Array.from({ length: this.#plan.parts }, (_, i) => i + 1).filter((one) => !this.#etags.has(one));
    const signal = this.#aborter.signal;
    const work = async (): Promise<void> => {
      for (let number = numbers.shift(); number !== undefined; number = numbers.shift()) {
        const part = number;
        const etag = await this.#attempt(part, (onProgress) =>
          putPart(client, upload, { number: part, body: this.#blob(part), onProgress, signal }),
        );
        this.#etags.set(part, etag);
        this.#sending.delete(part);
        this.#changed();
      }
    };
    await Promise.all(Array.from({ length: this.#slots.size }, () => work()));
    await completeUpload(client, upload, this.#etags);
  }

  /** In a slot; again, and again later, while that may help. */
  async #attempt<T>(number: number, send: (onProgress: (sentBytes: number) => void) => Promise<T>): Promise<T> {
    const { signal } = this.#aborter;
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#slots.run(signal, () =>
          send((sentBytes) => {
            this.#sending.set(number, sentBytes);
            this.#changed();
          }),
        );
      } catch (error) {
        this.#sending.delete(number);
        if (!(error instanceof ApiError && error.temporary) || attempt === ATTEMPTS) throw error;
        await pause(Math.min(RETRY_MS * 2 ** attempt, MAX_RETRY_MS), signal);
      }
    }
  }

  /** What is at the server of an upload that nobody wants any more. */
  async #forget(client: Client): Promise<void> {
    const upload = this.#upload;
    this.#upload = null;
    this.#etags.clear();
    // If this fails too, the bucket's lifecycle or its owner ends the upload.
    if (upload !== null) await abortUpload(client, upload).catch(() => undefined);
  }

  #blob(number: number): Blob {
    const { partBytes } = this.#plan;
    return this.file.slice((number - 1) * partBytes, number * partBytes);
  }

  #become(state: UploadState, error: unknown = null): void {
    this.state = state;
    this.error = error;
    this.#changed();
  }
}

function contentTypeOf(file: File): string {
  return file.type === '' ? 'application/octet-stream' : file.type;
}

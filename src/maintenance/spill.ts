/**
 * Records on local disk, in parts by the hash of what they are about, so that two heaps of records of any size are compared part by
 * part with bounded memory. Appended to only; a part can be cut back to a size that it had, which is how an interrupted run goes on.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

export const PARTS = 64;
/** A record: hash (4 bytes), length of id (2), length of payload (4), id, payload. */
const HEADER_BYTES = 10;
/** A part's records are written when so many bytes have gathered. */
const FLUSH_BYTES = 32 * 1024;

export interface SpillRecord {
  /** first 4 bytes: which part, and which part of a part */
  readonly hash: Buffer;
  readonly id: Buffer;
  readonly payload: Buffer;
}

/** about: records about the same thing lie in the same part. */
export function hashOf(about: string | Buffer): Buffer {
  return createHash('sha1').update(about).digest().subarray(0, 4);
}

export class Spill {
  readonly #dir: string;
  /** Which byte of the hash tells the part. */
  readonly depth: number;
  readonly #waiting: Buffer[][] = Array.from({ length: PARTS }, () => []);
  readonly #waitingBytes: number[] = new Array<number>(PARTS).fill(0);
  readonly #sizes: number[];
  #handles: Promise<FileHandle[]> | null = null;

  /** sizes: how much of each part counts; what is behind is left from a run that was cut off. */
  constructor(dir: string, options: { readonly depth?: number; readonly sizes?: readonly number[] | undefined } = {}) {
    this.#dir = dir;
    this.depth = options.depth ?? 0;
    this.#sizes = Array.from({ length: PARTS }, (_, i) => options.sizes?.[i] ?? 0);
  }

  get sizes(): readonly number[] {
    return this.#sizes;
  }

  /** Cheap; relieve() writes. */
  add({ hash, id, payload }: SpillRecord): void {
    const header = Buffer.allocUnsafe(HEADER_BYTES);
    hash.copy(header, 0, 0, 4);
    header.writeUInt16BE(id.length, 4);
    header.writeUInt32BE(payload.length, 6);
    const part = (hash[this.depth] ?? 0) % PARTS;
    this.#waiting[part]?.push(header, id, payload);
    this.#waitingBytes[part] = (this.#waitingBytes[part] ?? 0) + HEADER_BYTES + id.length + payload.length;
  }

  /** Writes what has gathered; all: also where it is little. */
  async relieve(options: { readonly all: boolean } = { all: false }): Promise<void> {
    for (let part = 0; part < PARTS; part++) {
      const bytes = this.#waitingBytes[part] ?? 0;
      if (bytes === 0 || (!options.all && bytes < FLUSH_BYTES)) continue;
      const handle = (await this.#open())[part];
      const waiting = Buffer.concat(this.#waiting[part] ?? []);
      this.#waiting[part] = [];
      this.#waitingBytes[part] = 0;
      const size = this.#sizes[part] ?? 0;
      await handle?.write(waiting, 0, waiting.length, size);
      this.#sizes[part] = size + waiting.length;
    }
  }

  /** What was added is on disk. */
  async sync(): Promise<void> {
    await this.relieve({ all: true });
    if (this.#handles !== null) await Promise.all((await this.#handles).map((handle) => handle.datasync()));
  }

  async #open(): Promise<FileHandle[]> {
    this.#handles ??= (async () => {
      await mkdir(this.#dir, { recursive: true, mode: 0o700 });
      return Promise.all(
        Array.from({ length: PARTS }, async (_, part) => {
          const handle = await open(this.#file(part), 'a+', 0o600).then(async (created) => {
            // 'a+' made sure that it is there; appending would ignore positions.
            await created.close();
            return open(this.#file(part), 'r+');
          });
          await handle.truncate(this.#sizes[part] ?? 0);
          return handle;
        }),
      );
    })();
    return this.#handles;
  }

  #file(part: number): string {
    return join(this.#dir, String(part));
  }

  /** What has been relieved of a part, in order. */
  async *read(part: number): AsyncGenerator<SpillRecord> {
    await this.relieve({ all: true });
    const size = this.#sizes[part] ?? 0;
    if (size === 0) return;
    let rest: Buffer = Buffer.alloc(0);
    for await (const piece of createReadStream(this.#file(part), { end: size - 1, highWaterMark: 1 << 20 })) {
      rest = rest.length === 0 ? (piece as Buffer) : Buffer.concat([rest, piece as Buffer]);
      let at = 0;
      for (;;) {
        if (rest.length - at < HEADER_BYTES) break;
        const idEnd = at + HEADER_BYTES + rest.readUInt16BE(at + 4);
        const end = idEnd + rest.readUInt32BE(at + 6);
        if (rest.length < end) break;
        const id = rest.subarray(at + HEADER_BYTES, idEnd);
        yield { hash: rest.subarray(at, at + 4), id, payload: rest.subarray(idEnd, end) };
        at = end;
      }
      rest = rest.subarray(at);
    }
    if (rest.length > 0) throw new Error(`the file ${this.#file(part)} is cut off or damaged: start anew`);
  }

  async close(): Promise<void> {
    if (this.#handles === null) return;
    const handles = await this.#handles;
    this.#handles = null;
    await Promise.all(handles.map((handle) => handle.close()));
  }

  async remove(): Promise<void> {
    await this.close();
    await rm(this.#dir, { recursive: true, force: true });
  }

  get dir(): string {
    return this.#dir;
  }

  /** Whether what counts is there. */
  async isWhole(): Promise<boolean> {
    for (const [part, size] of this.#sizes.entries()) {
      if (size === 0) continue;
      const found = await stat(this.#file(part)).catch(() => null);
      if (found === null || found.size < size) return false;
    }
    return true;
  }
}

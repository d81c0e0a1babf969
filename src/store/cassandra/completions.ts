/**
 * Keeps a multipart upload from being completed twice, although upload and key change by statements of their own.
 *
 * Whoever takes the place of a version that came from an upload, or removes it while it is the key's newest, finishes the upload first.
 * So an upload that is still there, and whose version is not the key's newest, never was completed; and a completion looks at its
 * upload between reading the key and the write that is made for what it read. If the upload was finished before that look, nothing
 * is written; if later, the key has changed, and the write does not pass.
 */
import { types } from 'cassandra-driver';
import { StoreError, asNotApplied } from '../errors.js';
import { decodeFinished, encodeFinished } from '../shared/finished-upload.js';
import type { AppliedChange } from '../shared/key-change.js';
import { blobsOf } from '../shared/key-change.js';
import type { BucketRef, ObjectVersion, UploadRef } from '../types.js';
import type { Session } from './cluster.js';
import type { Head } from './head-table.js';
import { textOf } from './rows.js';
import type { Uploads } from './uploads.js';

export interface CompletionsParts {
  readonly session: Session;
  readonly uploads: Pick<Uploads, 'get' | 'remove'>;
}

export class Completions {
  readonly #session: Session;
  readonly #uploads: CompletionsParts['uploads'];
  readonly #table: string;

  constructor({ session, uploads }: CompletionsParts) {
    this.#session = session;
    this.#uploads = uploads;
    this.#table = `${session.keyspace}.upload_finished`;
  }

  /**
   * To be asked after the key was read, by a commit that completes the upload.
   * @throws StoreError uploadGone
   */
  async check(ref: UploadRef): Promise<void> {
    const upload = await this.#uploads.get(ref);
    if (upload?.state === 'completing') return;
    const state = upload?.state ?? 'gone';
    throw new StoreError('uploadGone', 'notApplied', `the upload ${ref.uploadId} cannot be completed: it is ${state}`);
  }

  /**
   * Before the change is written.
   * @throws StoreError notApplied
   */
  async settle(bucket: BucketRef, key: string, head: Head, applied: AppliedChange): Promise<void> {
    const { latest } = head.state;
    if (latest === null || latest.uploadId === null || applied.newLatest?.seq === latest.seq) return;
    try {
      await this.finish({ bucket, key, uploadId: latest.uploadId }, latest);
    } catch (error) {
      throw asNotApplied(error);
    }
  }

  /** The upload has become that version: it is remembered so, and goes with the parts that the version does not use. Repeatable. */
  async finish(ref: UploadRef, version: ObjectVersion): Promise<void> {
    if ((await this.#uploads.get(ref)) === null) return;
    const query = `INSERT INTO ${this.#table} (bucket, key, upload_id, version) VALUES (?, ?, ?, ?)`;
    await this.#session.write(query, [...at(ref), encodeFinished(version)]);
    await this.#uploads.remove(ref, new Set(blobsOf(version.data).map(({ inode }) => inode)));
  }

  /** The version that the upload became, without data and parts; null: it has not been finished, or not lately. */
  async finished(ref: UploadRef): Promise<ObjectVersion | null> {
    const query = `SELECT version FROM ${this.#table} WHERE bucket = ? AND key = ? AND upload_id = ?`;
    const [row] = await this.#session.read(query, at(ref));
    const document = row === undefined ? null : textOf(row, 'version');
    return document === null ? null : decodeFinished(document);
  }
}

function at({ bucket, key, uploadId }: UploadRef): unknown[] {
  return [types.Uuid.fromString(bucket.instance), key, uploadId];
}

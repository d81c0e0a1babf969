/** upload_head and upload_index: rows of multipart uploads and the conditional statements on them. */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import { decodePart, decodeUpload, encodePart, encodeUpload } from '../shared/codec.js';
import type { BlobName } from '../shared/key-change.js';
import type { PartRecord, UploadRecord, UploadRef } from '../types.js';
import type { CasResult, Session } from './cluster.js';
import { numberOf, required, textOf, uuidOf } from './rows.js';
import type { Row } from './rows.js';

type UploadState = UploadRecord['state'];

export interface UploadRow {
  readonly record: UploadRecord;
  readonly clock: number;
  /** names the change that made it so */
  readonly changeId: string;
}

/** What a part's write is conditional on. */
export interface PartBase {
  readonly fence: number;
  /** blob of the part that is replaced, null: there is none */
  readonly replaces: BlobName | null;
}

/** The first guess: never fenced, first part of its number. */
export const NEW_PART: PartBase = { fence: 0, replaces: null };

const uuid = (text: string) => types.Uuid.fromString(text);

export class UploadTable {
  readonly #session: Session;
  readonly #head: string;
  readonly #index: string;

  constructor(session: Session) {
    this.#session = session;
    this.#head = `${session.keyspace}.upload_head`;
    this.#index = `${session.keyspace}.upload_index`;
  }

  #at({ bucket, key, uploadId }: UploadRef): unknown[] {
    return [uuid(bucket.instance), key, uploadId];
  }

  async read(ref: UploadRef, options: { readonly serial: boolean }): Promise<UploadRow | null> {
    const query = `SELECT state, record, clock, change_id FROM ${this.#head} WHERE bucket = ? AND key = ? AND upload_id = ? LIMIT 1`;
    const rows = options.serial
      ? await this.#session.readSerial(query, this.#at(ref))
      : await this.#session.read(query, this.#at(ref));
    const record = rows[0] === undefined ? null : textOf(rows[0], 'record');
    if (rows[0] === undefined || record === null) return null;
    return {
      record: decodeUpload(record, stateOf(rows[0])),
      clock: required(numberOf(rows[0], 'clock'), 'clock'),
      changeId: required(uuidOf(rows[0], 'change_id'), 'change_id'),
    };
  }

  async insert(ref: UploadRef, { record, clock, changeId }: UploadRow): Promise<CasResult> {
    const query =
      `INSERT INTO ${this.#head} (bucket, key, upload_id, state, record, clock, change_id, fence) ` +
      'VALUES (?, ?, ?, ?, ?, ?, ?, 0) IF NOT EXISTS';
    return this.#session.cas([
      { query, params: [...this.#at(ref), record.state, encodeUpload(record), clock, uuid(changeId)] },
    ]);
  }

  /** Writes state, clock and change of `to`, if the upload is still as `from`. */
  async setState(ref: UploadRef, from: UploadRow, to: UploadRow): Promise<CasResult> {
    const query =
      `UPDATE ${this.#head} SET state = ?, clock = ?, change_id = ? WHERE bucket = ? AND key = ? AND upload_id = ? ` +
      'IF change_id = ?';
    const written = [to.record.state, to.clock, uuid(to.changeId)];
    return this.#session.cas([{ query, params: [...written, ...this.#at(ref), uuid(from.changeId)] }]);
  }

  /** Removes the upload with all its parts. */
  async remove(ref: UploadRef, from: UploadRow): Promise<CasResult> {
    const at = this.#at(ref);
    const head =
      `DELETE state, record, clock, change_id, fence FROM ${this.#head} WHERE bucket = ? AND key = ? AND upload_id = ? ` +
      'IF change_id = ?';
    const parts = `DELETE FROM ${this.#head} WHERE bucket = ? AND key = ? AND upload_id = ? AND part_number >= 0`;
    return this.#session.cas([
      { query: head, params: [...at, uuid(from.changeId)] },
      { query: parts, params: at },
    ]);
  }

  /** Stops parts that are still under way with the fence as it was. */
  async moveFence(ref: UploadRef): Promise<void> {
    for (;;) {
      const query = `SELECT fence FROM ${this.#head} WHERE bucket = ? AND key = ? AND upload_id = ? LIMIT 1`;
      const [row] = await this.#session.readSerial(query, this.#at(ref));
      const fence = row === undefined ? null : numberOf(row, 'fence');
      if (fence === null) return;
      const update = `UPDATE ${this.#head} SET fence = ? WHERE bucket = ? AND key = ? AND upload_id = ? IF fence = ?`;
      const result = await this.#session.cas([{ query: update, params: [fence + 1, ...this.#at(ref), fence] }]);
      if (result.applied) return;
    }
  }

  /** What the part's write met instead of its base. */
  async putPart(
    ref: UploadRef,
    part: PartRecord,
    base: PartBase,
  ): Promise<{ readonly applied: boolean; readonly state: UploadState | null; readonly found: PartBase }> {
    const query =
      `UPDATE ${this.#head} SET part_inode = ?, doc = ? WHERE bucket = ? AND key = ? AND upload_id = ? ` +
      "AND part_number = ? IF state = 'open' AND fence = ? AND part_inode = ?";
    const expected = base.replaces === null ? null : encodeName(base.replaces);
    const written = [encodeName(part.blob), encodePart(part)];
    const result = await this.#session.cas([
      { query, params: [...written, ...this.#at(ref), part.partNumber, base.fence, expected] },
    ]);
    if (result.applied) return { applied: true, state: 'open', found: base };
    const { found } = result;
    const inode = found === null ? null : textOf(found, 'part_inode');
    return {
      applied: false,
      state: found === null || textOf(found, 'state') === null ? null : stateOf(found),
      found: {
        fence: found === null ? 0 : (numberOf(found, 'fence') ?? 0),
        replaces: inode === null ? null : decodeName(inode),
      },
    };
  }

  async parts(ref: UploadRef, afterPart: number, limit: number): Promise<PartRecord[]> {
    const query = `SELECT doc FROM ${this.#head} WHERE bucket = ? AND key = ? AND upload_id = ? AND part_number > ? LIMIT ?`;
    const rows = await this.#session.read(query, [...this.#at(ref), afterPart, limit]);
    return rows.map((row) => decodePart(required(textOf(row, 'doc'), 'doc')));
  }

  /** Blobs of all parts. */
  async blobs(ref: UploadRef): Promise<BlobName[]> {
    const query = `SELECT part_inode FROM ${this.#head} WHERE bucket = ? AND key = ? AND upload_id = ?`;
    const found: BlobName[] = [];
    for await (const page of this.#session.pages(query, this.#at(ref), 2000)) {
      for (const row of page) {
        const inode = textOf(row, 'part_inode');
        if (inode !== null) found.push(decodeName(inode));
      }
    }
    return found;
  }

  async list(ref: UploadRef, range: number, { record, clock }: Pick<UploadRow, 'record' | 'clock'>): Promise<void> {
    const query =
      `INSERT INTO ${this.#index} (bucket, range, key, upload_id, state, record) VALUES (?, ?, ?, ?, ?, ?) ` +
      'USING TIMESTAMP ?';
    const { bucket, key, uploadId } = ref;
    const row = [uuid(bucket.instance), range, key, uploadId, record.state, encodeUpload(record)];
    await this.#session.write(query, [...row, clock]);
  }

  async unlist(ref: UploadRef, range: number, clock: number): Promise<void> {
    const query = `DELETE FROM ${this.#index} USING TIMESTAMP ? WHERE bucket = ? AND range = ? AND key = ? AND upload_id = ?`;
    const { bucket, key, uploadId } = ref;
    await this.#session.write(query, [clock, uuid(bucket.instance), range, key, uploadId]);
  }

  /** Listed uploads of one key, whatever their state, with the clock of their listing. */
  async ofKey(ref: Omit<UploadRef, 'uploadId'>, range: number): Promise<{ uploadId: string; clock: number }[]> {
    const query =
      `SELECT upload_id, WRITETIME(record) AS written FROM ${this.#index} ` +
      'WHERE bucket = ? AND range = ? AND key = ?';
    const rows = await this.#session.read(query, [uuid(ref.bucket.instance), range, ref.key]);
    return rows.map((row) => ({
      uploadId: required(textOf(row, 'upload_id'), 'upload_id'),
      clock: numberOf(row, 'written') ?? 0,
    }));
  }

  /** Listed uploads from a place on, in order. */
  async scan(options: {
    readonly instance: string;
    readonly range: number;
    readonly from: { readonly key: string; readonly uploadId: string | null; readonly inclusive: boolean };
    readonly end: string | null;
    readonly limit: number;
  }): Promise<UploadRecord[]> {
    const { instance, range, from, end, limit } = options;
    const lower = from.uploadId === null ? `(key) ${from.inclusive ? '>=' : '>'} (?)` : '(key, upload_id) > (?, ?)';
    const query =
      `SELECT state, record FROM ${this.#index} WHERE bucket = ? AND range = ? AND ${lower}` +
      `${end === null ? '' : ' AND (key) < (?)'} LIMIT ?`;
    const lowest = from.uploadId === null ? [from.key] : [from.key, from.uploadId];
    const params = [uuid(instance), range, ...lowest, ...(end === null ? [] : [end]), limit];
    const rows = await this.#session.read(query, params);
    return rows.map((row) => decodeUpload(required(textOf(row, 'record'), 'record'), stateOf(row)));
  }
}

function stateOf(row: Row): UploadState {
  const state = textOf(row, 'state');
  if (state === 'open' || state === 'completing' || state === 'aborting') return state;
  throw new StoreError('corrupt', 'notApplied', `an upload has the unknown state ${state ?? 'null'}`);
}

function encodeName({ inode, storageClass }: BlobName): string {
  return JSON.stringify([inode, storageClass]);
}

function decodeName(text: string): BlobName {
  const [inode, storageClass] = JSON.parse(text) as [string, string];
  return { inode, storageClass };
}

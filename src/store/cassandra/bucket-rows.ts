/** Rows of bucket_record and tenant_bucket, and the statements on them. */
import { types } from 'cassandra-driver';
import { StoreError } from '../errors.js';
import type { BucketRecord, VersioningState } from '../types.js';
import type { CasResult, Session } from './cluster.js';
import { booleanOf, numberOf, required, textMapOf, textOf, uuidOf } from './rows.js';
import type { Row } from './rows.js';

/** A bucket's row: the record, and the token of the change that made it so. */
export interface BucketRow {
  readonly record: BucketRecord;
  readonly changeId: string;
}

/** A name that a tenant has, or had, or tried to take. */
export interface TenantRow {
  readonly name: string;
  readonly instance: string;
}

const COLUMNS =
  'name, instance, owner_id, owner_name, region, state, revision, versioning, object_lock, created_at, change_id, documents';

function decode(row: Row): BucketRow {
  const state = required(textOf(row, 'state'), 'state');
  const versioning = required(textOf(row, 'versioning'), 'versioning');
  if (state !== 'active' && state !== 'deleting') throw corrupt(`state ${state}`);
  if (!isVersioning(versioning)) throw corrupt(`versioning ${versioning}`);
  return {
    changeId: required(uuidOf(row, 'change_id'), 'change_id'),
    record: {
      name: required(textOf(row, 'name'), 'name'),
      instance: required(uuidOf(row, 'instance'), 'instance'),
      owner: {
        id: required(textOf(row, 'owner_id'), 'owner_id'),
        displayName: required(textOf(row, 'owner_name'), 'owner_name'),
      },
      region: required(textOf(row, 'region'), 'region'),
      state,
      revision: required(numberOf(row, 'revision'), 'revision'),
      versioning,
      objectLock: booleanOf(row, 'object_lock') ?? false,
      createdAt: required(numberOf(row, 'created_at'), 'created_at'),
      documents: textMapOf(row, 'documents'),
    },
  };
}

function isVersioning(text: string): text is VersioningState {
  return text === 'unversioned' || text === 'enabled' || text === 'suspended';
}

function corrupt(what: string): StoreError {
  return new StoreError('corrupt', 'notApplied', `a bucket row has an unknown ${what}`);
}

const uuid = (text: string) => types.Uuid.fromString(text);

export class BucketRows {
  readonly #session: Session;
  readonly #bucket: string;
  readonly #tenant: string;

  constructor(session: Session) {
    this.#session = session;
    this.#bucket = `${session.keyspace}.bucket_record`;
    this.#tenant = `${session.keyspace}.tenant_bucket`;
  }

  /** serial: finishes a change under way first. */
  async read(name: string, options: { readonly serial: boolean }): Promise<BucketRow | null> {
    const query = `SELECT ${COLUMNS} FROM ${this.#bucket} WHERE name = ?`;
    const rows = options.serial
      ? await this.#session.readSerial(query, [name])
      : await this.#session.read(query, [name]);
    return rows[0] === undefined ? null : decode(rows[0]);
  }

  /** Rows of names whose token is above that of the given one, in order of token; '': from the first. */
  async afterToken(name: string, limit: number): Promise<BucketRow[]> {
    const from = name === '' ? '' : ' WHERE token(name) > token(?)';
    const query = `SELECT ${COLUMNS} FROM ${this.#bucket}${from} LIMIT ?`;
    const rows = await this.#session.read(query, name === '' ? [limit] : [name, limit]);
    return rows.map(decode);
  }

  async insert({ record, changeId }: BucketRow): Promise<CasResult> {
    const marks = COLUMNS.replaceAll(/\w+/g, '?');
    const query = `INSERT INTO ${this.#bucket} (${COLUMNS}) VALUES (${marks}) IF NOT EXISTS`;
    const { owner, documents } = record;
    const params = [
      record.name,
      uuid(record.instance),
      owner.id,
      owner.displayName,
      record.region,
      record.state,
      record.revision,
      record.versioning,
      record.objectLock,
      record.createdAt,
      uuid(changeId),
      documents,
    ];
    return this.#session.cas([{ query, params }]);
  }

  /** Writes what may change of the record if the row is still at that revision of the same instance. */
  async replace(next: BucketRow, revision: number): Promise<CasResult> {
    const query =
      `UPDATE ${this.#bucket} SET state = ?, revision = ?, versioning = ?, object_lock = ?, change_id = ?, documents = ? ` +
      'WHERE name = ? IF instance = ? AND revision = ?';
    const { record, changeId } = next;
    const params = [
      record.state,
      record.revision,
      record.versioning,
      record.objectLock,
      uuid(changeId),
      record.documents,
      record.name,
      uuid(record.instance),
      revision,
    ];
    return this.#session.cas([{ query, params }]);
  }

  async remove(record: BucketRecord): Promise<CasResult> {
    const query = `DELETE FROM ${this.#bucket} WHERE name = ? IF instance = ? AND revision = ?`;
    return this.#session.cas([{ query, params: [record.name, uuid(record.instance), record.revision] }]);
  }

  async addToTenant(tenant: string, name: string, instance: string): Promise<void> {
    const query = `INSERT INTO ${this.#tenant} (tenant, name, instance) VALUES (?, ?, ?)`;
    await this.#session.write(query, [tenant, name, uuid(instance)]);
  }

  async removeFromTenant(tenant: string, name: string, instance: string): Promise<void> {
    const query = `DELETE FROM ${this.#tenant} WHERE tenant = ? AND name = ? AND instance = ?`;
    await this.#session.write(query, [tenant, name, uuid(instance)]);
  }

  /** How many names a tenant has, or is trying to take; goes no further than to `enough`. */
  async namesOf(tenant: string, enough: number): Promise<number> {
    const query = `SELECT name FROM ${this.#tenant} WHERE tenant = ? LIMIT ?`;
    return (await this.#session.read(query, [tenant, enough], { fetchSize: enough })).length;
  }

  /** In order: from a name (inclusive) or after a row, to end (exclusive). */
  async tenantNames(
    tenant: string,
    range: { readonly from: TenantRow | string; readonly end: string | null; readonly limit: number },
  ): Promise<TenantRow[]> {
    const { from, end, limit } = range;
    const lower = typeof from === 'string' ? '(name) >= (?)' : '(name, instance) > (?, ?)';
    const upper = end === null ? '' : ' AND (name) < (?)';
    const query = `SELECT name, instance FROM ${this.#tenant} WHERE tenant = ? AND ${lower}${upper} LIMIT ?`;
    const lowest = typeof from === 'string' ? [from] : [from.name, uuid(from.instance)];
    const rows = await this.#session.read(query, [tenant, ...lowest, ...(end === null ? [] : [end]), limit]);
    return rows.map((row) => ({
      name: required(textOf(row, 'name'), 'name'),
      instance: required(uuidOf(row, 'instance'), 'instance'),
    }));
  }
}

/**
 * The KMS inside the gateway: keys named in the configuration, and one of its own, aws/s3, derived from the master key. A key
 * has versions: the newest wraps, all of them unwrap, so that a rotation needs no rewriting.
 */
import type { KeyObject } from 'node:crypto';
import { createHash, createSecretKey, hkdfSync, randomBytes } from 'node:crypto';
import { StoreError } from '../store/errors.js';
import { KEY_BYTES } from './chunk-cipher.js';
import type { KmsContext, KmsDataKey, KmsKey, KmsProvider } from './kms.js';
import { KmsError } from './kms.js';
import { unwrapDataKey, wrapDataKey } from './sse.js';

/** Name of the key that requests get which name none, as on AWS. */
export const MANAGED_KEY_ID = 'aws/s3';
const MANAGED_KEY_ALIAS = `alias/${MANAGED_KEY_ID}`;

const VERSION_ID_DIGITS = 16;
const ARN = /^arn:aws[a-z-]*:kms:([^:]+):([^:]+):(key\/|alias\/)(.+)$/;

export interface LocalKmsKey {
  /** plain ('payroll'), an alias ('alias/payroll') or an ARN */
  readonly id: string;
  readonly aliases?: readonly string[];
  /** false: neither wraps nor unwraps (default true) */
  readonly enabled?: boolean;
  /** 32 bytes each, the newest first */
  readonly versions: readonly Buffer[];
}

export interface LocalKmsOptions {
  readonly keys: readonly LocalKmsKey[];
  /** The key of requests that name none; null: aws/s3 where there is one. */
  readonly defaultKeyId: string | null;
  /** Master keys (newest first) that aws/s3 is derived from; none: there is no aws/s3. */
  readonly masterKeys: readonly Buffer[];
  /** Regions whose ARNs stand for the keys. */
  readonly regions: readonly string[];
}

interface Entry {
  readonly id: string;
  readonly enabled: boolean;
  /** by version id, in the order of their age, the newest first */
  readonly versions: ReadonlyMap<string, KeyObject>;
}

export class LocalKms implements KmsProvider {
  readonly defaultKeyId: string | null;
  readonly #entries = new Map<string, Entry>();
  readonly #regions: ReadonlySet<string>;

  /** @throws RangeError for a key of another length than 32 bytes, no version, a name that is there twice or an unknown default */
  constructor({ keys, defaultKeyId, masterKeys, regions }: LocalKmsOptions) {
    this.#regions = new Set(regions);
    if (masterKeys.length > 0)
      this.#add({ id: MANAGED_KEY_ID, aliases: [MANAGED_KEY_ALIAS], versions: masterKeys.map(managedKey) });
    for (const key of keys) this.#add(key);
    this.defaultKeyId = defaultKeyId ?? (masterKeys.length > 0 ? MANAGED_KEY_ID : null);
    if (this.defaultKeyId !== null && !this.#entries.has(this.defaultKeyId))
      throw new RangeError(`there is no KMS key '${this.defaultKeyId}'`);
  }

  async describe(keyId: string): Promise<KmsKey> {
    const { id, enabled } = this.#find(keyId);
    return { id, enabled };
  }

  async generateDataKey(keyId: string, context: KmsContext): Promise<KmsDataKey> {
    const entry = this.#usable(keyId);
    const [current] = entry.versions;
    if (current === undefined) throw new Error(`KMS key '${entry.id}' has no version`);
    const [version, wrappingKey] = current;
    const plaintext = randomBytes(KEY_BYTES);
    const wrapped = wrapDataKey(wrappingKey, wrapLabel(entry.id, version, context), plaintext);
    return { keyId: entry.id, plaintext, wrappedKey: `${version}.${wrapped}` };
  }

  async decrypt(keyId: string, wrappedKey: string, context: KmsContext): Promise<Buffer> {
    const entry = this.#usable(keyId);
    const dot = wrappedKey.indexOf('.');
    const version = wrappedKey.slice(0, Math.max(dot, 0));
    const wrappingKey = entry.versions.get(version);
    if (wrappingKey !== undefined)
      return unwrapDataKey(wrappingKey, wrapLabel(entry.id, version, context), wrappedKey.slice(dot + 1));
    if (!new RegExp(`^[0-9a-f]{${VERSION_ID_DIGITS}}$`).test(version))
      throw new StoreError('corrupt', 'notApplied', 'the wrapped data key has an unknown encoding');
    throw new KmsError(
      'invalidState',
      `Version ${version} of key '${entry.id}', which protects the object, is not configured`,
    );
  }

  #add({ id, aliases = [], enabled = true, versions }: LocalKmsKey): void {
    if (versions.length === 0) throw new RangeError(`KMS key '${id}' has no version`);
    const entry: Entry = {
      id,
      enabled,
      versions: new Map(versions.map((key) => [versionId(id, key), keyObject(id, key)])),
    };
    for (const name of new Set([id, shortName(id), ...aliases])) {
      if (this.#entries.has(name)) throw new RangeError(`there are two KMS keys '${name}'`);
      this.#entries.set(name, entry);
    }
  }

  #find(keyId: string): Entry {
    const region = ARN.exec(keyId)?.[1];
    const known = region === undefined || this.#regions.has(region);
    const entry = this.#entries.get(keyId) ?? (known ? this.#entries.get(shortName(keyId)) : undefined);
    if (entry === undefined) throw new KmsError('notFound', `Key '${keyId}' does not exist`);
    return entry;
  }

  #usable(keyId: string): Entry {
    const entry = this.#find(keyId);
    if (!entry.enabled) throw new KmsError('disabled', `${entry.id} is disabled.`);
    return entry;
  }
}

/** 'arn:aws:kms:region:account:key/id' -> 'id', '...:alias/name' -> 'alias/name'; other names stay. */
function shortName(name: string): string {
  const [, , , kind = '', rest] = ARN.exec(name) ?? [];
  if (rest === undefined) return name;
  return kind === 'alias/' ? `${kind}${rest}` : rest;
}

function keyObject(id: string, key: Buffer): KeyObject {
  if (key.length !== KEY_BYTES) throw new RangeError(`KMS key '${id}' has ${key.length} bytes, not ${KEY_BYTES}`);
  return createSecretKey(key);
}

function managedKey(masterKey: Buffer): Buffer {
  return Buffer.from(hkdfSync('sha256', masterKey, Buffer.alloc(0), `pithos kms ${MANAGED_KEY_ID} v1`, KEY_BYTES));
}

/** Follows from the key, so that every gateway finds the version that another one wrapped with. */
function versionId(id: string, key: Buffer): string {
  return createHash('sha256')
    .update(`pithos kms key version\n${id}\n`)
    .update(key)
    .digest('hex')
    .slice(0, VERSION_ID_DIGITS);
}

/** What is authenticated with a wrapped key. The context goes in as a digest: it may be long, and errors show the label. */
function wrapLabel(id: string, version: string, context: KmsContext): string {
  const pairs = Object.entries(context).sort(([a], [b]) => (a < b ? -1 : 1));
  return `kms ${id} ${createHash('sha256')
    .update(JSON.stringify([id, version, pairs]))
    .digest('hex')}`;
}

/** The key that wraps the data keys of SSE-S3 objects, kept beside the data of the embedded store. */
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../errors.js';
import { MASTER_KEY_FILE, createOnce } from './data-dir.js';
import { errorCode, fileError } from './fs-errors.js';

const KEY_SIZE_BYTES = 32;
const ID_DIGITS = 16;

export interface MasterKey {
  /** names the key in EncryptionInfo.keyId: made from the key, tells nothing about it */
  readonly id: string;
  /** 32 bytes */
  readonly key: Buffer;
}

/**
 * Reads dataDir/master.key; at the first start creates it with 32 random bytes, mode 0600. Processes that start at the
 * same time agree on one key.
 * @throws StoreError storage or internal: unreadable, of wrong length, readable by others
 */
export async function loadOrCreateMasterKey(dataDir: string): Promise<MasterKey> {
  const path = join(dataDir, MASTER_KEY_FILE);
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    let key = await readKey(path);
    if (key === null) {
      await createOnce(path, randomBytes(KEY_SIZE_BYTES), 0o600);
      key = await readKey(path);
    }
    if (key === null) throw new StoreError('storage', 'notApplied', `${path} vanished while it was being created`);
    return { id: createHash('sha256').update(key).digest('hex').slice(0, ID_DIGITS), key };
  } catch (cause) {
    throw fileError(`load the master key ${path}`, cause);
  }
}

async function readKey(path: string): Promise<Buffer | null> {
  let file;
  try {
    file = await open(path, 'r');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return null;
    throw cause;
  }
  try {
    const { mode, size } = await file.stat();
    if ((mode & 0o077) !== 0) {
      const octal = (mode & 0o777).toString(8);
      throw refused(`${path} has mode ${octal}: others than its owner can use it; run chmod 600 on it`);
    }
    if (size !== KEY_SIZE_BYTES) {
      throw refused(`${path} holds ${size} bytes instead of ${KEY_SIZE_BYTES}: not a master key of Pithos`);
    }
    return await file.readFile();
  } finally {
    await file.close();
  }
}

function refused(message: string): StoreError {
  return new StoreError('internal', 'notApplied', message);
}

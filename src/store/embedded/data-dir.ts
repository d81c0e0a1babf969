/**
 * The data directory: its layout and the marker that says which format it has.
 *
 *     pithos-data.json                          marker: {"format": 1}
 *     meta/                                     LMDB environment (database.ts)
 *     blobs/<region>/<class>/ab/cd/<inode>      one file per blob (blob-store.ts)
 *     master.key                                key-encryption key (master-key.ts), when there is one
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, readdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { StoreError } from '../errors.js';
import { errorCode, fileError, syncDirectory } from './fs-errors.js';

export const DATA_FORMAT = 1;
export const MASTER_KEY_FILE = 'master.key';
const MARKER = 'pithos-data.json';
/** What may lie in a directory that has no marker yet. */
const HARMLESS = new Set([MASTER_KEY_FILE, MARKER, 'lost+found']);
export const TEMPORARY_SUFFIX = '.tmp';

/**
 * Creates the directory or checks that it is one of ours, of a format that this program knows.
 * @throws StoreError storage (cannot read or write it) or internal (another program's, or a newer format)
 */
export async function prepareDataDir(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true, mode: 0o700 });
    await syncDirectory(join(dataDir, '..'));
    if (await checkMarker(dataDir)) return;
    await refuseForeign(dataDir);
    await createOnce(join(dataDir, MARKER), Buffer.from(`${JSON.stringify({ format: DATA_FORMAT })}\n`), 0o644);
    await checkMarker(dataDir);
  } catch (cause) {
    throw fileError(`use the data directory ${dataDir}`, cause);
  }
}

/**
 * Creates a file with all of its content or not at all, durably; leaves a file that is already there alone, so that of
 * several processes exactly one provides the content.
 */
export async function createOnce(path: string, content: Buffer, mode: number): Promise<void> {
  const temporary = `${path}.${randomUUID()}${TEMPORARY_SUFFIX}`;
  const file = await open(temporary, 'wx', mode);
  try {
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    try {
      await link(temporary, path);
    } catch (cause) {
      if (errorCode(cause) !== 'EEXIST') throw cause;
    }
  } finally {
    await unlink(temporary);
  }
  await syncDirectory(join(path, '..'));
}

/** False when there is no marker. */
async function checkMarker(dataDir: string): Promise<boolean> {
  let text: string;
  try {
    text = await readFile(join(dataDir, MARKER), 'utf8');
  } catch (cause) {
    if (errorCode(cause) === 'ENOENT') return false;
    throw cause;
  }
  const format = formatOf(text);
  if (format === null) throw unusable(`${dataDir}/${MARKER} is not a marker of Pithos data`);
  if (format !== DATA_FORMAT) {
    throw unusable(`${dataDir} has data format ${format}; this version of Pithos reads format ${DATA_FORMAT}`);
  }
  return true;
}

function formatOf(text: string): number | null {
  try {
    const marker: unknown = JSON.parse(text);
    if (typeof marker !== 'object' || marker === null || !('format' in marker)) return null;
    return typeof marker.format === 'number' ? marker.format : null;
  } catch {
    return null;
  }
}

async function refuseForeign(dataDir: string): Promise<void> {
  const names = await readdir(dataDir);
  const foreign = names.filter((name) => !HARMLESS.has(name) && !name.endsWith(TEMPORARY_SUFFIX));
  // another process may have created the marker, and then more, since we looked for it
  if (foreign.length === 0 || names.includes(MARKER)) return;
  throw unusable(`${dataDir} is not empty and not a Pithos data directory (found ${foreign.slice(0, 3).join(', ')})`);
}

function unusable(message: string): StoreError {
  return new StoreError('internal', 'notApplied', message);
}

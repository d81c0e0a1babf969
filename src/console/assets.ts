/** The console's built files (dist/console/ui), read once: they are few and small, and never change while the server runs. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

export interface Asset {
  readonly body: Buffer;
  /** null: it would not be smaller */
  readonly gzip: Buffer | null;
  readonly contentType: string;
  readonly etag: string;
  /** The name has a hash of the content in it, so that the file may be kept for good. */
  readonly hashed: boolean;
}

/** The page itself. */
export const INDEX = 'index.html';
/** The folder of files whose names have hashes. */
const HASHED_FOLDER = 'assets/';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

/** By path under the folder, with '/'; null when the console has not been built. @throws Error when a file cannot be read */
export function loadAssets(folder: string): ReadonlyMap<string, Asset> | null {
  const names = filesOf(folder);
  if (!names.includes(INDEX)) return null;
  return new Map(names.map((name) => [name, readAsset(folder, name)]));
}

function filesOf(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readAsset(folder: string, name: string): Asset {
  const body = readFileSync(path.join(folder, name));
  const packed = gzipSync(body, { level: 9 });
  return {
    body,
    gzip: packed.length < body.length ? packed : null,
    contentType: CONTENT_TYPES[path.extname(name)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`,
    hashed: name.startsWith(HASHED_FOLDER),
  };
}

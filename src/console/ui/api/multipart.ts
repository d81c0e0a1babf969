/** Multipart uploads: the requests. */
import type { Query } from '../lib/sigv4.js';
import { el, xmlDocument } from '../lib/xml.js';
import type { Client } from './client.js';

export interface Upload {
  readonly bucket: string;
  readonly key: string;
  readonly uploadId: string;
}

export async function createUpload(
  client: Client,
  { bucket, key, contentType }: { readonly bucket: string; readonly key: string; readonly contentType: string },
): Promise<Upload> {
  const headers = { 'content-type': contentType };
  const xml = await client.xml({ method: 'POST', bucket, key, query: [['uploads', '']], headers });
  return { bucket, key, uploadId: xml.text('UploadId') };
}

/** @returns the part's ETag */
export async function putPart(
  client: Client,
  upload: Upload,
  part: {
    readonly number: number;
    readonly body: Blob;
    readonly onProgress: (sentBytes: number) => void;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const query: Query = [
    ['partNumber', String(part.number)],
    ['uploadId', upload.uploadId],
  ];
  const { body, onProgress, signal } = part;
  const sent = await client.upload({ bucket: upload.bucket, key: upload.key, query, body, onProgress, signal });
  return sent.header('etag') ?? '';
}

export async function completeUpload(
  client: Client,
  upload: Upload,
  etags: ReadonlyMap<number, string>,
): Promise<void> {
  const parts = [...etags].sort(([a], [b]) => a - b);
  const content = parts.map(([number, etag]) => el('Part', [el('PartNumber', number), el('ETag', etag)]));
  const body = xmlDocument('CompleteMultipartUpload', content);
  const { bucket, key, uploadId } = upload;
  // A checksum here would mean the whole object's.
  await client.xml({ method: 'POST', bucket, key, query: [['uploadId', uploadId]], body, digest: false });
}

export async function abortUpload(client: Client, { bucket, key, uploadId }: Upload): Promise<void> {
  await client.send({ method: 'DELETE', bucket, key, query: [['uploadId', uploadId]] });
}

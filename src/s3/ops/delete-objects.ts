/** DeleteObjects: up to 1,000 keys in one request. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
import { requireDelete } from '../access.js';
import type { OperationContext } from '../context.js';
import { checkObjectKey } from '../bucket-name.js';
import type { BatchEntry, Handler } from '../operation.js';
import { xmlResponse } from '../operation.js';
import { toS3Error } from '../store-errors.js';
import { xmlBody } from '../xml-body.js';
import type { DeletedEntry, DeleteErrorEntry, DeleteRequestObject } from '../xml/documents.js';
import { deleteResult, parseDelete } from '../xml/documents.js';
import { deleteOne } from './delete-object.js';

/** Deletions under way at once: each is a commit of its own key. */
const PARALLEL = 32;

export const deleteObjects: Handler = async (context) => {
  const { objects, quiet } = parseDelete(await xmlBody(context, { required: true, digest: true }));
  const deleted: DeletedEntry[] = [];
  const errors: DeleteErrorEntry[] = [];
  await inParallel(objects, async (object) => {
    try {
      deleted.push(await deleteEntry(context, object));
      context.onEntry?.({ ...entryOf(object), status: 204, code: null });
    } catch (error) {
      const failure = toS3Error(error);
      context.onEntry?.({ ...entryOf(object), status: failure.status, code: failure.code });
      if (failure.status >= 500) context.log.warn({ err: error, key: object.key }, 'an entry of DeleteObjects failed');
      errors.push({ ...nameOf(object), code: failure.code, message: failure.message });
    }
  });
  return xmlResponse(deleteResult({ deleted: quiet ? [] : deleted, errors }));
};

async function deleteEntry(context: OperationContext, object: DeleteRequestObject): Promise<DeletedEntry> {
  checkObjectKey(object.key);
  requireDelete(context, { key: object.key, versionId: object.versionId });
  const outcome = await deleteOne(context, context.bucket, {
    key: object.key,
    versionId: object.versionId,
    conditions: { etag: object.etag, lastModified: object.lastModified, sizeBytes: object.sizeBytes },
  });
  if (!outcome.deleteMarker || outcome.versionId === null) return nameOf(object);
  return { ...nameOf(object), deleteMarker: true, deleteMarkerVersionId: outcome.versionId };
}

function entryOf({ key, versionId }: DeleteRequestObject): Omit<BatchEntry, 'status' | 'code'> {
  return { source: null, key, versionId: versionId ?? null, sizeBytes: null };
}

function nameOf({ key, versionId }: DeleteRequestObject): { key: string; versionId?: string } {
  return { key, ...(versionId === undefined ? {} : { versionId }) };
}

async function inParallel<T>(items: readonly T[], run: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]();
  const worker = async (): Promise<void> => {
    for (let next = iterator.next(); next.done !== true; next = iterator.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: Math.min(PARALLEL, items.length) }, worker));
}

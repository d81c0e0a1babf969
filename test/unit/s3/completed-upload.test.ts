import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { findCompleted } from '../../../src/s3/completed-upload.js';
import { makeUploadId } from '../../../src/s3/multipart.js';
import type { BucketRef } from '../../../src/store/types.js';
import { version } from '../store/cassandra/heads.js';

const BUCKET: BucketRef = { name: 'b', instance: randomUUID(), region: 'r' };

it('a completion that is found is listed before it is answered: who made it may have died in between', async () => {
  const uploadId = makeUploadId(1_700_000_000_000);
  const repaired: string[] = [];
  const metadata = {
    getVersion: async () => version({ uploadId }),
    finishedUpload: async () => null,
    scanVersions: async () => [],
    repairIndex: async (_bucket: BucketRef, key: string) => void repaired.push(key),
  };
  const found = await findCompleted(metadata, { bucket: BUCKET, key: 'key', uploadId }, { maxCandidates: 1 });
  expect(found?.uploadId).toBe(uploadId);
  expect(repaired).toEqual(['key']);
});

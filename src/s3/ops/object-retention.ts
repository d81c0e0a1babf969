/**
 * GetObjectRetention and PutObjectRetention.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html
 */
import { retentionKeys } from '../access-conditions.js';
import { changeVersion } from '../change-version.js';
import { keyOf } from '../context.js';
import { S3Error } from '../errors.js';
import { loadLockable, lockJudgement, requireLockChange } from '../object-lock-access.js';
import { checkFuture, checkRetentionChange, requireObjectLock } from '../object-lock.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { parseRetention, retentionDocument } from '../xml/documents.js';

export const getObjectRetention: Handler = async (context) => {
  const { version } = await loadLockable(context);
  if (version.retention === null) throw new S3Error('NoSuchObjectLockConfiguration');
  return xmlResponse(retentionDocument(version.retention));
};

export const putObjectRetention: Handler = async (context) => {
  const { bucket } = context;
  requireObjectLock(bucket);
  const retention = parseRetention(await xmlBody(context, { required: true, digest: true }));
  requireLockChange(context, retentionKeys(retention, context.services.now()));
  const judgement = lockJudgement(context, bucket, keyOf(context));
  if (retention !== null) checkFuture(retention, judgement.nowMs);
  const found = await loadLockable(context);
  await changeVersion(context, found, (current) => {
    checkRetentionChange(current, retention, judgement);
    return { ...current, retention };
  });
  return emptyResponse(200);
};

/**
 * GetObjectLegalHold and PutObjectLegalHold.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html
 */
import { changeVersion } from '../change-version.js';
import { S3Error } from '../errors.js';
import { loadLockable, requireLockChange } from '../object-lock-access.js';
import { legalHoldStatus, requireObjectLock, withLegalHold } from '../object-lock.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { legalHold, parseLegalHold } from '../xml/documents.js';

export const getObjectLegalHold: Handler = async (context) => {
  const { version } = await loadLockable(context);
  const status = legalHoldStatus(version);
  if (status === null) throw new S3Error('NoSuchObjectLockConfiguration');
  return xmlResponse(legalHold(status));
};

export const putObjectLegalHold: Handler = async (context) => {
  requireObjectLock(context.bucket);
  const status = parseLegalHold(await xmlBody(context, { required: true, digest: true }));
  requireLockChange(context, new Map([['s3:object-lock-legal-hold', [status]]]));
  const found = await loadLockable(context);
  await changeVersion(context, found, (current) => withLegalHold(current, status));
  return emptyResponse(200);
};

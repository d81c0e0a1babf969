/**
 * GetObjectTagging, PutObjectTagging and DeleteObjectTagging.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
 */
import type { ObjectVersion, VersionSelector } from '../../store/types.js';
import { loadVersion } from '../access.js';
import { changeVersion } from '../change-version.js';
import type { OperationContext } from '../context.js';
import type { AclPermission, Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { selectorOf, versionIdHeader } from '../versioning.js';
import { xmlBody } from '../xml-body.js';
import { parseTagging, tagging } from '../xml/documents.js';

export const getObjectTagging: Handler = async (context) => {
  const { version } = await tagged(context, 'READ');
  return xmlResponse(tagging(version.tags), versionIdHeader(context.bucket.versioning, version.versionId));
};

export const putObjectTagging: Handler = async (context) => {
  const found = await tagged(context, 'WRITE');
  const tags = parseTagging(await xmlBody(context, { required: true }), 'object');
  await changeVersion(context, found, (current) => ({ ...current, tags }));
  return emptyResponse(200, versionIdHeader(context.bucket.versioning, found.version.versionId));
};

export const deleteObjectTagging: Handler = async (context) => {
  const found = await tagged(context, 'WRITE');
  await changeVersion(context, found, (current) => ({ ...current, tags: {} }));
  return emptyResponse(204, versionIdHeader(context.bucket.versioning, found.version.versionId));
};

async function tagged(
  context: OperationContext,
  permission: AclPermission,
): Promise<{ version: ObjectVersion; select: VersionSelector }> {
  const select = selectorOf(context.request.query.get('versionId'));
  return { select, version: await loadVersion(context, { select, permission, withInline: false }) };
}

/**
 * GetObjectTagging, PutObjectTagging and DeleteObjectTagging.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectTagging.html
 */
import type { ObjectVersion, VersionSelector } from '../../store/types.js';
import { loadVersion } from '../access.js';
import type { ExtraKeys } from '../access-conditions.js';
import { requestTagKeys } from '../access-conditions.js';
import { bucketPolicy } from '../bucket-security.js';
import { changeVersion } from '../change-version.js';
import type { OperationContext } from '../context.js';
import type { AclPermission, Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import type { Tags } from '../tagging.js';
import { selectorOf, versionIdHeader } from '../versioning.js';
import { xmlBody } from '../xml-body.js';
import { parseTagging, tagging } from '../xml/documents.js';

export const getObjectTagging: Handler = async (context) => {
  const { version } = await tagged(context, 'READ');
  return xmlResponse(tagging(version.tags), versionIdHeader(context.bucket.versioning, version.versionId));
};

export const putObjectTagging: Handler = async (context) => {
  // A policy that asks which tags are to be put is judged when they are known, else nothing is read from strangers.
  const early = asksAboutRequestTags(context) ? await tagsOfBody(context) : null;
  const found = await tagged(context, 'WRITE', early === null ? undefined : requestTagKeys(early));
  const tags = early ?? (await tagsOfBody(context));
  await changeVersion(context, { ...found, cause: 'ObjectTagging:Put' }, (current) => ({ ...current, tags }));
  return emptyResponse(200, versionIdHeader(context.bucket.versioning, found.version.versionId));
};

export const deleteObjectTagging: Handler = async (context) => {
  const found = await tagged(context, 'WRITE');
  await changeVersion(context, { ...found, cause: 'ObjectTagging:Delete' }, (current) => ({ ...current, tags: {} }));
  return emptyResponse(204, versionIdHeader(context.bucket.versioning, found.version.versionId));
};

async function tagged(
  context: OperationContext,
  permission: AclPermission,
  keys: ExtraKeys = new Map(),
): Promise<{ version: ObjectVersion; select: VersionSelector }> {
  const select = selectorOf(context.request.query.get('versionId'));
  return { select, version: await loadVersion(context, { select, permission, withInline: false, keys }) };
}

function asksAboutRequestTags({ bucket }: OperationContext): boolean {
  return [...(bucketPolicy(bucket)?.keys ?? [])].some((key) => key.startsWith('s3:requestobjecttag'));
}

async function tagsOfBody(context: OperationContext): Promise<Tags> {
  return parseTagging(await xmlBody(context, { required: true }), 'object');
}

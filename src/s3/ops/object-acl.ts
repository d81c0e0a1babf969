/** GetObjectAcl and PutObjectAcl. https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectAcl.html */
import { aclToXml } from '../../iam/acl-document.js';
import { loadVersion } from '../access.js';
import { objectAcl, objectOwner } from '../bucket-security.js';
import { changeVersion } from '../change-version.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { requestedAcl } from '../requested-acl.js';
import { selectorOf, versionIdHeader } from '../versioning.js';

export const getObjectAcl: Handler = async (context) => {
  const select = selectorOf(context.request.query.get('versionId'));
  const version = await loadVersion(context, { select, permission: 'READ_ACP', withInline: false });
  return xmlResponse(
    aclToXml(objectAcl(context.bucket, version)),
    versionIdHeader(context.bucket.versioning, version.versionId),
  );
};

export const putObjectAcl: Handler = async (context) => {
  const select = selectorOf(context.request.query.get('versionId'));
  const version = await loadVersion(context, { select, permission: 'WRITE_ACP', withInline: false });
  const acl = await requestedAcl(context, { owner: objectOwner(context.bucket, version), target: 'object' });
  await changeVersion(context, { version, select, cause: 'ObjectAcl:Put' }, (current) => ({ ...current, acl }));
  return emptyResponse(200, versionIdHeader(context.bucket.versioning, version.versionId));
};

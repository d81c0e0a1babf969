/**
 * PostObject: a browser's form upload, allowed by the policy in the form or by the bucket's ACL.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/RESTObjectPOST.html
 */
import { checkFileSize, contentLengthRange, evaluatePostPolicy } from '../../auth/post-policy.js';
import type { PostFormResult } from '../../auth/types.js';
import type { PostForm } from '../../http/form.js';
import { wireValue } from '../../http/headers.js';
import { readPostForm } from '../../http/form.js';
import { identityOfCredential } from '../../http/identity.js';
import { requireAccess, requireBucket } from '../access.js';
import { actionsOf } from '../access-actions.js';
import type { ExtraKeys } from '../access-conditions.js';
import { checksumHeaders, expectedDigests, verifyDigests } from '../checksum-headers.js';
import type { Identity, MasterPowers, OperationContext } from '../context.js';
import { ANONYMOUS } from '../context.js';
import { writeEncryption } from '../encryption.js';
import { S3Error } from '../errors.js';
import { checkObjectKey } from '../bucket-name.js';
import { expirationHeader } from '../lifecycle.js';
import { objectAttributes } from '../object-attributes.js';
import { encryptionHeaders } from '../object-headers.js';
import { checkDigestUnderLock } from '../object-lock.js';
import type { Handler, S3Response } from '../operation.js';
import { emptyResponse } from '../operation.js';
import { chargedHeaders, requirePayer } from '../requester-pays.js';
import { parseTagging, postResponse } from '../xml/documents.js';
import { newVersionIdHeader } from '../versioning.js';
import { MAX_PUT_BYTES, writeObject } from '../write-object.js';

type Fields = ReadonlyMap<string, string>;

export const postObject: Handler = async (context) => {
  const bucket = await requireBucket(context, context.request.bucket ?? '');
  const form = await readPostForm(context.request.headers['content-type'], context.body.stream());
  if (form.file === null)
    throw new S3Error('InvalidArgument', {
      message: 'POST requires exactly one file upload per request.',
      detail: { ArgumentName: 'file', ArgumentValue: '0' },
    });
  const template = form.fields.get('key');
  if (template === undefined)
    throw new S3Error('UserKeyMustBeSpecified', {
      message:
        "Bucket POST must contain a field named 'key'.  If it is specified, please check the order of the fields.",
    });
  const key = template.replaceAll('${filename}', baseName(form.file.name));
  checkObjectKey(key);
  const fields: Fields = new Map([...form.fields, ['key', key]]);

  const auth = await context.services.authenticator.authenticatePostForm(form.fields);
  const { policy } = auth;
  if (policy !== null) evaluatePostPolicy(policy, { bucket: bucket.name, fields });
  const identity = postIdentity(auth, context.services.settings.master);

  const headers = headersOf(fields, form);
  const { operation, services, body, log, signal } = context;
  const caller: OperationContext = {
    operation,
    services,
    body,
    log,
    signal,
    bucket,
    identity,
    request: { ...context.request, headers },
  };
  requirePayer(identity, headers, bucket);
  requireAccess(caller, {
    bucket,
    key,
    actions: actionsOf(operation, caller.request),
    permission: 'WRITE',
    keys: keysOfPost(auth, context.request.headers),
  });
  await context.onAllowed?.(identity, bucket);
  const expected = expectedDigests(headers);
  const attributes = await objectAttributes(caller, bucket);
  checkDigestUnderLock(bucket, attributes, expected);
  const encryption = await writeEncryption(caller, { bucket, key });
  const commit = await writeObject(caller, {
    bucket,
    key,
    source: form.file.content,
    sizeHintBytes: null,
    maxSizeBytes: Math.min(MAX_PUT_BYTES, (policy && contentLengthRange(policy)?.maxBytes) ?? MAX_PUT_BYTES),
    attributes,
    owner: attributes.owner,
    encryption,
    checksums: expected.algorithm === null ? [] : [expected.algorithm],
    cause: 'ObjectCreated:Post',
    verify: (ingested) => {
      if (policy !== null) checkFileSize(policy, ingested.sizeBytes);
      return verifyDigests(expected, ingested, { trailers: new Map() });
    },
    precondition: () => undefined,
  });
  const { version } = commit;
  if (version === null) throw new Error('a post committed no version');
  return answer(context, fields, {
    bucket: bucket.name,
    key,
    etag: version.etag,
    headers: {
      etag: `"${version.etag}"`,
      ...chargedHeaders(identity, bucket),
      ...newVersionIdHeader(bucket.versioning, version.versionId),
      ...encryptionHeaders(version),
      ...checksumHeaders(version.checksum),
      ...expirationHeader(bucket, { key, version, dayMs: context.services.settings.lifecycleDayMs }),
    },
  });
};

/** What policies ask about a form that its fields do not tell. */
function keysOfPost({ version }: PostFormResult, headers: Readonly<Record<string, string>>): ExtraKeys {
  const keys = new Map<string, readonly string[]>();
  for (const [key, header] of [
    ['aws:useragent', 'user-agent'],
    ['aws:referer', 'referer'],
  ] as const) {
    const value = headers[header];
    if (value !== undefined) keys.set(key, [value]);
  }
  if (version === null) return keys;
  return keys.set('s3:authtype', ['POST']).set('s3:signatureversion', [version === 'v4' ? 'AWS4-HMAC-SHA256' : 'AWS']);
}

function postIdentity({ credential }: PostFormResult, powers: MasterPowers): Identity {
  return credential === null ? ANONYMOUS : identityOfCredential(credential, powers);
}

/** Browsers send a whole path in some systems; the name alone is meant. */
function baseName(filename: string): string {
  return filename.slice(Math.max(filename.lastIndexOf('/'), filename.lastIndexOf('\\')) + 1);
}

/** Form fields that stand for request headers. */
function headersOf(fields: Fields, form: PostForm): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of fields) {
    if (name === 'acl') headers['x-amz-acl'] = value;
    else if (name === 'tagging') headers['x-amz-tagging'] = tagQuery(value);
    else if (
      FIELD_HEADERS.has(name) ||
      /^x-amz-(meta-|checksum-|grant-|server-side-encryption|storage-class|website-|object-lock-|sdk-)/.test(name)
    )
      headers[name] = wireValue(value);
  }
  const { file } = form;
  if (headers['content-type'] === undefined && file !== null && fields.has('content-type'))
    headers['content-type'] = file.contentType;
  return headers;
}

const FIELD_HEADERS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-type',
  'content-disposition',
  'content-encoding',
  'expires',
  'content-md5',
  'x-amz-storage-class',
  'x-amz-request-payer',
]);

/** The form carries tags as an XML document, the header as a query. */
function tagQuery(xml: string): string {
  return new URLSearchParams(parseTagging(Buffer.from(xml), 'object')).toString();
}

interface Posted {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  readonly headers: Record<string, string>;
}

/** success_action_redirect, else success_action_status (200, 201 or 204). */
function answer(context: OperationContext, fields: Fields, posted: Posted): S3Response {
  const location = `${context.request.secure ? 'https' : 'http'}://${context.request.host}/${context.request.virtualHosted ? '' : `${posted.bucket}/`}${encodeURI(posted.key)}`;
  const headers = { ...posted.headers, location };
  const redirect = fields.get('success_action_redirect') ?? fields.get('redirect');
  if (redirect !== undefined && redirect !== '') {
    const url = URL.canParse(redirect) ? new URL(redirect) : null;
    if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) {
      url.searchParams.set('bucket', posted.bucket);
      url.searchParams.set('key', posted.key);
      url.searchParams.set('etag', `"${posted.etag}"`);
      return emptyResponse(303, { ...posted.headers, location: url.href });
    }
  }
  const status = fields.get('success_action_status');
  if (status === '201')
    return {
      status: 201,
      headers,
      body: postResponse({ location, bucket: posted.bucket, key: posted.key, etag: posted.etag }),
    };
  return emptyResponse(status === '200' ? 200 : 204, headers);
}

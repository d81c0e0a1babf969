/**
 * Who may do what. The bucket's policy denies or allows; where it says nothing the owner and master keys may, others as the ACL
 * of the bucket or object grants. Users and roles of an account need its permission besides, or instead of the bucket's where
 * the account owns what is asked for. Every operation passes here before its body is read (authorize) and before it reads an
 * object (loadVersion).
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-s3-evaluates-access-control.html
 */
import { isAllowed } from '../iam/acl.js';
import type { AclSubject } from '../iam/acl.js';
import { judgeCaller, withCallerKeys } from '../iam/iam-caller.js';
import type { IdentityVerdict } from '../iam/iam-caller.js';
import { bucketArn, evaluatePolicies, isPublicPolicy, objectArn } from '../iam/policy.js';
import type { ConditionKeys, Evaluation } from '../iam/policy.js';
import type { BucketRecord, ObjectVersion, Owner, UploadRecord, VersionSelector } from '../store/types.js';
import type { NeededAction } from './access-actions.js';
import { actionsOf, judges, needs, needsPolicy } from './access-actions.js';
import type { ExtraKeys } from './access-conditions.js';
import { conditionKeys, existingTagKeys, principalOf } from './access-conditions.js';
import { asksAboutCreation, creationKeys, PART_OPERATIONS } from './access-upload.js';
import {
  aclInForce,
  aclsDisabled,
  bucketAcl,
  bucketPolicy,
  objectAcl,
  objectOwner,
  POLICY_SELF_REMOVAL_DOCUMENT,
  publicAccessBlock,
} from './bucket-security.js';
import type { Identity, OperationContext } from './context.js';
import { initiatorOf, keyOf, ownerOf, regionOf } from './context.js';
import { httpDate } from './dates.js';
import { S3Error } from './errors.js';
import { uploadIdTimeMs } from './multipart.js';
import type { AclPermission } from './operation.js';
import { requirePayer } from './requester-pays.js';
import { versionIdHeader } from './versioning.js';

export { bucketAcl } from './bucket-security.js';

/** Whose request it is; operation: the row it selected. */
type Caller = Pick<OperationContext, 'services' | 'request' | 'identity' | 'operation' | 'onAclRequired'>;

const NO_KEYS: ExtraKeys = new Map();

export interface AccessQuestion {
  readonly bucket: BucketRecord;
  /** null: about the bucket itself */
  readonly key: string | null;
  /** All of them must be allowed. */
  readonly actions: readonly NeededAction[];
  /** What an ACL must grant where no policy allows; null: ACLs do not speak about it, it is the owner's. */
  readonly permission: AclPermission | null;
  /** An object that is there: its owner and its ACL count instead of the bucket's. */
  readonly version?: Pick<ObjectVersion, 'acl' | 'owner' | 'tags'>;
  /** Condition keys that the request does not tell. */
  readonly keys?: ExtraKeys;
}

/** denied: a policy says so explicitly; refused: nothing allows it. */
export type Judgement = 'allowed' | 'denied' | 'refused';

export function judgeAccess(caller: Caller, question: AccessQuestion): Judgement {
  const { identity } = caller;
  if (identity.master) return 'allowed';
  const { bucket, actions, version } = question;
  const owner = version === undefined ? bucket.owner : objectOwner(bucket, version);
  const owned = isOwner(identity, owner.id);
  const evaluations = evaluate(caller, question);
  if (evaluations.some(({ decision }) => decision === 'deny') && !keepsPolicyAccess(identity, question))
    return 'denied';
  const verdicts = actions.map(({ name }) => judgeOwn(caller, { name, question }));
  if (verdicts.some(({ denied }) => denied)) return 'denied';
  if (owned && isRoot(identity)) return 'allowed';
  const granted = aclGrants(owned ? STRANGER : identity, question);
  // A bucket's policy gives away only what is the bucket owner's.
  const policyCounts = owner.id === bucket.owner.id && !policyIsRestricted(bucket, identity);
  const byAclAlone = new Set<NeededAction>();
  const allowed = actions.every((action, index) => {
    const evaluation = evaluations[index];
    const own = verdicts[index] ?? NOTHING;
    if (owned && own.allowed) return true;
    // Of the own account: what names the account leaves it to the account's policies.
    const leftToAccount = owned && evaluation?.delegated === true;
    const byPolicy = policyCounts && !leftToAccount && policyAllows(action, evaluation, evaluations);
    const byAcl = granted && action.coveredByAcl;
    if (byAcl && !byPolicy) byAclAlone.add(action);
    if (!byPolicy && !byAcl) return false;
    return owned ? own.sessionAllows || namesSession(evaluation, identity) : own.allowed;
  });
  if (!allowed || actions.length === 0) return 'refused';
  if (byAclAlone.size > 0) caller.onAclRequired?.();
  return 'allowed';
}

/** Whom no account is: what it is granted everybody in an account is granted. */
const STRANGER: AclSubject = { tenant: '', memberOf: [] };
const NOTHING: IdentityVerdict = { denied: false, allowed: false, sessionAllows: false };
const EVERYTHING: IdentityVerdict = { denied: false, allowed: true, sessionAllows: true };

/** Nobody's policies limit the root of an account. */
function isRoot(identity: Identity): boolean {
  return identity.kind === 'signed' && identity.caller.policies === null;
}

/** What the caller's own account says about an action; anonymous callers have none that could object. */
function judgeOwn(
  caller: Caller,
  { name, question }: { readonly name: string; readonly question: AccessQuestion },
): IdentityVerdict {
  const { identity } = caller;
  if (identity.kind === 'anonymous' || identity.caller.policies === null) return EVERYTHING;
  return judgeCaller(identity.caller, {
    action: `s3:${name}`,
    resource: resourceOf(question),
    keys: keysOf(caller, question),
  });
}

/** A policy that names a session grants it more than the session's own policies do. */
function namesSession(evaluation: Evaluation | undefined, identity: Identity): boolean {
  if (identity.kind === 'anonymous') return false;
  const { arn } = identity.caller;
  return (evaluation?.allowedBy ?? []).some(
    ({ principal }) =>
      principal?.except === false &&
      principal.patterns.some((pattern) => pattern.type === 'arn' && !pattern.user && pattern.arn === arn),
  );
}

/** @throws S3Error AccessDenied */
export function requireAccess(caller: Caller, question: AccessQuestion): void {
  if (judgeAccess(caller, question) !== 'allowed') throw new S3Error('AccessDenied');
}

function isOwner(identity: Identity, ownerId: string): boolean {
  return identity.kind === 'signed' && (identity.master || identity.tenant === ownerId);
}

/** One for each action. */
function evaluate(caller: Caller, question: AccessQuestion): readonly Evaluation[] {
  const policy = bucketPolicy(question.bucket);
  if (policy === null) return [];
  const { identity } = caller;
  const keys = keysOf(caller, question);
  const request = {
    principal: principalOf(identity),
    resource: resourceOf(question),
    keys: identity.kind === 'signed' ? withCallerKeys(identity.caller, keys) : keys,
  };
  return question.actions.map(({ name }) => evaluatePolicies([policy], { ...request, action: `s3:${name}` }));
}

function resourceOf({ bucket, key }: AccessQuestion): string {
  return key === null ? bucketArn(bucket.name) : objectArn(bucket.name, key);
}

function keysOf(caller: Caller, { bucket, version, keys }: AccessQuestion): ConditionKeys {
  const extra = version === undefined ? [] : [...existingTagKeys(version.tags)];
  return conditionKeys({
    request: caller.request,
    principal: principalOf(caller.identity),
    bucket,
    operation: caller.operation.name,
    nowMs: caller.services.now(),
    extra: new Map([...extra, ...(keys ?? NO_KEYS)]),
  });
}

function policyAllows(action: NeededAction, own: Evaluation | undefined, all: readonly Evaluation[]): boolean {
  if (own?.decision === 'allow') return true;
  const { judgedBy } = action;
  return judgedBy !== null && all.some(({ allowedBy }) => allowedBy.some((statement) => judges(statement, judgedBy)));
}

function aclGrants(subject: AclSubject, { bucket, permission, version }: AccessQuestion): boolean {
  if (permission === null || aclsDisabled(bucket)) return false;
  const acl = version === undefined ? bucketAcl(bucket) : objectAcl(bucket, version);
  return isAllowed(aclInForce(bucket, acl), subject, permission);
}

/** RestrictPublicBuckets: a public policy gives nothing to other accounts, not even what it gives them by name. */
function policyIsRestricted(bucket: BucketRecord, identity: Identity): boolean {
  const policy = bucketPolicy(bucket);
  return (
    policy !== null &&
    publicAccessBlock(bucket).restrictPublicBuckets &&
    !isOwner(identity, bucket.owner.id) &&
    isPublicPolicy(policy)
  );
}

const POLICY_ACTIONS: ReadonlySet<string> = new Set(['GetBucketPolicy', 'PutBucketPolicy', 'DeleteBucketPolicy']);

/**
 * A policy that denies everything must not lock its owner out: the root of the owner's account can always see and change it,
 * unless it confirmed to give that up (x-amz-confirm-remove-self-bucket-access).
 */
function keepsPolicyAccess(identity: Identity, { bucket, actions }: AccessQuestion): boolean {
  return (
    isOwner(identity, bucket.owner.id) &&
    isRoot(identity) &&
    actions.every(({ name }) => POLICY_ACTIONS.has(name)) &&
    bucket.documents[POLICY_SELF_REMOVAL_DOCUMENT] === undefined
  );
}

/** A bucket by name. @throws S3Error NoSuchBucket */
export async function requireBucket(context: Pick<OperationContext, 'services'>, name: string): Promise<BucketRecord> {
  const bucket = await context.services.stores.buckets.get(name);
  if (bucket?.state !== 'active') throw new S3Error('NoSuchBucket', { detail: { BucketName: name } });
  return bucket;
}

/**
 * The check before the handler runs. Answers the request's bucket where the operation works on one.
 * @throws S3Error AccessDenied, NoSuchBucket, MethodNotAllowed
 */
export async function authorize(caller: Caller): Promise<BucketRecord | null> {
  const { request, identity, operation } = caller;
  const { access } = operation;
  if (access.kind === 'handler') return null;
  if (access.kind === 'account') {
    if (identity.kind === 'anonymous') throw new S3Error('AccessDenied');
    if (!isNamedTenant(request.bucketTenant, ownerOf(identity))) throw new S3Error('AccessDenied');
    requireOfAccount(caller);
    return null;
  }
  if (request.bucket === null) throw new Error(`${operation.name} has no bucket`);
  const bucket = await requireBucket(caller, request.bucket);
  if (!isNamedTenant(request.bucketTenant, bucket.owner))
    throw new S3Error('NoSuchBucket', { detail: { BucketName: `${request.bucketTenant ?? ''}:${bucket.name}` } });
  checkExpectedOwner(request.headers, bucket);
  requirePayer(identity, request.headers, bucket);
  if (access.kind === 'object') return bucket;
  if (access.kind === 'keys') {
    refuseStranger(caller, bucket, access.permission);
    return bucket;
  }
  if (bodyIsAskedAbout(operation.name, bucket)) return bucket;
  const permission = access.kind === 'bucket' ? access.permission : null;
  await requireOperation(caller, bucket, permission);
  return bucket;
}

/** Whether the owner is who a request names before a bucket ('tenant:bucket'), if it names anybody. */
export function isNamedTenant(tenant: string | undefined, owner: Owner): boolean {
  return tenant === undefined || tenant === '' || tenant === owner.id || tenant === owner.displayName;
}

/** For what is asked of the account itself: its users and roles need its permission. @throws S3Error AccessDenied */
function requireOfAccount(caller: Caller): void {
  const { identity, operation, request } = caller;
  if (identity.kind === 'anonymous' || identity.caller.policies === null) return;
  const keys = conditionKeys({
    request,
    principal: principalOf(identity),
    bucket: null,
    operation: operation.name,
    nowMs: caller.services.now(),
    extra: NO_KEYS,
  });
  const resource = bucketArn(request.bucket ?? '*');
  for (const { name } of actionsOf(operation, request)) {
    const { denied, allowed } = judgeCaller(identity.caller, { action: `s3:${name}`, resource, keys });
    if (denied || !allowed) throw new S3Error('AccessDenied');
  }
}

/** Operations whose body policies can ask about; their handlers ask again when they have read it. */
const LOCK_CHANGES: ReadonlySet<string> = new Set(['PutObjectRetention', 'PutObjectLegalHold']);

function bodyIsAskedAbout(operation: string, bucket: BucketRecord): boolean {
  if (!LOCK_CHANGES.has(operation)) return false;
  return [...(bucketPolicy(bucket)?.keys ?? [])].some((key) => key.startsWith('s3:object-lock-'));
}

async function requireOperation(caller: Caller, bucket: BucketRecord, permission: AclPermission | null): Promise<void> {
  const { operation, request, identity } = caller;
  const judgement = judgeAccess(caller, {
    bucket,
    key: request.key,
    actions: actionsOf(operation, request),
    permission,
    keys: await keysOfUpload(caller, bucket),
  });
  if (judgement === 'refused' && (await isInitiator(caller, bucket))) return;
  if (judgement !== 'allowed') throw new S3Error('AccessDenied');
  // Other accounts may be allowed a bucket's policy, and still cannot use it.
  if (operation.actions.some((name) => POLICY_ACTIONS.has(name)) && !isOwner(identity, bucket.owner.id))
    throw new S3Error('MethodNotAllowed', { detail: { Method: request.method, ResourceType: 'BUCKETPOLICY' } });
}

/** Whoever started a multipart upload may see its parts and abort it. */
const INITIATORS_OPERATIONS: ReadonlySet<string> = new Set(['ListParts', 'AbortMultipartUpload']);

async function isInitiator(caller: Caller, bucket: BucketRecord): Promise<boolean> {
  const { identity, operation } = caller;
  if (identity.kind === 'anonymous' || !INITIATORS_OPERATIONS.has(operation.name)) return false;
  const upload = await uploadOf(caller, bucket);
  return upload?.initiator.id === initiatorOf(identity).id;
}

async function keysOfUpload(caller: Caller, bucket: BucketRecord): Promise<ExtraKeys> {
  if (!PART_OPERATIONS.has(caller.operation.name)) return NO_KEYS;
  const policy = bucketPolicy(bucket);
  if (policy === null || !asksAboutCreation(policy.keys)) return NO_KEYS;
  const upload = await uploadOf(caller, bucket);
  return upload === null ? NO_KEYS : creationKeys(upload, bucket);
}

async function uploadOf(caller: Caller, bucket: BucketRecord): Promise<UploadRecord | null> {
  const uploadId = caller.request.query.get('uploadId') ?? '';
  if (uploadIdTimeMs(uploadId) === null) return null;
  return regionOf(caller, bucket).metadata.getUpload({ bucket, key: keyOf(caller), uploadId });
}

/** An anonymous caller whom nothing could allow any key is not read a list of keys from. @throws S3Error AccessDenied */
function refuseStranger({ identity }: Caller, bucket: BucketRecord, permission: AclPermission): void {
  if (identity.kind !== 'anonymous' || bucketPolicy(bucket) !== null) return;
  if (!aclGrants(identity, { bucket, key: null, actions: [], permission })) throw new S3Error('AccessDenied');
}

/** x-amz-expected-bucket-owner: the caller refuses to talk to anybody else's bucket. */
function checkExpectedOwner(headers: Readonly<Record<string, string>>, bucket: BucketRecord): void {
  const expected = headers['x-amz-expected-bucket-owner'];
  if (expected !== undefined && expected !== bucket.owner.id) throw new S3Error('AccessDenied');
}

/** For each key of DeleteObjects. @throws S3Error AccessDenied */
export function requireDelete(
  context: OperationContext,
  { key, versionId }: { readonly key: string; readonly versionId: string | undefined },
): void {
  requireAccess(context, {
    bucket: context.bucket,
    key,
    actions: needs([versionId === undefined ? 'DeleteObject' : 'DeleteObjectVersion']),
    permission: 'WRITE',
    keys: versionKeys(versionId),
  });
}

/** For what a policy alone can give to others than the bucket's owner, e.g. BypassGovernanceRetention on an object. */
export function mayByPolicy(
  caller: Caller,
  { bucket, key, action }: { readonly bucket: BucketRecord; readonly key: string; readonly action: string },
): boolean {
  return judgeAccess(caller, { bucket, key, actions: [needsPolicy(action)], permission: null }) === 'allowed';
}

function versionKeys(versionId: string | undefined): ExtraKeys {
  return versionId === undefined ? NO_KEYS : new Map([['s3:versionid', [versionId]]]);
}

export interface LoadOptions {
  readonly select: VersionSelector;
  readonly permission: AclPermission;
  readonly withInline: boolean;
  /** the copy source's, where it is not the request's own; with actions */
  readonly bucket?: BucketRecord;
  readonly key?: string;
  /** IAM actions; default: those of the operation */
  readonly actions?: readonly string[];
  /** Condition keys that the request's line and headers do not tell. */
  readonly keys?: ExtraKeys;
}

/**
 * Reads an object's version and checks that the caller may. A caller who may not list the bucket does not learn which keys
 * exist.
 * @throws S3Error NoSuchKey, NoSuchVersion, MethodNotAllowed (a delete marker by its id), AccessDenied
 */
export async function loadVersion(context: OperationContext, options: LoadOptions): Promise<ObjectVersion> {
  const bucket = options.bucket ?? context.bucket;
  const key = options.key ?? keyOf(context);
  const { select, permission, withInline } = options;
  const version = await regionOf(context, bucket).metadata.getVersion(bucket, key, select, { withInline });
  const present = version !== null && !version.deleteMarker;
  const judgement = judgeAccess(context, {
    bucket,
    key,
    actions: options.actions === undefined ? actionsOf(context.operation, context.request) : needs(options.actions),
    permission,
    ...(present ? { version } : {}),
    keys: new Map([...versionKeys(select === 'latest' ? undefined : select.versionId), ...(options.keys ?? NO_KEYS)]),
  });
  if (present) {
    if (judgement !== 'allowed') throw new S3Error('AccessDenied');
    return version;
  }
  if (judgement === 'denied' || !maySeeWhatIsMissing(context, bucket, key)) throw new S3Error('AccessDenied');
  if (version === null) throw missing(select, key);
  const headers = { 'x-amz-delete-marker': 'true', ...versionIdHeader(bucket.versioning, version.versionId) };
  if (select === 'latest') throw new S3Error('NoSuchKey', { detail: { Key: key }, headers });
  throw new S3Error('MethodNotAllowed', {
    detail: { Method: context.request.method, ResourceType: 'DeleteMarker' },
    headers: { ...headers, allow: 'DELETE', 'last-modified': httpDate(version.lastModified) },
  });
}

/** That a key does not exist is told to those who could find it out by listing with the key as prefix. */
function maySeeWhatIsMissing(context: OperationContext, bucket: BucketRecord, key: string): boolean {
  const keys = new Map([['s3:prefix', [key]]]);
  return (
    judgeAccess(context, { bucket, key: null, actions: needs(['ListBucket']), permission: 'READ', keys }) === 'allowed'
  );
}

export function missing(select: VersionSelector, key: string): S3Error {
  return select === 'latest'
    ? new S3Error('NoSuchKey', { detail: { Key: key } })
    : new S3Error('NoSuchVersion', { detail: { Key: key, VersionId: select.versionId } });
}

/**
 * Which permissions a request needs: those of its operation and what its headers ask for besides.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
 */
import type { Statement } from '../iam/policy.js';
import type { OperationRow } from './operation.js';
import type { S3Request } from './request.js';

export interface NeededAction {
  /** without 's3:' */
  readonly name: string;
  /** The ACL's permission for the operation covers it. */
  readonly coveredByAcl: boolean;
  /**
   * Condition keys about what this action allows. A statement that allows another action of the request under a condition on
   * one of them has judged it: AWS's examples allow PutObject alone when x-amz-acl or a grant has a given value.
   */
  readonly judgedBy: RegExp | null;
}

export function needs(names: readonly string[]): readonly NeededAction[] {
  return names.map((name) => ({ name, coveredByAcl: true, judgedBy: null }));
}

/** A permission that no ACL grants. */
export function needsPolicy(name: string): NeededAction {
  return { name, coveredByAcl: false, judgedBy: null };
}

/** Operations whose headers say what the new object is like. */
const CREATING: ReadonlySet<string> = new Set(['PutObject', 'CopyObject', 'CreateMultipartUpload', 'PostObject']);

type Headers = Readonly<Record<string, string>>;

export function actionsOf(
  operation: Pick<OperationRow, 'name' | 'actions' | 'versionActions'>,
  request: Pick<S3Request, 'query' | 'headers'>,
): readonly NeededAction[] {
  const versioned = (request.query.get('versionId') ?? '') !== '';
  const own = needs(versioned ? (operation.versionActions ?? operation.actions) : operation.actions);
  if (operation.name === 'CreateBucket') return [...own, ...actionsOfNewBucket(request.headers)];
  return CREATING.has(operation.name) ? [...own, ...actionsOfHeaders(operation.name, request.headers)] : own;
}

/** https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html */
function actionsOfNewBucket(headers: Headers): readonly NeededAction[] {
  const names: string[] = [];
  if (asksForAcl(headers)) names.push('PutBucketAcl');
  if (headers['x-amz-bucket-object-lock-enabled']?.toLowerCase() === 'true')
    names.push('PutBucketObjectLockConfiguration', 'PutBucketVersioning');
  if (headers['x-amz-object-ownership'] !== undefined) names.push('PutBucketOwnershipControls');
  return needs(names);
}

function asksForAcl(headers: Headers): boolean {
  return Object.keys(headers).some((name) => name === 'x-amz-acl' || name.startsWith('x-amz-grant-'));
}

function actionsOfHeaders(operation: string, headers: Headers): NeededAction[] {
  const actions: NeededAction[] = [];
  if (asksForAcl(headers))
    actions.push({ name: 'PutObjectAcl', coveredByAcl: true, judgedBy: /^s3:x-amz-(acl$|grant-)/ });
  if (setsTags(operation, headers))
    actions.push({ name: 'PutObjectTagging', coveredByAcl: true, judgedBy: /^s3:requestobjecttag(keys$|\/)/ });
  if (headers['x-amz-object-lock-mode'] !== undefined || headers['x-amz-object-lock-retain-until-date'] !== undefined)
    actions.push(needsPolicy('PutObjectRetention'));
  if (headers['x-amz-object-lock-legal-hold']?.toUpperCase() === 'ON') actions.push(needsPolicy('PutObjectLegalHold'));
  return actions;
}

/** The header counts in copies only when the tags are not the source's. */
function setsTags(operation: string, headers: Headers): boolean {
  const tagging = headers['x-amz-tagging'];
  if (tagging === undefined || tagging === '') return false;
  return operation !== 'CopyObject' || headers['x-amz-tagging-directive']?.toUpperCase() === 'REPLACE';
}

/** Whether the statement's conditions ask for values of such a key. */
export function judges({ conditions }: Statement, keys: RegExp): boolean {
  return conditions.some(
    (condition) =>
      condition.kind === 'values' &&
      !condition.negated &&
      !condition.ifExists &&
      keys.test(condition.key.toLowerCase()),
  );
}

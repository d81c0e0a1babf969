/**
 * GetBucketPolicy, PutBucketPolicy, DeleteBucketPolicy and GetBucketPolicyStatus.
 * https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html
 * Deviations: x-amz-confirm-remove-self-bucket-access really gives up the owner's own access to the policy (a master key can
 * restore it); GetBucketPolicyStatus counts the bucket's ACL too, and answers for a bucket without a policy.
 */
import {
  accountsNamed,
  checkBucketPolicy,
  isPublicPolicy,
  MAX_BUCKET_POLICY_BYTES,
  parsePolicy,
  PolicyFault,
} from '../../iam/policy.js';
import type { Policy } from '../../iam/policy.js';
import {
  aclInForce,
  bucketAcl,
  bucketPolicy,
  isPublicAcl,
  POLICY_DOCUMENT,
  POLICY_SELF_REMOVAL_DOCUMENT,
  publicAccessBlock,
} from '../bucket-security.js';
import type { OperationContext } from '../context.js';
import { S3Error } from '../errors.js';
import type { Handler } from '../operation.js';
import { emptyResponse, xmlResponse } from '../operation.js';
import { xmlBody } from '../xml-body.js';
import { policyStatus } from '../xml/documents.js';

/** As it was put, byte for byte. */
export const getBucketPolicy: Handler = async ({ bucket }) => {
  const document = bucket.documents[POLICY_DOCUMENT];
  if (document === undefined) throw new S3Error('NoSuchBucketPolicy', { detail: { BucketName: bucket.name } });
  return { status: 200, headers: { 'content-type': 'application/json' }, body: document };
};

export const putBucketPolicy: Handler = async (context) => {
  const { bucket, request, services } = context;
  const text = textOf(await xmlBody(context, { required: true }));
  const policy = readPolicy(text, bucket.name);
  await checkAccounts(context, policy);
  const selfRemoval = request.headers['x-amz-confirm-remove-self-bucket-access']?.toLowerCase() === 'true';
  await services.stores.buckets.update(bucket, (current) => {
    if (publicAccessBlock(current).blockPublicPolicy && isPublicPolicy(policy))
      throw new S3Error('AccessDenied', {
        message: 'The public access block of the bucket does not allow public policies.',
      });
    return {
      documents: { [POLICY_DOCUMENT]: text, [POLICY_SELF_REMOVAL_DOCUMENT]: selfRemoval ? 'confirmed' : null },
    };
  });
  return emptyResponse(204);
};

export const deleteBucketPolicy: Handler = async ({ bucket, services }) => {
  await services.stores.buckets.update(bucket, () => ({
    documents: { [POLICY_DOCUMENT]: null, [POLICY_SELF_REMOVAL_DOCUMENT]: null },
  }));
  return emptyResponse(204);
};

export const getBucketPolicyStatus: Handler = async ({ bucket }) => {
  const policy = bucketPolicy(bucket);
  const byPolicy = policy !== null && isPublicPolicy(policy);
  return xmlResponse(policyStatus(byPolicy || isPublicAcl(aclInForce(bucket, bucketAcl(bucket)))));
};

function textOf(body: Buffer): string {
  if (body.length > MAX_BUCKET_POLICY_BYTES)
    throw malformed(`Your policy exceeds the maximum allowed size of ${MAX_BUCKET_POLICY_BYTES} bytes`);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('This policy contains invalid Json');
  }
}

function readPolicy(text: string, bucket: string): Policy {
  try {
    const policy = parsePolicy(text, 'resource');
    checkBucketPolicy(policy, bucket);
    return policy;
  } catch (error) {
    throw error instanceof PolicyFault ? malformed(error.message) : error;
  }
}

/** An account that nobody has may be somebody's tomorrow: it is a mistake. */
async function checkAccounts({ services }: OperationContext, policy: Policy): Promise<void> {
  for (const account of accountsNamed(policy))
    if ((await services.directory.findTenant(account)) === null) throw malformed('Invalid principal in policy');
}

function malformed(message: string): S3Error {
  return new S3Error('MalformedPolicy', { message });
}

/**
 * AWS's own managed policies, as far as they speak about what is here: they can be attached in every account and belong to none.
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
 */

export interface ManagedPolicy {
  readonly arn: string;
  readonly name: string;
  readonly path: string;
  readonly id: string;
  readonly description: string;
  readonly text: string;
}

/** When the policies appeared, ms since the epoch: what answers about them give as their dates. */
export const MANAGED_SINCE_MS = Date.UTC(2015, 1, 6, 18, 40, 0);
export const MANAGED_VERSION = 'v1';

const PREFIX = 'arn:aws:iam::aws:policy/';

function managed(name: string, description: string, actions: string | readonly string[]): ManagedPolicy {
  return {
    arn: PREFIX + name,
    name,
    path: '/',
    id: `ANPA${Buffer.from(name).toString('hex').toUpperCase().slice(0, 17).padEnd(17, 'A')}`,
    description,
    text: JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }],
    }),
  };
}

/** In order of their names. */
export const MANAGED_POLICIES: readonly ManagedPolicy[] = [
  managed('AdministratorAccess', 'Provides full access to services and resources.', '*'),
  managed('AmazonS3FullAccess', 'Provides full access to all buckets.', ['s3:*']),
  managed('AmazonS3ReadOnlyAccess', 'Provides read only access to all buckets.', [
    's3:Get*',
    's3:List*',
    's3:Describe*',
  ]),
  managed('IAMFullAccess', 'Provides full access to IAM.', ['iam:*']),
  managed('IAMReadOnlyAccess', 'Provides read only access to IAM.', [
    'iam:Get*',
    'iam:List*',
    'iam:SimulateCustomPolicy',
    'iam:SimulatePrincipalPolicy',
  ]),
];

export function isManagedArn(arn: string): boolean {
  return arn.startsWith(PREFIX);
}

export function managedPolicy(arn: string): ManagedPolicy | null {
  return MANAGED_POLICIES.find((policy) => policy.arn === arn) ?? null;
}
